//! The timetable: a time for every message, tier after tier, each number within its spacing.
//!
//! The window is cut into one segment per tier, shared by all numbers. A tier's segment is the time that
//! it needs at least, plus a share of the window's slack: in proportion to the tier's size where messages are
//! spread evenly, less for the first and more for the last where their density falls. Inside it each number draws
//! its times from all ways of placing that many messages at least a spacing apart.

use super::{dice::Dice, shape::Shape, slots::Ns};

/// How many messages of each tier each number sends: `counts[tier][number]`.
pub(super) type Counts = Vec<Vec<u64>>;

/// Where each tier's segment ends, and how dense it is; it begins where the one before ends, the first at 0.
#[derive(Debug, PartialEq)]
pub(super) struct Segments(Vec<(Ns, Shape)>);

impl Segments {
    /// The segments for `counts` in a window of `length` with messages as dense as `shape`, or `None` if the tiers
    /// cannot be sent in order in that time.
    pub(super) fn cut(counts: &Counts, spacings: &[Ns], length: Ns, shape: Shape) -> Option<Self> {
        let tight = ends(counts, spacings, |_| 0);
        let slack = length.checked_sub(1)?.checked_sub(*tight.last()?)?;
        let sizes: Vec<u64> = counts.iter().map(|tier| tier.iter().sum()).collect();
        let parts = shape.split(&sizes);
        let mut ends = ends(counts, spacings, |tier| parts[tier].0.of(slack));
        *ends.last_mut()? = length - 1;
        Some(Self(ends.into_iter().zip(parts).map(|(end, (_, shape))| (end, shape)).collect()))
    }

    /// The times of one number, tier by tier, drawn with `dice`; `counts[tier]` is that number's.
    pub(super) fn draw(&self, counts: &[u64], spacing: Ns, dice: &mut Dice) -> Vec<Vec<Ns>> {
        let latest = self.latest(counts, spacing);
        let (mut begins, mut free) = (0, 0);
        let mut times = Vec::with_capacity(counts.len());
        for ((tier, count), (end, shape)) in counts.iter().enumerate().zip(&self.0) {
            let drawn = match count {
                0 => vec![],
                _ => spread((free.max(begins), latest[tier]), *count, spacing, *shape, dice),
            };
            free = drawn.last().map_or(free, |last| last + spacing);
            begins = *end;
            times.push(drawn);
        }
        times
    }

    /// The latest time for the last message of each tier that leaves the tiers after it their room.
    fn latest(&self, counts: &[u64], spacing: Ns) -> Vec<Ns> {
        let mut latest: Vec<_> = self.0.iter().map(|(end, _)| *end).collect();
        let mut limit = Ns::MAX;
        for (end, count) in latest.iter_mut().zip(counts).rev().filter(|(_, count)| **count > 0) {
            *end = limit.min(*end);
            limit = end.saturating_sub(count * spacing);
        }
        latest
    }
}

/// The ends of the tiers' segments if every tier goes out as early as it can and `idle(tier)` follows it.
fn ends(counts: &Counts, spacings: &[Ns], idle: impl Fn(usize) -> Ns) -> Vec<Ns> {
    let mut free = vec![0; spacings.len()];
    let mut begins = 0;
    let mut ends = Vec::with_capacity(counts.len());
    for (tier, counts) in counts.iter().enumerate() {
        let mut end = begins;
        for ((free, spacing), count) in free.iter_mut().zip(spacings).zip(counts).filter(|(_, count)| **count > 0) {
            let last = begins.max(*free) + (count - 1) * spacing;
            *free = last + spacing;
            end = end.max(last);
        }
        begins = end + idle(tier);
        ends.push(begins);
    }
    ends
}

/// `count` times from `first` to `last`, at least `spacing` apart: draws from what the spacings leave free, with the
/// spacings put back between them. Where the shape is even, each such placing is equally likely.
fn spread((first, last): (Ns, Ns), count: u64, spacing: Ns, shape: Shape, dice: &mut Dice) -> Vec<Ns> {
    let free = last - first - (count - 1) * spacing;
    let mut times: Vec<_> = (0..count).map(|_| first + shape.draw(free, dice)).collect();
    times.sort_unstable();
    for (time, i) in times.iter_mut().zip(0..) {
        *time += i * spacing;
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Ns = 1_000_000_000;

    fn cut(counts: &[&[u64]], spacings: &[Ns], length: Ns) -> Option<Segments> {
        Segments::cut(&counts.iter().map(|tier| tier.to_vec()).collect(), spacings, length, Shape::Even)
    }

    #[test]
    fn slack_is_shared_by_the_size_of_the_tiers() {
        // Two tiers of 10 and 30 need 9 s and 31 s; of 40 s slack they get 10 s and 30 s.
        let segments = cut(&[&[10], &[30]], &[S], 79 * S + 1);
        assert_eq!(segments, Some(Segments(vec![(19 * S, Shape::Even), (79 * S, Shape::Even)])));
    }

    #[test]
    fn tiers_that_fit_to_the_last_nanosecond_are_packed() {
        let segments = cut(&[&[2, 0], &[3, 5]], &[S, S], 5 * S + 1).expect("fits");
        let mut dice = Dice::new(7);
        assert_eq!(segments.draw(&[0, 5], S, &mut dice)[1], [1, 2, 3, 4, 5].map(|i| i * S));
        assert_eq!(cut(&[&[2, 0], &[3, 5]], &[S, S], 5 * S), None);
    }

    #[test]
    fn a_tier_without_messages_takes_no_time() {
        let segments = cut(&[&[1], &[0], &[1]], &[S], 11 * S + 1).expect("fits");
        assert_eq!(segments.0[0].0, segments.0[1].0);
    }

    #[test]
    fn every_placing_is_within_bounds_and_spaced() {
        let mut dice = Dice::new(1);
        let shapes = [Shape::Even, Shape::FALLING];
        for (room, shape) in [0, 1, S, 50 * S].into_iter().flat_map(|room| shapes.map(|shape| (room, shape))) {
            let times = spread((3, 3 + 9 * S + room), 10, S, shape, &mut dice);
            assert!(times[0] >= 3 && times[9] <= 3 + 9 * S + room);
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= S), "{times:?}");
        }
    }
}
