//! The plan: who hears from which number, and when.
//!
//! A pure function of what the freeze has pinned, so that planning twice gives the same pages. It gives
//! every candidate its home (see [`crate::home`]) unless that number is full or cannot send its tier in
//! time, and a moment in the window: tier after tier, spread as the jitter says, no number above its paced rate.

mod candidates;
mod cells;
mod cut;
mod dice;
mod flow;
mod forecast;
#[cfg(test)]
mod hours_tests;
mod mixed;
#[cfg(test)]
mod mixed_tests;
mod shape;
mod slots;
mod staged;
mod stagger;
#[cfg(test)]
mod tests;
mod timetable;

pub(crate) use self::forecast::{counted, thousands};
pub use self::{
    candidates::Candidates,
    forecast::{Forecast, Shortage, forecast, shortages},
    mixed::plan_mixed,
    staged::{FirstStage, Staged, in_two},
};
use self::{
    cells::Cell,
    dice::Dice,
    slots::{MS, Ns, Slots},
    timetable::{Counts, Segments},
};
use crate::{
    UnixMs,
    campaign::Jitter,
    home::{self, Home},
    ids::NumberId,
    quiet::Stretch,
};

/// The most deliveries that one page holds.
pub const PAGE_SIZE: usize = 256;

/// One recipient to plan for; its index is its place in the frozen list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The digits of the phone.
    pub phone: u64,
    /// The tier's rank; 0 goes first.
    pub tier: u8,
    /// When a message may go out to it: a place in [`Terms::hours`].
    pub hours: u16,
}

/// One number that may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The number.
    pub id: NumberId,
    /// Its throughput, messages per second, before headroom.
    pub mps: u32,
    /// How many recipients it may be home to, by the messaging limit and its caps; `None` if unlimited.
    pub quota: Option<u64>,
}

impl Sender {
    /// The same, and home to no more than `left` recipients, where that is given.
    #[must_use]
    pub fn held_to(self, left: Option<u64>) -> Self {
        Self { quota: self.quota.into_iter().chain(left).min(), ..self }
    }
}

/// How a plan fills its window.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// From when messages may go out.
    pub opens_at: UnixMs,
    /// Before when the last goes out.
    pub closes_at: UnixMs,
    /// The share of a number's throughput that is planned with, 0 to 1.
    pub headroom: f64,
    /// How messages are spread.
    pub jitter: Jitter,
    /// When candidates may hear, for each list that they share: stretches in order, with time between them. Without any
    /// list everybody may hear at any time.
    pub hours: Vec<Vec<Stretch>>,
}

impl Terms {
    /// Whether everybody may hear at any time of the window.
    fn is_open_to_all(&self) -> bool {
        let whole = |hours: &Vec<Stretch>| {
            let covers = |stretch: &Stretch| stretch.from <= self.opens_at && stretch.until >= self.closes_at;
            hours.iter().any(covers)
        };
        self.hours.iter().all(whole)
    }
}

/// Every candidate, exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// By the due time of their first entry.
    pub pages: Vec<Page>,
}

/// Up to [`PAGE_SIZE`] deliveries of one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The number, as an index into the senders.
    pub number: usize,
    /// In the order in which they go out.
    pub entries: Vec<Entry>,
}

/// One delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The recipient, as an index into the candidates.
    pub candidate: u32,
    /// When it is to go out.
    pub due: UnixMs,
}

/// Candidates as indexes, `[tier][number]`.
type Assignment = Vec<Vec<Vec<u32>>>;

/// Plans `candidates` over `senders`.
///
/// - Every due time lies from `opens_at` to before `closes_at`.
/// - In no sliding second has a number more messages due than mps × `headroom`; a number below one
///   message per second has at most one.
/// - Every candidate is due within its hours.
/// - All of a tier is due no later than any of the next who may hear at the same times.
/// - Within that, times are draws from `seed` as the jitter spreads them, and numbers are homes. Staggered messages are
///   due a step apart, and only their order is drawn.
///
/// # Errors
/// [`Shortage`] if the candidates do not all fit.
pub fn plan(candidates: &[Candidate], senders: &[Sender], terms: &Terms, seed: u64) -> Result<Plan, Shortage> {
    if let Some(shortage) = shortages(candidates.len() as u64, senders, terms).into_iter().next() {
        return Err(shortage);
    }
    if candidates.is_empty() {
        return Ok(Plan { pages: vec![] });
    }
    let slots = slots::all(senders, terms.headroom);
    let mut dice = Dice::new(seed);
    let order = order(candidates, &mut dice);
    let cells = match terms.is_open_to_all() {
        true => cells::whole(terms, &order),
        false => cells::split(candidates, &slots, terms, &order)?,
    };
    let homes: Vec<_> = senders.iter().map(|sender| Home::new(&sender.id, sender.mps)).collect();
    let at = |time: Ns| terms.opens_at + (time / MS) as i64;
    let timelines = match terms.jitter {
        Jitter::Stagger { step } => stagger::timelines(&cells, candidates, &homes, &slots, slots::span(step), at),
        Jitter::Uniform | Jitter::FrontLoaded => draw(&cells, candidates, &homes, slots, at, &mut dice)?,
    };
    Ok(Plan { pages: paginate(timelines) })
}

/// The candidates with their tiers, in the order of these, shuffled within.
fn order(candidates: &[Candidate], dice: &mut Dice) -> Vec<(u8, u32)> {
    let mut order: Vec<_> = candidates.iter().zip(0_u32..).map(|(c, index)| (c.tier, dice.throw(), index)).collect();
    order.sort_unstable();
    order.into_iter().map(|(tier, _, index)| (tier, index)).collect()
}

