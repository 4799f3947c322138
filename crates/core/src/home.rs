//! Homes: which number a phone hears from, by weighted rendezvous hashing.
//!
//! Every number bids for every phone with a score drawn from a stable hash, and the highest bid wins. A
//! phone therefore keeps its number for as long as that number is there: one more number draws phones
//! only to itself, one fewer moves only its own, and shares follow the weights.
//!
//! Homes outlive releases and machines, so nothing here may change its results: the hash is FNV-1a and
//! splitmix64, and the logarithm is our own, because the one of the platform may differ in its last bit.

use crate::ids::NumberId;

/// The odd constant of splitmix64: 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The splitmix64 finaliser: a bijection in which every bit of the input turns each bit of the output
/// with probability one half.
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// FNV-1a, 64 bits.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

/// `-ln(u)` for a `u` in (0, 1), by IEEE 754 basic operations alone, which round alike everywhere.
///
/// `u = m · 2ᵉ` with `m` in [√½, √2), and `ln m = 2 · atanh((m-1)/(m+1))`, whose series is cut where its
/// terms fall below a double's precision. Close to 1, `e` is 0 and nothing cancels.
fn minus_ln(u: f64) -> f64 {
    const LAST_TERM: u32 = 23;
    let bits = u.to_bits();
    let (exponent, m) = ((bits >> 52) as i32 - 1023, f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52)));
    let (exponent, m) = if m < std::f64::consts::SQRT_2 { (exponent, m) } else { (exponent + 1, m / 2.0) };
    let z = (m - 1.0) / (m + 1.0);
    let series = (1..=LAST_TERM).rev().step_by(2).fold(0.0, |sum, n| sum * z * z + 1.0 / f64::from(n));
    -(f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * z * series)
}

/// A number that bids for phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home {
    seed: u64,
    weight: u32,
}

impl Home {
    /// The bidder for number `id`, whose share of the phones is `weight` (its messages per second) over
    /// the sum of all weights. With weight 0 it wins only where nobody else bids.
    pub fn new(id: &NumberId, weight: u32) -> Self {
        Self { seed: fnv1a(id.as_str().as_bytes()), weight }
    }

    /// The bid for a phone: `-weight / ln(u)`, with `u` in (0, 1) hashed from phone and number.
    fn score(&self, phone: u64) -> f64 {
        // 52 bits and a half: never 0 and, unlike 53 and a half, never rounded to 1.
        let u = ((mix(mix(phone) ^ self.seed) >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
        f64::from(self.weight) / minus_ln(u)
    }
}

/// The number of highest score for `phone` (its digits) among those that are `open`, as an index.
pub fn best(phone: u64, homes: &[Home], open: impl Fn(usize) -> bool) -> Option<usize> {
    let bids = homes.iter().enumerate().filter(|(i, _)| open(*i)).map(|(i, home)| (home.score(phone), home.seed, i));
    bids.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(.., i)| i)
}

/// All numbers in the order in which `phone` (its digits) prefers them, as indexes.
pub fn rank(phone: u64, homes: &[Home]) -> Vec<usize> {
    let mut bids: Vec<_> = homes.iter().enumerate().map(|(i, home)| (home.score(phone), home.seed, i)).collect();
    bids.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    bids.into_iter().map(|(.., i)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn homes(weights: &[u32]) -> Vec<Home> {
        let ids = (0..).map(|i| format!("{}", 100_000_000_000_001_u64 + i).parse().expect("digits"));
        ids.zip(weights).map(|(id, weight): (NumberId, _)| Home::new(&id, *weight)).collect()
    }

    fn phones(count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(|i| 919_800_000_000 + i)
    }

    /// Each home's share of `count` consecutive phones.
    fn shares(weights: &[u32], count: u64) -> Vec<f64> {
        let homes = homes(weights);
        let mut won = vec![0.0; weights.len()];
        phones(count).for_each(|phone| won[best(phone, &homes, |_| true).expect("homes")] += 1.0 / count as f64);
        won
    }

    #[test]
    fn homes_are_the_same_in_every_release() {
        let homes = homes(&[80, 80, 1000, 250]);
        let found: Vec<_> = phones(4).map(|phone| rank(phone, &homes)).collect();
        assert_eq!(found, [[2, 0, 3, 1], [2, 0, 3, 1], [2, 1, 3, 0], [3, 2, 0, 1]]);
    }

    #[test]
    fn shares_follow_the_weights() {
        for weights in [&[80, 80, 80][..], &[1000, 250, 80], &[1, 2, 3, 4, 5]] {
            let total: u32 = weights.iter().sum();
            for (share, weight) in shares(weights, 50_000).iter().zip(weights) {
                let fair = f64::from(*weight) / f64::from(total);
                assert!((share - fair).abs() < 0.01, "{weights:?}: {share} instead of {fair}");
            }
        }
    }

    #[test]
    fn the_logarithm_is_that_of_the_platform_but_for_rounding() {
        for i in 1..100_000 {
            let u = f64::from(i) / 100_000.0;
            let (ours, theirs) = (minus_ln(u), -u.ln());
            assert!((ours - theirs).abs() <= 1e-13 * theirs.max(1e-2), "-ln({u}): {ours} instead of {theirs}");
        }
    }

    #[test]
    fn extreme_draws_have_finite_scores() {
        for draw in [0_u64, u64::MAX] {
            let u = ((draw >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
            assert!(minus_ln(u).is_finite() && minus_ln(u) > 0.0, "{draw}");
        }
    }

    #[test]
    fn a_number_of_no_weight_is_the_last_choice() {
        let homes = homes(&[0, 80]);
        assert!(phones(1000).all(|phone| rank(phone, &homes) == [1, 0]));
        assert_eq!(best(1, &homes, |i| i == 0), Some(0));
        assert_eq!(best(1, &[], |_| true), None);
    }

    proptest! {
        #[test]
        fn one_more_number_draws_phones_only_to_itself(
            weights in prop::collection::vec(1_u32..2000, 2..9), first in 1_u64..1_000_000_000_000,
        ) {
            let after = homes(&weights);
            let before = &after[..after.len() - 1];
            for phone in first..first + 200 {
                let (old, new) = (best(phone, before, |_| true), best(phone, &after, |_| true));
                prop_assert!(new == old || new == Some(before.len()));
            }
        }

        #[test]
        fn one_fewer_number_moves_only_its_own_phones(
            weights in prop::collection::vec(1_u32..2000, 2..9), gone in any::<prop::sample::Index>(), first in any::<u64>(),
        ) {
            let before = homes(&weights);
            let gone = gone.index(before.len());
            for phone in (0..200).map(|i| first.wrapping_add(i)) {
                let ranked = rank(phone, &before);
                let without = best(phone, &before, |i| i != gone).expect("another number");
                prop_assert_eq!(without, if ranked[0] == gone { ranked[1] } else { ranked[0] });
            }
        }
    }
}
