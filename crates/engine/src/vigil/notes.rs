//! What a process remembers outside of Redis: how far it has seen each database come. A small file per database, shared
//! by the processes of a folder, replaced as a whole each second.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use dawncast_store::restore::Seen;
use tracing::{info, warn};

/// See the module. Without a folder, what is seen lives as long as the process.
#[derive(Debug)]
pub(super) struct Notes {
    folder: Option<PathBuf>,
    /// The last note could not be kept, and that is said.
    failing: bool,
}

impl Notes {
    pub(super) fn of(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned), failing: false }
    }

    /// What is known of a database. A note that cannot be read tells nothing.
    pub(super) fn read(&self, database: &str) -> Option<Seen> {
        let text = fs::read(file(self.folder.as_deref()?, database)).ok()?;
        match serde_json::from_slice::<Seen>(&text) {
            Ok(seen) if seen.database == database => Some(seen),
            _ => {
                warn!("the note on database {database} cannot be read: a restored snapshot would not be noticed by it");
                None
            }
        }
    }

    /// Whether there are notes on any database.
    pub(super) fn any(&self) -> bool {
        let entries = self.folder.as_deref().and_then(|folder| fs::read_dir(folder).ok());
        entries.is_some_and(|mut entries| entries.any(|entry| entry.is_ok_and(|it| is_note(&it.path()))))
    }

    /// Keeps a note. Where that fails, which is said once, a restored snapshot is noticed only while this process lives.
    pub(super) fn write(&mut self, seen: &Seen) {
        let Some(folder) = &self.folder else { return };
        let kept = replace(folder, seen);
        if let Err(why) = &kept
            && !self.failing
        {
            warn!(
                "{}: {why}. A restored snapshot of Redis will not be noticed at the next start: make data_dir writable",
                folder.display()
            );
        }
        if kept.is_ok() && self.failing {
            info!("notes are kept in {} again", folder.display());
        }
        self.failing = kept.is_err();
    }
}

fn file(folder: &Path, database: &str) -> PathBuf {
    folder.join(format!("{database}.json"))
}

fn is_note(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// Nobody ever sees half a note: it is written beside, then renamed.
fn replace(folder: &Path, seen: &Seen) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = folder.join(format!("{}.{}", seen.database, std::process::id()));
    fs::write(&beside, serde_json::to_vec(seen)?)?;
    fs::rename(&beside, file(folder, &seen.database))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    fn seen(database: &str, beat: i64) -> Seen {
        Seen { database: database.to_owned(), generation: 3, beat }
    }

    #[test]
    fn a_note_is_kept_for_each_database_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut notes = Notes::of(Some(&folder.path().join("seen")));
        assert!(!notes.any() && notes.read("a").is_none());
        for note in [seen("a", 1), seen("b", 2), seen("a", 3)] {
            notes.write(&note);
        }
        assert!(notes.any());
        assert_eq!((notes.read("a"), notes.read("b")), (Some(seen("a", 3)), Some(seen("b", 2))));
    }

    #[test]
    fn a_broken_or_foreign_note_tells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::of(Some(folder.path()));
        fs::write(folder.path().join("a.json"), "{").unwrap();
        fs::write(folder.path().join("b.json"), serde_json::to_vec(&seen("c", 1)).unwrap()).unwrap();
        assert_eq!((notes.read("a"), notes.read("b")), (None, None));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_borne() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut notes = Notes::of(Some(file.path()));
        notes.write(&seen("a", 1));
        assert!(notes.failing && notes.read("a").is_none());
    }
}
