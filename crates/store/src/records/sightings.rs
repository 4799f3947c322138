//! Which phones and ids an upload has shown, and where: sorted beside the memory, so that whatever the upload's size,
//! a few megabytes are held. What no longer fits is sorted and laid down in a scratch file; the files are merged, 32 at
//! a time. The files have no name: they are gone with the process, however it ends.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, Write},
    path::PathBuf,
};

use sha2::{Digest, Sha256};

/// Sightings in memory: 4 MB.
const HELD: usize = 131_072;
/// Files that are merged into one.
const MERGED: usize = 32;
/// Bytes of a sighting in a file.
const SIZE: usize = 32;
/// Sets keys of ids apart from keys of phones, which have fewer bits.
const IS_ID: u128 = 1 << 127;

/// A phone or an id, and the row that showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sighting {
    /// The phone itself, or 127 bits of the SHA-256 of the id. Phones come first in the order.
    pub(super) key: u128,
    /// Where it stood.
    pub(super) line: u64,
    /// The row's phone.
    pub(super) phone: u64,
}

impl Sighting {
    /// Of a row's phone.
    pub(super) fn of_phone(line: u64, phone: u64) -> Self {
        Self { key: u128::from(phone), line, phone }
    }

    /// Of a row's id.
    pub(super) fn of_id(line: u64, phone: u64, id: &str) -> Self {
        let digest = Sha256::digest(id.as_bytes());
        let (half, _) = digest.split_at(16);
        let hash = u128::from_be_bytes(half.try_into().expect("half of 32 bytes"));
        Self { key: hash | IS_ID, line, phone }
    }

    pub(super) fn is_id(&self) -> bool {
        self.key & IS_ID != 0
    }

    fn bytes(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..16].copy_from_slice(&self.key.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.line.to_le_bytes());
        bytes[24..].copy_from_slice(&self.phone.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8; SIZE]) -> Self {
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let key = u128::from(u64_at(0)) | u128::from(u64_at(8)) << 64;
        Self { key, line: u64_at(16), phone: u64_at(24) }
    }
}

/// Sightings in the order of their keys, then of their lines.
type Sorted = Box<dyn Iterator<Item = io::Result<Sighting>> + Send>;

/// See the module.
pub(super) struct Sightings {
    folder: PathBuf,
    held: Vec<Sighting>,
    /// Sorted files; those of a level are of about the same size, and 32 of them make one of the next.
    levels: Vec<Vec<File>>,
}

impl Sightings {
    /// None yet. Scratch files are made in `folder`.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, held: Vec::new(), levels: Vec::new() }
    }

    /// Notes one. True when the memory is full: [`Sightings::lay_down`] is due.
    pub(super) fn note(&mut self, sighting: Sighting) -> bool {
        self.held.push(sighting);
        self.held.len() >= HELD
    }

    /// Moves what is held into a file. Works for a while: not for an async thread.
    pub(super) fn lay_down(mut self) -> io::Result<Self> {
        self.held.sort_unstable();
        let file = self.write(self.held.iter().copied().map(Ok))?;
        self.held.clear();
        self.add(0, file)?;
        Ok(self)
    }

    fn add(&mut self, level: usize, file: File) -> io::Result<()> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(file);
        if self.levels[level].len() < MERGED {
            return Ok(());
        }
        let files = std::mem::take(&mut self.levels[level]);
        let merged = self.write(merge(files.into_iter().map(read).collect())?)?;
        self.add(level + 1, merged)
    }

    /// A file of these, at its start.
    fn write(&self, sightings: impl Iterator<Item = io::Result<Sighting>>) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        for sighting in sightings {
            file.write_all(&sighting?.bytes())?;
        }
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }

    /// All of them, sorted.
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        self.held.sort_unstable();
        let mut sources: Vec<Sorted> = self.levels.into_iter().flatten().map(read).collect();
        sources.push(Box::new(self.held.into_iter().map(Ok)));
        merge(sources)
    }
}

fn read(file: File) -> Sorted {
    let mut file = BufReader::with_capacity(64 * 1024, file);
    Box::new(std::iter::from_fn(move || {
        let mut bytes = [0; SIZE];
        match file.read_exact(&mut bytes) {
            Ok(()) => Some(Ok(Sighting::read(&bytes))),
            Err(end) if end.kind() == ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(error)),
        }
    }))
}

fn merge(mut sources: Vec<Sorted>) -> io::Result<Sorted> {
    let mut heads = BinaryHeap::with_capacity(sources.len());
    for (place, source) in sources.iter_mut().enumerate() {
        if let Some(first) = source.next().transpose()? {
            heads.push(Reverse((first, place)));
        }
    }
    Ok(Box::new(std::iter::from_fn(move || {
        let Reverse((least, place)) = heads.pop()?;
        match sources[place].next() {
            Some(Ok(next)) => heads.push(Reverse((next, place))),
            Some(Err(error)) => return Some(Err(error)),
            None => {}
        }
        Some(Ok(least))
    })))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(sightings: &[Sighting], held: usize) -> Vec<Sighting> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut noted = Sightings::new(folder.path().join("scratch"));
        for (place, sighting) in sightings.iter().enumerate() {
            noted.note(*sighting);
            if (place + 1) % held == 0 {
                noted = noted.lay_down().expect("room");
            }
        }
        assert_eq!(fs::read_dir(folder.path().join("scratch")).map_or(0, Iterator::count), 0, "no file has a name");
        noted.sorted().expect("files").collect::<Result<_, _>>().expect("files")
    }

    proptest! {
        #[test]
        fn sightings_come_back_sorted_however_many_files_they_lay_in(
            seen in prop::collection::vec((0_u64..50, any::<u64>(), any::<bool>()), 0..400),
            held in 1_usize..60,
        ) {
            let seen = seen.into_iter().map(|(phone, line, by_id)| match by_id {
                true => Sighting::of_id(line, phone, &phone.to_string()),
                false => Sighting::of_phone(line, phone),
            });
            let seen: Vec<Sighting> = seen.collect();
            let mut expected = seen.clone();
            expected.sort_unstable();
            prop_assert_eq!(sorted(&seen, held), expected);
        }
    }

    #[test]
    fn files_are_merged_before_they_are_many() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut noted = Sightings::new(folder.path().to_owned());
        for line in 0..MERGED as u64 * 3 + 5 {
            noted.note(Sighting::of_phone(line, 919_800_000_000 - line));
            noted = noted.lay_down().expect("room");
        }
        assert_eq!(noted.levels.iter().map(Vec::len).collect::<Vec<_>>(), [5, 3]);
        assert_eq!(noted.sorted().expect("files").count(), MERGED * 3 + 5);
    }

    #[test]
    fn phones_come_before_ids() {
        let id = Sighting::of_id(1, 7, "a");
        assert!(id.is_id() && id > Sighting::of_phone(1, u64::MAX));
        assert_eq!(id.key, Sighting::of_id(9, 8, "a").key);
    }
}
