//! Dice thrown from a stored seed. A plan is replayed from its seed, perhaps by a later release on
//! another machine, so the generator (splitmix64) is spelled out here and never changes.

use crate::home::mix;

/// A stream of draws that depends on its seed alone.
pub(super) struct Dice {
    key: u64,
    thrown: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { key: mix(seed), thrown: 0 }
    }

    /// A uniform draw from all of `u64`.
    pub(super) fn throw(&mut self) -> u64 {
        self.thrown += 1;
        mix(self.key ^ mix(self.thrown))
    }

    /// A uniform draw from 0 to `most`, both included.
    pub(super) fn up_to(&mut self, most: u64) -> u64 {
        // Scaling instead of a remainder: the bias is below `most` in 2⁶⁴.
        ((u128::from(self.throw()) * (u128::from(most) + 1)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_throws_the_same_in_every_release() {
        let mut dice = Dice::new(42);
        assert_eq!(
            [(); 3].map(|()| dice.throw()),
            [15_753_111_256_889_434_642, 1_289_034_865_778_309_212, 10_071_422_832_405_270_358]
        );
    }

    #[test]
    fn every_face_comes_up_alike() {
        let mut dice = Dice::new(0);
        let mut faces = [0_u32; 6];
        (0..60_000).for_each(|_| faces[dice.up_to(5) as usize] += 1);
        assert!(faces.iter().all(|count| (9_500..10_500).contains(count)), "{faces:?}");
        assert_eq!(dice.up_to(0), 0);
    }
}
