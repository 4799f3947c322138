//! How dense messages are over a stretch of time: even, or falling. A falling density falls along one straight line,
//! from the window's opening to nothing at its close; a part of the window has a part of that line.

use super::{dice::Dice, slots::Ns};

/// How dense messages are over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// The same all over.
    Even,
    /// Falling from one density to another, both as shares of the greatest: 1 at most, and 0 at the least.
    Falling {
        /// The density at the beginning.
        from: f64,
        /// The density at the end, not above `from`.
        to: f64,
    },
}

/// A share of a stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Share {
    /// A ratio of counts, in which nothing is rounded.
    Exact(u64, u64),
    /// A fraction from 0 to 1.
    Fraction(f64),
}

impl Share {
    /// That share of `length`, rounded down.
    pub(super) fn of(self, length: Ns) -> Ns {
        match self {
            Self::Exact(part, whole) => (u128::from(length) * u128::from(part) / u128::from(whole.max(1))) as Ns,
            Self::Fraction(fraction) => ((length as f64 * fraction) as Ns).min(length),
        }
    }
}

impl Shape {
    /// The density of a whole window that is front-loaded.
    pub(super) const FALLING: Self = Self::Falling { from: 1.0, to: 0.0 };

    /// The parts of a stretch that hold `sizes` messages one after the other: how long each is, and its own shape.
    pub(super) fn split(self, sizes: &[u64]) -> Vec<(Share, Self)> {
        let total: u64 = sizes.iter().sum();
        let quantile = |count: u64| count as f64 / total.max(1) as f64;
        let mut before = 0;
        let mut part = |size: &u64| {
            let (first, last) = (quantile(before), quantile(before + size));
            before += size;
            match self {
                Self::Even => (Share::Exact(*size, total), Self::Even),
                Self::Falling { .. } => {
                    let (begins, ends) = (self.place(first), self.place(last));
                    (Share::Fraction(ends - begins), self.between(begins, ends))
                }
            }
        };
        sizes.iter().map(&mut part).collect()
    }

    /// The part from one place of the stretch to another, both from 0 to 1.
    pub(super) fn between(self, begins: f64, ends: f64) -> Self {
        match self {
            Self::Even => Self::Even,
            Self::Falling { from, to } => {
                let density = |place: f64| from - (from - to) * place;
                Self::Falling { from: density(begins), to: density(ends) }
            }
        }
    }

    /// The mean density, from 0 to 1.
    pub(super) fn mean(self) -> f64 {
        match self {
            Self::Even => 1.0,
            Self::Falling { from, to } => f64::midpoint(from, to),
        }
    }

    /// Where in the stretch, from 0 to 1, the share `quantile` of all messages has gone out.
    fn place(self, quantile: f64) -> f64 {
        match self {
            Self::Falling { from, to } if from > to => {
                // The root of a sum that is never negative: rounding must not make it so.
                let left = from * from - quantile * (from * from - to * to);
                ((from - left.max(0.0).sqrt()) / (from - to)).clamp(0.0, 1.0)
            }
            Self::Even | Self::Falling { .. } => quantile,
        }
    }

    /// A draw from 0 to `most`, both included.
    pub(super) fn draw(self, most: Ns, dice: &mut Dice) -> Ns {
        let even = dice.up_to(most);
        match self {
            Self::Even => even,
            Self::Falling { .. } => Share::Fraction(self.place(even as f64 / most.max(1) as f64)).of(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_messages_go_out_in_the_first_three_tenths_of_a_falling_window() {
        let parts = Shape::FALLING.split(&[50, 50]);
        assert_eq!([parts[0].0.of(1000), parts[1].0.of(1000)], [292, 707]);
        let Shape::Falling { from, to } = parts[1].1 else { panic!("not falling") };
        assert!((from - 0.5_f64.sqrt()).abs() < 1e-9 && to.abs() < 1e-9, "{from} {to}");
    }

    #[test]
    fn an_even_window_is_split_without_rounding() {
        assert_eq!(Shape::Even.split(&[1, 2]), [(Share::Exact(1, 3), Shape::Even), (Share::Exact(2, 3), Shape::Even)]);
        assert_eq!(Share::Exact(1, 3).of(u64::MAX), u64::MAX / 3);
        assert_eq!(Share::Exact(0, 0).of(7), 0);
    }

    #[test]
    fn draws_from_a_falling_window_fall() {
        let mut dice = Dice::new(5);
        let mut tenths = [0_i64; 10];
        (0..100_000).for_each(|_| tenths[(Shape::FALLING.draw(9_999, &mut dice) / 1000) as usize] += 1);
        // The line from 2 to 0 over the window: 19, 17, … 1 hundredths of all.
        for (tenth, count) in tenths.iter().enumerate() {
            let expected = 19_000 - 2_000 * tenth as i64;
            assert!((count - expected).abs() < 500, "{tenths:?}");
        }
        assert_eq!(Shape::FALLING.draw(0, &mut dice), 0);
    }
}