/// What each number sends, in the order of time, cell after cell.
fn draw(
    cells: &[Cell],
    candidates: &[Candidate],
    homes: &[Home],
    mut slots: Vec<Slots>,
    at: impl Fn(Ns) -> UnixMs,
    dice: &mut Dice,
) -> Result<Vec<Vec<Entry>>, Shortage> {
    let mut whole = vec![vec![]; slots.len()];
    for cell in cells {
        let wanted = cell.tiers.iter().map(|tier| tier.len() as u64).sum();
        if wanted > slots::total_before(&slots, cell.length) {
            // What a quota leaves is not known to the cells: an earlier one may have used it up.
            return Err(Shortage::Window(Forecast::of(wanted, &slots, cell.length, None)));
        }
        let assign = |allowances: &Counts| assign(&cell.tiers, candidates, homes, allowances);
        let (assignment, segments) = arrange(assign, cell, &slots);
        let part = timelines(&assignment, &segments, &slots, |time| at(cell.begins + time), dice);
        for ((whole, part), slots) in whole.iter_mut().zip(part).zip(&mut slots) {
            slots.quota -= part.len() as u64;
            whole.extend(part);
        }
    }
    Ok(whole)
}

/// Gives each candidate a number, and each tier its segment.
///
/// Homes come first. Only where the homes of some tier are so uneven that the tiers cannot go out in order
/// in the time there is, each number takes the share of each tier that lets the pool be done soonest.
fn arrange(assign: impl Fn(&Counts) -> Assignment, cell: &Cell, slots: &[Slots]) -> (Assignment, Segments) {
    let Cell { length, shape, ref tiers, .. } = *cell;
    let spacings: Vec<_> = slots.iter().map(|s| s.spacing).collect();
    let cut = |assignment: &Assignment| Segments::cut(&counts(assignment), &spacings, length, shape);
    let whole_window = tiers
        .iter()
        .enumerate()
        .map(|(tier, _)| slots.iter().map(|s| if tier == 0 { s.before(length) } else { 0 }).collect());
    let homed = assign(&whole_window.collect());
    if let Some(segments) = cut(&homed) {
        return (homed, segments);
    }
    let packed = assign(&soonest(tiers, slots));
    let segments = cut(&packed).expect("slots taken in the order of time keep tiers in order and fit if all do");
    (packed, segments)
}

/// How many of each tier each number sends if the slots are taken in the order of time.
fn soonest(tiers: &[Vec<u32>], slots: &[Slots]) -> Counts {
    let mut wanted = 0;
    let mut taken = vec![0; slots.len()];
    let mut share = |tier: &Vec<u32>| {
        wanted += tier.len() as u64;
        let before = std::mem::replace(&mut taken, slots::first(slots, wanted));
        taken.iter().zip(before).map(|(now, before)| now - before).collect()
    };
    tiers.iter().map(&mut share).collect()
}

/// Each candidate to the number that it scores highest among those with room. A number may take
/// `allowances[tier]` candidates of that tier, and what it has left of the tiers before.
fn assign(tiers: &[Vec<u32>], candidates: &[Candidate], homes: &[Home], allowances: &Counts) -> Assignment {
    let mut room = vec![0; homes.len()];
    let mut assign_tier = |(tier, allowed): (&Vec<u32>, &Vec<u64>)| {
        room.iter_mut().zip(allowed).for_each(|(room, allowed)| *room += allowed);
        let mut assigned = vec![vec![]; homes.len()];
        for index in tier {
            let phone = candidates[*index as usize].phone;
            let number = home::best(phone, homes, |number| room[number] > 0).expect("the allowances hold every tier");
            room[number] -= 1;
            assigned[number].push(*index);
        }
        assigned
    };
    tiers.iter().zip(allowances).map(&mut assign_tier).collect()
}

fn counts(assignment: &Assignment) -> Counts {
    assignment.iter().map(|tier| tier.iter().map(|number| number.len() as u64).collect()).collect()
}

/// What each number sends, in the order of time.
fn timelines(
    assignment: &Assignment,
    segments: &Segments,
    slots: &[Slots],
    at: impl Fn(Ns) -> UnixMs,
    dice: &mut Dice,
) -> Vec<Vec<Entry>> {
    let timeline = |(number, slots): (usize, &Slots)| {
        let counts: Vec<_> = assignment.iter().map(|tier| tier[number].len() as u64).collect();
        let times = segments.draw(&counts, slots.spacing, dice);
        let candidates = assignment.iter().flat_map(|tier| &tier[number]);
        let entry = |(candidate, time): (&u32, Ns)| Entry { candidate: *candidate, due: at(time) };
        candidates.zip(times.into_iter().flatten()).map(entry).collect()
    };
    slots.iter().enumerate().map(timeline).collect()
}

/// Cuts the numbers' timelines into pages.
fn paginate(timelines: Vec<Vec<Entry>>) -> Vec<Page> {
    let cut = |(number, timeline): (usize, Vec<Entry>)| {
        let pages = timeline.chunks(PAGE_SIZE).map(|entries| Page { number, entries: entries.to_vec() });
        pages.collect::<Vec<_>>()
    };
    let mut pages: Vec<_> = timelines.into_iter().enumerate().flat_map(cut).collect();
    // Stable, so that pages of one moment stay in the order of their numbers.
    pages.sort_by_key(|page| page.entries[0].due);
    pages
}
