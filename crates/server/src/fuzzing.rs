//! What may be said of each decoder whatever it is given: run by the fuzz targets in `fuzz/` on bytes that they grow, and by property
//! tests on some. Not in an ordinary build.

use crate::imports;

/// An upload is read, or refused, in the same way whatever pieces it comes in; as CSV and as NDJSON.
///
/// # Panics
/// When that does not hold.
pub fn audience(file: &[u8]) {
    for format in ["text/csv", "application/x-ndjson"] {
        let whole = imports::read_in_pieces(format, file, file.len().max(1));
        for size in [1, 7] {
            assert_eq!(imports::read_in_pieces(format, file, size), whole, "{format} in pieces of {size}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_are_more_than_an_import_can_take(bytes in prop::collection::vec(any::<u8>(), 0..200), text: String) {
            super::audience(&bytes);
            super::audience(text.as_bytes());
            super::audience(&[b"phone,id\n", text.as_bytes()].concat());
        }
    }
}
