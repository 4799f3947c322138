//! What may be said of each decoder whatever it is given: run by the fuzz targets in `fuzz/` on bytes that they grow, and by property
//! tests on some. Not in an ordinary build.

use dawncast_core::UnixMs;

use crate::page::{Ledger, Recipients, read_tail};

const BASE: UnixMs = 1_790_000_000_000;

/// The three strings of a page are read, or refused; a ledger and recipients that are read are stored in bytes that read the same.
///
/// # Panics
/// When that does not hold.
pub fn page(bytes: &[u8]) {
    if let Some(ledger) = Ledger::from_bytes(bytes) {
        assert_eq!(Ledger::from_bytes(&ledger.to_bytes()), Some(ledger));
    }
    if let Some(recipients) = Recipients::from_bytes(bytes, BASE) {
        assert_eq!(Recipients::from_bytes(&recipients.to_bytes(BASE), BASE), Some(recipients));
    }
    drop(read_tail(bytes, BASE));
}

/// A line of the archive is read, or refused.
pub fn archive(line: &[u8]) {
    crate::archive::read_any(line);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_are_more_than_a_decoder_can_take(mut bytes in prop::collection::vec(any::<u8>(), 0..300), text: String) {
            super::page(&bytes);
            super::archive(text.as_bytes());
            // The first byte is the version.
            bytes.insert(0, 1);
            super::page(&bytes);
        }
    }
}
