//! A plan in which some candidates hear from one number and from no other: free-form messages go out where a service window
//! is open. The others have homes as ever, on what those leave of each number.
//!
//! First everybody gets a number. Then each number plans all of its candidates together, so that its rate holds over both
//! kinds. Last its time line is cut into pages of one kind each, since a page carries one message.

use super::{
    Candidate, Dice, Entry, Forecast, Page, Plan, Sender, Shortage, Terms, forecast,
    home::{self, Home},
    order, paginate,
    slots::{self, MS, Slots},
};
use crate::{campaign::Jitter, window::Span};

/// Plans `candidates` over `senders`. `fixed` gives, for each candidate, the one number that may send to it, as an index, or
/// none where any may; quotas count the latter alone.
///
/// - Every candidate is due once, within the window and its hours, and a fixed one from its number.
/// - In no sliding second has a number more messages due, of both kinds, than mps × headroom.
/// - No page holds both kinds.
/// - Of each number, tiers go out in order. Staggered messages are a step of each number's apart, or its spacing if that is
///   longer.
///
/// # Errors
/// [`Shortage`] if the candidates do not all fit so.
pub fn plan_mixed(
    candidates: &[Candidate],
    fixed: &[Option<usize>],
    senders: &[Sender],
    terms: &Terms,
    seed: u64,
) -> Result<Plan, Shortage> {
    let numbers: Vec<Number> = senders.iter().map(|sender| Number::of(sender, terms)).collect();
    let homes = homes(candidates, fixed, senders, &numbers, terms, seed)?;
    let mut pages = Vec::new();
    for (place, number) in numbers.iter().enumerate() {
        let own: Vec<u32> = (0..).zip(&homes).filter(|(_, home)| **home == place).map(|(index, _)| index).collect();
        let (fixed, free): (Vec<Entry>, Vec<Entry>) =
            number.timeline(candidates, &own, seed)?.into_iter().partition(|it| fixed[it.candidate as usize].is_some());
        pages.extend(
            [fixed, free].into_iter().flat_map(|part| paginate(vec![part])).map(|page| Page { number: place, ..page }),
        );
    }
    pages.sort_by_key(|page| page.entries[0].due);
    Ok(Plan { pages })
}

/// A number that plans for itself.
struct Number {
    /// Without its quota, which was seen to when candidates got their numbers.
    sender: Sender,
    terms: Terms,
    quota: u64,
}

impl Number {
    fn of(sender: &Sender, terms: &Terms) -> Self {
        let quota = sender.quota.unwrap_or(u64::MAX);
        let sender = Sender { quota: None, ..sender.clone() };
        let spacing = Slots::of(&sender, terms.headroom).spacing.div_ceil(MS);
        let spacing = Span::milliseconds(u32::try_from(spacing).unwrap_or(u32::MAX));
        let jitter = match terms.jitter {
            Jitter::Stagger { step } => Jitter::Stagger { step: step.max(spacing) },
            other => other,
        };
        Self { sender, terms: Terms { jitter, ..terms.clone() }, quota }
    }

    /// How many messages it can send in the window.
    fn capacity(&self) -> u64 {
        forecast(0, std::slice::from_ref(&self.sender), &self.terms).capacity
    }

    /// When it sends to each of `own`, in order.
    fn timeline(&self, candidates: &[Candidate], own: &[u32], seed: u64) -> Result<Vec<Entry>, Shortage> {
        let those: Vec<Candidate> = own.iter().map(|index| candidates[*index as usize]).collect();
        let plan = super::plan(&those, std::slice::from_ref(&self.sender), &self.terms, seed)?;
        let entries = plan.pages.into_iter().flat_map(|page| page.entries);
        Ok(entries.map(|entry| Entry { candidate: own[entry.candidate as usize], ..entry }).collect())
    }
}

/// The number of every candidate: the one that it is fixed to or, tier after tier, the home that has room beside those.
fn homes(
    candidates: &[Candidate],
    fixed: &[Option<usize>],
    senders: &[Sender],
    numbers: &[Number],
    terms: &Terms,
    seed: u64,
) -> Result<Vec<usize>, Shortage> {
    let mut room: Vec<u64> = numbers.iter().map(Number::capacity).collect();
    fixed.iter().flatten().for_each(|number| room[*number] = room[*number].saturating_sub(1));
    room.iter_mut().zip(numbers).for_each(|(room, number)| *room = number.quota.min(*room));
    let free = fixed.iter().filter(|number| number.is_none()).count() as u64;
    if free > room.iter().sum() {
        return Err(shortage(candidates.len() as u64, free, &room, numbers, terms));
    }
    let ranked: Vec<Home> = senders.iter().map(|sender| Home::new(&sender.id, sender.mps)).collect();
    let mut homes: Vec<usize> = fixed.iter().map(|number| number.unwrap_or_default()).collect();
    for (_, index) in order(candidates, &mut Dice::new(seed)) {
        let index = index as usize;
        if fixed[index].is_none() {
            let home = home::best(candidates[index].phone, &ranked, |number| room[number] > 0);
            homes[index] = home.expect("the rooms hold all who have no number");
            room[homes[index]] -= 1;
        }
    }
    Ok(homes)
}

/// What is missing for `free` candidates of `all`, with as much `room` as the others leave.
fn shortage(all: u64, free: u64, room: &[u64], numbers: &[Number], terms: &Terms) -> Shortage {
    let slots: Vec<Slots> = numbers.iter().map(|number| Slots::of(&number.sender, terms.headroom)).collect();
    let length = slots::length(terms.opens_at, terms.closes_at);
    let quotas = numbers.iter().fold(0, |sum: u64, number| sum.saturating_add(number.quota));
    let needed = slots::shortest(&slots, all).filter(|_| quotas >= free);
    let told = Forecast::of(free, &slots, length, None);
    Shortage::Window(Forecast {
        capacity: room.iter().sum(),
        // Were it enough as it is, nothing would be missing.
        seconds_needed: needed.map(|needed| forecast::seconds(needed.max(length + MS))),
        ..told
    })
}
