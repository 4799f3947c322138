//! Dice whose throws depend on what is thrown for, never on when: two runs with one seed see the same faults.

use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::wa_id::WaId;

/// What a throw is for; throws of different purposes are independent.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// The fault that a profile gives to one try of a user.
    Fault,
    /// A property of the user that does not change between tries.
    User,
    /// The delays and disorder of one message's receipts.
    Receipts,
    /// Whether a marketing message is withheld.
    Withheld,
    /// The probability of the ordered fault with this place in the list.
    Rule(usize),
}

/// Dice for the `nth` try of `user`.
pub(crate) fn dice(seed: u64, user: WaId, nth: u32, purpose: Purpose) -> SmallRng {
    let salt = match purpose {
        Purpose::Fault => 1,
        Purpose::User => 2,
        Purpose::Receipts => 3,
        Purpose::Withheld => u64::MAX,
        Purpose::Rule(place) => 4 + place as u64,
    };
    let parts = [seed, user.as_u64(), u64::from(nth), salt];
    SmallRng::seed_from_u64(parts.into_iter().fold(0, |mixed, part| mix(mixed ^ part)))
}

/// SplitMix64's finaliser: a bijection of 64 bits in which every input bit reaches every output bit.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
