//! The plan: who hears from which number, and when.
//!
//! A pure function of what the freeze has pinned, so that planning twice gives the same pages. It gives
//! every candidate its home (see [`crate::home`]) unless that number is full or cannot send its tier in
//! time, and a moment in the window: tier after tier, spread evenly, no number above its paced rate.

mod dice;
mod forecast;
mod slots;
#[cfg(test)]
mod tests;
mod timetable;

pub use self::forecast::{Forecast, Shortage, capacity, forecast};
pub(crate) use self::forecast::{counted, thousands};
use self::{
    dice::Dice,
    slots::{MS, Ns, Slots},
    timetable::{Counts, Segments},
};
use crate::{
    UnixMs,
    home::{self, Home},
    ids::NumberId,
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
}

/// One number that may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The number.
    pub id: NumberId,
    /// Its throughput, messages per second, before headroom.
    pub mps: u32,
    /// How many recipients it may still open a conversation with today; `None` if unlimited.
    pub quota: Option<u64>,
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
/// - All of a tier is due no later than any of the next.
/// - Within that, times are uniform draws from `seed`, and numbers are homes.
///
/// # Errors
/// [`Shortage`] if the candidates do not all fit.
pub fn plan(
    candidates: &[Candidate],
    senders: &[Sender],
    opens_at: UnixMs,
    closes_at: UnixMs,
    headroom: f64,
    seed: u64,
) -> Result<Plan, Shortage> {
    let slots: Vec<_> = senders.iter().map(|sender| Slots::of(sender, headroom)).collect();
    let length = slots::length(opens_at, closes_at);
    if let Some(shortage) = Forecast::of(candidates.len() as u64, &slots, length).shortage() {
        return Err(shortage);
    }
    if candidates.is_empty() {
        return Ok(Plan { pages: vec![] });
    }
    let mut dice = Dice::new(seed);
    let tiers = tiers(candidates, &mut dice);
    let homes: Vec<_> = senders.iter().map(|sender| Home::new(&sender.id, sender.mps)).collect();
    let assign = |allowances: &Counts| assign(&tiers, candidates, &homes, allowances);
    let (assignment, segments) = arrange(assign, &tiers, &slots, length);
    let timelines = timelines(&assignment, &segments, &slots, opens_at, &mut dice);
    Ok(Plan { pages: paginate(timelines) })
}

/// The candidates' indexes, a list for each tier in its order, shuffled within.
fn tiers(candidates: &[Candidate], dice: &mut Dice) -> Vec<Vec<u32>> {
    let mut order: Vec<_> = candidates.iter().zip(0_u32..).map(|(c, index)| (c.tier, dice.throw(), index)).collect();
    order.sort_unstable();
    order.chunk_by(|a, b| a.0 == b.0).map(|tier| tier.iter().map(|(.., index)| *index).collect()).collect()
}

/// Gives each candidate a number, and each tier its segment.
///
/// Homes come first. Only where the homes of some tier are so uneven that the tiers cannot go out in order
/// in the time there is, each number takes the share of each tier that lets the pool be done soonest.
fn arrange(
    assign: impl Fn(&Counts) -> Assignment,
    tiers: &[Vec<u32>],
    slots: &[Slots],
    length: Ns,
) -> (Assignment, Segments) {
    let spacings: Vec<_> = slots.iter().map(|s| s.spacing).collect();
    let cut = |assignment: &Assignment| Segments::cut(&counts(assignment), &spacings, length);
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
    opens_at: UnixMs,
    dice: &mut Dice,
) -> Vec<Vec<Entry>> {
    let timeline = |(number, slots): (usize, &Slots)| {
        let counts: Vec<_> = assignment.iter().map(|tier| tier[number].len() as u64).collect();
        let times = segments.draw(&counts, slots.spacing, dice);
        let candidates = assignment.iter().flat_map(|tier| &tier[number]);
        let entry = |(candidate, time): (&u32, Ns)| Entry { candidate: *candidate, due: opens_at + (time / MS) as i64 };
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
