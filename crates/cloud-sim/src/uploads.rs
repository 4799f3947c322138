//! Resumable uploads: sessions that take a file from where it was cut off, and the handles of those that are whole.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All sessions and handles. The bytes themselves are not kept.
#[derive(Default)]
pub(crate) struct Uploads {
    opened: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<String, Session>,
    handles: HashSet<String>,
    /// The next upload is cut off after so many bytes.
    cut_after: Option<usize>,
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) length: usize,
    pub(crate) received: usize,
}

/// What became of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Took {
    /// The file is whole: its handle.
    Whole(String),
    /// More is awaited.
    Part(Session),
    /// The connection was cut off.
    Cut,
    /// They do not begin where the ones before ended.
    Misplaced(Session),
    /// There is no such session.
    Unknown,
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session for a file of `length` bytes.
    pub(crate) fn open(&self, length: usize) -> String {
        let id = format!("upload:MTphdHRhY2htZW50Oj{:08}", self.opened.fetch_add(1, Ordering::Relaxed));
        self.lock().sessions.insert(id.clone(), Session { length, received: 0 });
        id
    }

    /// How far a session has come.
    pub(crate) fn session(&self, id: &str) -> Option<Session> {
        self.lock().sessions.get(id).cloned()
    }

    /// Takes `count` bytes of a file from `offset` on.
    pub(crate) fn take(&self, id: &str, offset: usize, count: usize) -> Took {
        let mut kept = self.lock();
        let cut = kept.cut_after;
        let Some(session) = kept.sessions.get_mut(id) else { return Took::Unknown };
        if offset != session.received {
            return Took::Misplaced(session.clone());
        }
        if let Some(after) = cut.filter(|after| *after < count) {
            session.received += after;
            kept.cut_after = None;
            return Took::Cut;
        }
        session.received = (session.received + count).min(session.length);
        if session.received < session.length {
            return Took::Part(session.clone());
        }
        let handle = format!("4::{}", id.trim_start_matches("upload:"));
        kept.handles.insert(handle.clone());
        Took::Whole(handle)
    }

    /// Whether a handle was given for a whole file.
    pub(crate) fn knows(&self, handle: &str) -> bool {
        self.lock().handles.contains(handle)
    }

    /// Has the next upload that is longer cut off after so many bytes.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.lock().cut_after = Some(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_once_all_of_it_has_come_in_order() {
        let uploads = Uploads::default();
        let id = uploads.open(10);
        assert_eq!(uploads.take(&id, 4, 6), Took::Misplaced(Session { length: 10, received: 0 }));
        assert_eq!(uploads.take(&id, 0, 4), Took::Part(Session { length: 10, received: 4 }));
        let Took::Whole(handle) = uploads.take(&id, 4, 6) else { panic!("it is whole") };
        assert!(uploads.knows(&handle) && !uploads.knows("4::other"));
        assert_eq!(uploads.take("upload:nope", 0, 1), Took::Unknown);
    }

    #[test]
    fn an_upload_is_cut_off_once_and_keeps_what_came() {
        let uploads = Uploads::default();
        let id = uploads.open(10);
        uploads.cut_after(3);
        assert_eq!(uploads.take(&id, 0, 10), Took::Cut);
        assert_eq!(uploads.session(&id), Some(Session { length: 10, received: 3 }));
        assert!(matches!(uploads.take(&id, 3, 7), Took::Whole(_)));
    }
}
