//! Cells: the window cut wherever some recipients begin or cease to be reachable, so that within a cell everybody in it
//! may hear at any moment. Each cell is planned as a window of its own.

use super::{
    Candidate, Terms,
    flow::Flow,
    forecast::{Forecast, Shortage, seconds},
    shape::Shape,
    slots::{self, MS, Ns, Slots},
    stagger,
};
use crate::{UnixMs, campaign::Jitter, quiet::Stretch};

/// A part of the window, and who goes out in it.
#[derive(Debug)]
pub(super) struct Cell {
    /// From when, since the window opened.
    pub(super) begins: Ns,
    /// How long messages may go out.
    pub(super) length: Ns,
    /// How dense they are.
    pub(super) shape: Shape,
    /// The candidates, a list for each tier in its order.
    pub(super) tiers: Vec<Vec<u32>>,
}

/// A cell before anybody is in it.
struct Room {
    begins: Ns,
    ends: Ns,
    /// Without what numbers need between their last message here and their first in the next cell.
    length: Ns,
    /// How many messages it holds.
    capacity: u64,
}

/// The cells of a window in which all may hear at any time: one.
pub(super) fn whole(terms: &Terms, order: &[(u8, u32)]) -> Vec<Cell> {
    let length = slots::length(terms.opens_at, terms.closes_at);
    vec![Cell { begins: 0, length, shape: shape(terms.jitter), tiers: tiers(order) }]
}

/// The cells of a window whose candidates may hear at the `terms.hours` of their own. `order` is all candidates with
/// their tiers, by tier and then by chance: of those who may hear at the same times, who comes first goes out first.
pub(super) fn split(
    candidates: &[Candidate],
    slots: &[Slots],
    terms: &Terms,
    order: &[(u8, u32)],
) -> Result<Vec<Cell>, Shortage> {
    let rooms = rooms(slots, terms);
    let hours = |candidate: u32| usize::from(candidates[candidate as usize].hours);
    let mut demands = vec![0; terms.hours.len()];
    order.iter().for_each(|(_, candidate)| demands[hours(*candidate)] += 1);
    let open = |group: usize, room: usize| holds(&terms.hours[group], &rooms[room], terms.opens_at);
    let capacities: Vec<_> = rooms.iter().map(|room| room.capacity).collect();
    let mut flow = Flow::new(&demands, &capacities, open);
    flow.fill(|room| weight(&rooms[room], terms));
    if let Some((groups, rooms_of)) = flow.bottleneck() {
        let wanted = groups.iter().map(|group| demands[*group]).sum();
        return Err(shortage(wanted, rooms_of.iter().map(|room| &rooms[*room]), slots, terms));
    }
    let mut members = vec![vec![]; rooms.len()];
    for (tier, candidate) in order {
        members[flow.next(hours(*candidate))].push((*tier, *candidate));
    }
    let cell = |(room, members): (&Room, Vec<(u8, u32)>)| Cell {
        begins: room.begins,
        length: room.length,
        shape: part(room, terms),
        tiers: tiers(&members),
    };
    Ok(rooms.iter().zip(members).map(cell).filter(|cell| !cell.tiers.is_empty()).collect())
}

/// Cuts a list that is in order by tier.
fn tiers(order: &[(u8, u32)]) -> Vec<Vec<u32>> {
    order.chunk_by(|a, b| a.0 == b.0).map(|tier| tier.iter().map(|(_, candidate)| *candidate).collect()).collect()
}

fn shape(jitter: Jitter) -> Shape {
    match jitter {
        Jitter::FrontLoaded => Shape::FALLING,
        Jitter::Uniform | Jitter::Stagger { .. } => Shape::Even,
    }
}

/// The window, cut at each moment at which somebody's hours begin or end.
fn rooms(slots: &[Slots], terms: &Terms) -> Vec<Room> {
    let window = slots::length(terms.opens_at, terms.closes_at);
    let edges = terms.hours.iter().flatten().flat_map(|stretch| [stretch.from, stretch.until]);
    let mut edges: Vec<Ns> = edges.map(|edge| slots::length(terms.opens_at, edge).min(window)).collect();
    edges.extend([0, window]);
    edges.sort_unstable();
    edges.dedup();
    edges.windows(2).map(|edges| Room::of((edges[0], edges[1]), edges[1] == window, slots, terms.jitter)).collect()
}

impl Room {
    fn of((begins, ends): (Ns, Ns), is_last: bool, slots: &[Slots], jitter: Jitter) -> Self {
        if let Jitter::Stagger { step } = jitter {
            let before = |end| stagger::fitting(end, slots::span(step));
            return Self { begins, ends, length: ends - begins, capacity: before(ends) - before(begins) };
        }
        let widest = slots.iter().filter(|s| s.quota > 0).map(|s| s.spacing).max().unwrap_or(0);
        let length = if is_last { ends - begins } else { (ends - begins).saturating_sub(widest) };
        Self { begins, ends, length, capacity: slots::total_before(slots, length) }
    }
}

fn holds(hours: &[Stretch], room: &Room, opens_at: UnixMs) -> bool {
    let begins = opens_at + (room.begins / MS) as i64;
    hours.iter().any(|stretch| (stretch.from..stretch.until).contains(&begins))
}

/// The part of the window's line that a room has.
fn part(room: &Room, terms: &Terms) -> Shape {
    let window = slots::length(terms.opens_at, terms.closes_at).max(1) as f64;
    shape(terms.jitter).between(room.begins as f64 / window, room.ends as f64 / window)
}

/// How many of those who may hear in several rooms go out in this one, relative to the others; staggered messages go out
/// as soon as they can.
fn weight(room: &Room, terms: &Terms) -> Option<f64> {
    match terms.jitter {
        Jitter::Stagger { .. } => None,
        Jitter::Uniform | Jitter::FrontLoaded => Some(room.length as f64 * part(room, terms).mean()),
    }
}

/// What is missing for `wanted` recipients who may hear in `rooms` alone.
fn shortage<'a>(wanted: u64, rooms: impl Iterator<Item = &'a Room>, slots: &[Slots], terms: &Terms) -> Shortage {
    let (length, capacity) =
        rooms.fold((0, 0), |(length, capacity), room| (length + room.length, capacity + room.capacity));
    let whole = slots::length(terms.opens_at, terms.closes_at);
    let mut forecast = Forecast::of(wanted, slots, length, None);
    forecast.capacity = capacity;
    let missing = slots::shortest(slots, wanted).map(|needed| needed.saturating_sub(length).max(MS));
    let window_needed = missing.map(|missing| seconds(whole + missing));
    Shortage::Hours { forecast, window_needed }
}
