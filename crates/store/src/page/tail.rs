//! A page's append-only tail: message ids, attempts that a later one superseded, and late facts about those. A version
//! byte, then entries of kind, index, attempt, length and bytes.

use base64::{Engine, engine::general_purpose::STANDARD};
use dawncast_core::{
    UnixMs,
    delivery::{Attempt, Outcome},
};

/// The bytes of an empty tail.
pub(crate) const EMPTY: &[u8] = &[1];

const MESSAGE_ID: u8 = 1;
const SUPERSEDED: u8 = 2;
const LATE_FACT: u8 = 3;

const WAMID: &str = "wamid.";
const PACKED: u8 = 1;
const PLAIN: u8 = 0;

/// One entry of the tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailEntry {
    /// Which delivery of the page.
    pub index: u8,
    /// Which attempt.
    pub attempt: Attempt,
    /// What is kept of it.
    pub note: TailNote,
}

/// What the tail keeps of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TailNote {
    /// WhatsApp's id for its message.
    MessageId(String),
    /// What the record said of it when a later attempt was begun.
    Superseded {
        /// The number: its place in the run's table.
        number: u8,
        /// Its error code, 0 when it had none.
        code: u32,
        /// When it was begun.
        begun_at: UnixMs,
    },
    /// What became known of it afterwards.
    LateFact {
        /// Its outcome.
        outcome: Outcome,
        /// Its error code, 0 when it had none.
        code: u32,
        /// When that happened.
        at: UnixMs,
    },
}

/// A message id in as few bytes as possible: Meta's are base64 behind `wamid.`, and a quarter shorter as bytes.
pub(crate) fn pack_message_id(id: &str) -> Vec<u8> {
    let bytes = id.strip_prefix(WAMID).and_then(|text| Some((STANDARD.decode(text).ok()?, text)));
    let (mark, bytes) = match bytes {
        Some((bytes, text)) if STANDARD.encode(&bytes) == text => (PACKED, bytes),
        _ => (PLAIN, id.as_bytes().to_vec()),
    };
    // An entry's length is one byte. Meta asks to store 255 characters; packed, that fits.
    std::iter::once(mark).chain(bytes.into_iter().take(254)).collect()
}

fn unpack_message_id(bytes: &[u8]) -> Option<String> {
    let (mark, bytes) = bytes.split_first()?;
    match *mark {
        PACKED => Some(format!("{WAMID}{}", STANDARD.encode(bytes))),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

fn moment(bytes: &[u8], base: UnixMs) -> Option<UnixMs> {
    Some(base + i64::from(u32::from_le_bytes(bytes.try_into().ok()?)) - 1)
}

fn note(kind: u8, bytes: &[u8], base: UnixMs) -> Option<TailNote> {
    if kind == MESSAGE_ID {
        return unpack_message_id(bytes).map(TailNote::MessageId);
    }
    let first = *bytes.first()?;
    let code = u32::from_le_bytes(bytes.get(1..5)?.try_into().ok()?);
    let at = moment(bytes.get(5..9)?, base)?;
    match kind {
        SUPERSEDED => Some(TailNote::Superseded { number: first, code, begun_at: at }),
        LATE_FACT => Some(TailNote::LateFact { outcome: Outcome::from_code(first)?, code, at }),
        _ => None,
    }
}

/// Reads a stored tail; none when another version, or nobody, wrote it.
pub(crate) fn read(bytes: &[u8], base: UnixMs) -> Option<Vec<TailEntry>> {
    let mut rest = bytes.strip_prefix(EMPTY)?;
    let mut entries = Vec::new();
    while let Some((&[kind, index, attempt, length], body)) = rest.split_first_chunk() {
        let (bytes, next) = body.split_at_checked(usize::from(length))?;
        entries.push(TailEntry { index, attempt, note: note(kind, bytes, base)? });
        rest = next;
    }
    rest.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_reads_back_to_the_letter() {
        let meta = "wamid.HBgMOTE5ODc2NTQzMjEwFQIAERgSQTRDMEY1NzUwQ0Q5ODhERTUzAA==";
        for id in [meta, "wamid.not base64", "anything else", "wamid.YQ"] {
            assert_eq!(unpack_message_id(&pack_message_id(id)).as_deref(), Some(id));
        }
        assert!(pack_message_id(meta).len() < 46);
    }

    #[test]
    fn a_torn_tail_is_refused() {
        assert_eq!(read(&[1], 0), Some(vec![]));
        assert_eq!(read(&[1, 1, 0, 1, 9, 0], 0), None);
        assert_eq!(read(&[2], 0), None);
    }
}
