//! Uploaded media: which number each belongs to, how long it lives, and its bytes, as far as there is room.

use std::collections::{HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::hex::hex;

const FIRST_MEDIA_ID: u64 = 300_000_000_000_001;

/// Meta: uploaded media are usable for 30 days.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Meta: the address of a medium is good for five minutes.
pub(crate) const ADDRESS_LIFE: Duration = Duration::from_secs(5 * 60);

const MB: usize = 1 << 20;

/// How many bytes are kept of all media together; the oldest make room.
const ROOM: usize = 128 * MB;

/// All uploaded media.
#[derive(Default)]
pub(crate) struct Library(RwLock<Shelves>);

#[derive(Default)]
struct Shelves {
    uploaded: u64,
    media: HashMap<String, Medium>,
    /// The ids whose bytes are kept, oldest first.
    kept: VecDeque<String>,
    room_taken: usize,
}

/// An uploaded file.
#[derive(Clone)]
pub(crate) struct Medium {
    pub(crate) number: usize,
    uploaded_us: u64,
    pub(crate) mime: String,
    pub(crate) size: usize,
    /// In hexadecimal digits.
    pub(crate) sha256: String,
    /// None once they had to make room.
    pub(crate) bytes: Option<Bytes>,
}

impl Library {
    /// Files a medium under its number and gives its id.
    pub(crate) fn add(&self, number: usize, mime: &str, bytes: Bytes, now_us: u64) -> String {
        let sha256 = hex(&Sha256::digest(&bytes));
        let size = bytes.len();
        let medium = Medium { number, uploaded_us: now_us, mime: mime.to_owned(), size, sha256, bytes: Some(bytes) };
        let mut shelves = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = (FIRST_MEDIA_ID + shelves.uploaded).to_string();
        shelves.uploaded += 1;
        shelves.media.insert(id.clone(), medium);
        shelves.kept.push_back(id.clone());
        shelves.room_taken += size;
        shelves.make_room();
        id
    }

    /// A medium that lives now.
    pub(crate) fn find(&self, id: &str, now_us: u64) -> Option<Medium> {
        let shelves = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shelves.media.get(id).filter(|medium| medium.lives(now_us)).cloned()
    }

    /// Whether `number` may send the medium now.
    pub(crate) fn is_usable(&self, id: &str, number: usize, now_us: u64) -> bool {
        let shelves = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shelves.media.get(id).is_some_and(|medium| medium.number == number && medium.lives(now_us))
    }

    /// Whether there ever was a medium of that id, and it was not deleted.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).media.contains_key(id)
    }

    pub(crate) fn remove(&self, id: &str) {
        let mut shelves = self.0.write().unwrap_or_else(PoisonError::into_inner);
        shelves.kept.retain(|kept| kept != id);
        let bytes = shelves.media.remove(id).and_then(|medium| medium.bytes);
        shelves.room_taken -= bytes.map_or(0, |bytes| bytes.len());
    }
}

impl Medium {
    fn lives(&self, now_us: u64) -> bool {
        Duration::from_micros(now_us.saturating_sub(self.uploaded_us)) < LIFE
    }
}

impl Shelves {
    fn make_room(&mut self) {
        while self.room_taken > ROOM {
            let Some(oldest) = self.kept.pop_front() else { return };
            let bytes = self.media.get_mut(&oldest).and_then(|medium| medium.bytes.take());
            self.room_taken -= bytes.map_or(0, |bytes| bytes.len());
        }
    }
}

/// Meta's supported media types, each with its greatest size in bytes.
const TYPES: [(&str, usize); 18] = [
    ("audio/aac", 16 * MB),
    ("audio/amr", 16 * MB),
    ("audio/mpeg", 16 * MB),
    ("audio/mp4", 16 * MB),
    ("audio/ogg", 16 * MB),
    ("image/jpeg", 5 * MB),
    ("image/png", 5 * MB),
    ("image/webp", 500 << 10),
    ("video/mp4", 16 * MB),
    ("video/3gp", 16 * MB),
    ("text/plain", 100 * MB),
    ("application/pdf", 100 * MB),
    ("application/msword", 100 * MB),
    ("application/vnd.ms-excel", 100 * MB),
    ("application/vnd.ms-powerpoint", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", 100 * MB),
];

/// The greatest size in bytes of a MIME type (parameters such as `codecs` aside), if it is supported.
pub(crate) fn greatest_size(mime: &str) -> Option<usize> {
    let essence = mime.split(';').next().unwrap_or_default().trim();
    TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(essence)).map(|(_, size)| *size)
}

/// Meta: a sticker that stands still has a limit of its own, in bytes; an animated one that of its type.
const STILL_STICKER: usize = 100 << 10;

/// The greatest size in bytes of this very file, if its type is supported.
pub(crate) fn greatest_size_of(mime: &str, bytes: &[u8]) -> Option<usize> {
    // An animated WebP has an extended header, with the flag set.
    let is_animated = bytes.len() > 20 && &bytes[12..16] == b"VP8X" && bytes[20] & 2 == 2;
    let is_still_sticker = mime.to_ascii_lowercase().starts_with("image/webp") && !is_animated;
    greatest_size(mime).map(|greatest| if is_still_sticker { STILL_STICKER } else { greatest })
}

/// Every supported MIME type.
pub(crate) fn supported() -> String {
    TYPES.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_bytes_make_room_and_their_medium_stays() {
        let library = Library::default();
        let big = Bytes::from(vec![0; 60 * MB]);
        let ids = [0; 3].map(|number| library.add(number, "application/pdf", big.clone(), 0));
        let kept = ids.each_ref().map(|id| library.find(id, 0).unwrap().bytes.is_some());
        assert_eq!(kept, [false, true, true]);
        assert!(library.is_usable(&ids[0], 0, 0), "it can still be sent");
        library.remove(&ids[1]);
        let next = library.add(0, "application/pdf", big, 0);
        assert!(library.find(&ids[2], 0).unwrap().bytes.is_some() && library.find(&next, 0).unwrap().bytes.is_some());
        assert!(!library.knows(&ids[1]));
    }
}
