//! Message ids that look like WhatsApp's own.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::dice::mix;

/// Which way a message goes; the id says so.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Outbound = 0x11,
    Inbound = 0x12,
}

/// Mints ids that no other message of this process has, nor (as the start is mixed in) one of an earlier process.
pub(crate) struct Mint {
    start: u64,
    minted: AtomicU64,
}

impl Mint {
    pub(crate) fn new(start: u64) -> Self {
        Self { start: mix(start), minted: AtomicU64::new(0) }
    }

    /// `wamid.` and, in base64: `1C 18`, the user (the digits, or the business-scoped id) with its length, `15 02 00`, the direction, `18`, and
    /// 18 hexadecimal characters with their length, closed by a zero.
    pub(crate) fn wamid(&self, user: &str, direction: Direction) -> String {
        let unique = mix(self.start.wrapping_add(self.minted.fetch_add(1, Ordering::Relaxed)));
        let mut bytes = Vec::with_capacity(48);
        bytes.extend_from_slice(&[0x1C, 0x18, user.len() as u8]);
        bytes.extend_from_slice(user.as_bytes());
        bytes.extend_from_slice(&[0x15, 0x02, 0x00, direction as u8, 0x18, 18]);
        bytes.extend_from_slice(b"3E");
        bytes.extend((0..16).rev().map(|nibble| hex_digit(unique >> (nibble * 4))));
        bytes.push(0);
        let mut id = String::with_capacity(72);
        id.push_str("wamid.");
        STANDARD.encode_string(&bytes, &mut id);
        id
    }
}

fn hex_digit(value: u64) -> u8 {
    b"0123456789ABCDEF"[(value & 0xF) as usize]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_carries_the_users_digits_and_the_direction() {
        let id = Mint::new(1).wamid("15550001111", Direction::Outbound);
        assert!(id.starts_with("wamid.HBgLMTU1NTAwMDExMTEVAgARGBI"), "{id}");
        assert_eq!(STANDARD.decode(&id[6..]).unwrap().len(), 3 + 11 + 6 + 18 + 1);
    }

    #[test]
    fn ids_do_not_repeat() {
        let mint = Mint::new(1);
        let ids: HashSet<_> = (0..10_000).map(|_| mint.wamid("919876543210", Direction::Outbound)).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
