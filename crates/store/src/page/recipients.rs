//! A page's immutable half: who gets it, when, and with which attributes. Written once, compressed.
//!
//! A version byte, then deflate over: count; attribute names; per delivery phone, due, id, tier and a value or a gap
//! per name. Texts carry their length before them; names stand once per page, not once per recipient.

use std::io::{Read, Write};

use dawncast_core::UnixMs;
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

const VERSION: u8 = 1;
/// The length that stands for a value that is not there.
const GAP: u16 = u16::MAX;

/// One delivery's immutable half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The phone's digits in international form.
    pub phone: u64,
    /// When it was planned to go out. Replanning never moves it.
    pub due: UnixMs,
    /// The caller's own id; empty when there is none.
    pub id: String,
    /// The tier's name; empty when there is none.
    pub tier: String,
    /// A value per name of [`Recipients::names`].
    pub values: Vec<Option<String>>,
}

/// All deliveries of a page, in the order they go out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipients {
    /// The attributes that the message uses.
    pub names: Vec<String>,
    /// A row per delivery.
    pub rows: Vec<Recipient>,
}

impl Recipients {
    /// The attribute `name` of a row.
    pub fn value<'a>(&self, row: &'a Recipient, name: &str) -> Option<&'a str> {
        let place = self.names.iter().position(|known| known == name)?;
        row.values.get(place)?.as_deref()
    }

    /// The bytes to store; times are kept after `base`.
    pub fn to_bytes(&self, base: UnixMs) -> Vec<u8> {
        let mut plain = Vec::with_capacity(64 * self.rows.len());
        plain.extend((self.rows.len() as u16).to_le_bytes());
        plain.extend((self.names.len() as u16).to_le_bytes());
        self.names.iter().for_each(|name| put(&mut plain, Some(name)));
        for row in &self.rows {
            plain.extend(row.phone.to_le_bytes());
            plain.extend((row.due - base).to_le_bytes());
            put(&mut plain, Some(&row.id));
            put(&mut plain, Some(&row.tier));
            row.values.iter().for_each(|value| put(&mut plain, value.as_deref()));
        }
        let mut encoder = DeflateEncoder::new(vec![VERSION], Compression::new(6));
        let packed = encoder.write_all(&plain).and_then(|()| encoder.finish());
        packed.expect("a vector takes every byte")
    }

    /// Reads stored bytes; none when another version, or nobody, wrote them.
    pub fn from_bytes(bytes: &[u8], base: UnixMs) -> Option<Self> {
        let (version, packed) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let mut plain = Vec::new();
        DeflateDecoder::new(packed).read_to_end(&mut plain).ok()?;
        let mut rest = plain.as_slice();
        let count = u16::from_le_bytes(take(&mut rest)?);
        let names = u16::from_le_bytes(take(&mut rest)?);
        let names = (0..names).map(|_| get(&mut rest)?).collect::<Option<Vec<_>>>()?;
        let rows = (0..count).map(|_| read_row(&mut rest, names.len(), base)).collect::<Option<_>>()?;
        Some(Self { names, rows })
    }
}

fn read_row(rest: &mut &[u8], values: usize, base: UnixMs) -> Option<Recipient> {
    Some(Recipient {
        phone: u64::from_le_bytes(take(rest)?),
        due: base.checked_add(i64::from_le_bytes(take(rest)?))?,
        id: get(rest)??,
        tier: get(rest)??,
        values: (0..values).map(|_| get(rest)).collect::<Option<_>>()?,
    })
}

fn put(out: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else { return out.extend(GAP.to_le_bytes()) };
    // Import refuses longer values; a message could not carry them.
    let text = &text.as_bytes()[..text.len().min(usize::from(GAP) - 1)];
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text);
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn get(rest: &mut &[u8]) -> Option<Option<String>> {
    let length = u16::from_le_bytes(take(rest)?);
    if length == GAP {
        return Some(None);
    }
    let (text, tail) = rest.split_at_checked(usize::from(length))?;
    *rest = tail;
    Some(Some(String::from_utf8(text.to_vec()).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn recipients_read_back_as_written(
            rows in proptest::collection::vec((any::<u64>(), 0..100_000i64, ".{0,8}", ".{0,4}", proptest::option::of(".{0,20}")), 0..20),
        ) {
            let rows: Vec<_> = rows.into_iter()
                .map(|(phone, due, id, tier, value)| Recipient { phone, due: 5_000 + due, id, tier, values: vec![value, None] })
                .collect();
            let recipients = Recipients { names: vec!["first_name".into(), "image".into()], rows };
            prop_assert_eq!(Recipients::from_bytes(&recipients.to_bytes(5_000), 5_000), Some(recipients));
        }

        #[test]
        fn bytes_that_nobody_wrote_are_refused_not_panicked_at(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Recipients::from_bytes(&bytes, 0);
        }
    }
}
