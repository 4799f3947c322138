//! How long the work of a worker that is killed or frozen stands still, as seen from outside.
//!
//! A page belongs to one worker at a time, and every takeover raises its epoch, which rides in the callback data of each
//! message. A page is held by a worker that is hit when, at that moment,
//! - its last first attempt under one epoch was taken within [`JUST_NOW_MS`], and
//! - the next first attempt that arrives comes under a higher epoch.
//!
//! Recovery is the time from the blow to that message; from its due time, should that be later. Retries do not count:
//! they wait for reasons of their own. Where Redis was away for all meanwhile, that time is taken off: nobody can take a
//! page over then. Where the way was blocked otherwise, by another blow to a worker or to the way to Redis, the sample is
//! `disturbed` and counted apart.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{
    evidence::{Evidence, Origin},
    havoc::Dealt,
    plan::{Blow, Member},
};

/// A page that is being sent is never silent for so long, and what is on the wire when its worker dies arrives within it.
const JUST_NOW_MS: i64 = 500;

/// One page that a blow stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Sample {
    page: u32,
    worker: usize,
    cause: &'static str,
    ms: i64,
    disturbed: bool,
}

/// All of them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Recovery {
    pub(super) undisturbed: Spread,
    pub(super) disturbed: Spread,
    pub(super) samples: Vec<Sample>,
}

/// Percentiles in milliseconds, by nearest rank; absent when there are no samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Spread {
    pub(super) samples: usize,
    pub(super) p50: Option<i64>,
    pub(super) p99: Option<i64>,
    pub(super) max: Option<i64>,
}

impl Spread {
    fn of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        let rank = |share: f64| values.get(((values.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied();
        Self { samples: values.len(), p50: rank(0.5), p99: rank(0.99), max: values.last().copied() }
    }
}

impl Recovery {
    /// What the evidence says of these blows.
    pub(super) fn of(evidence: &Evidence, dealt: &[Dealt]) -> Self {
        let samples: Vec<_> = stops(evidence).into_iter().filter_map(|stop| sample(&stop, dealt)).collect();
        let spread = |disturbed| {
            Spread::of(samples.iter().filter(|sample| sample.disturbed == disturbed).map(|sample| sample.ms).collect())
        };
        Self { undisturbed: spread(false), disturbed: spread(true), samples }
    }
}

/// A page changed hands: the last first attempt before, the next after, and when that was due.
#[derive(Debug, PartialEq, Eq)]
struct Stop {
    page: u32,
    last_ms: i64,
    next_ms: i64,
    due_ms: i64,
}

/// Every change of hands that the ledger shows.
fn stops(evidence: &Evidence) -> Vec<Stop> {
    let due: HashMap<_, _> =
        evidence.rows.iter().filter_map(|row| Some((row.place()?, row.due_at?.timestamp_millis()))).collect();
    let messages = evidence.ledger.recipients.values().flat_map(|recipient| &recipient.attempts);
    let mut pages: BTreeMap<u32, Vec<(i64, Origin)>> = BTreeMap::new();
    for (at_ms, origin) in messages.filter_map(|message| Some((message.at_ms, message.origin()?))) {
        pages.entry(origin.page).or_default().push((at_ms, origin));
    }
    let changes = pages.into_iter().flat_map(|(page, mut messages)| {
        messages.sort_by_key(|(at_ms, _)| *at_ms);
        changes(page, &messages, &due)
    });
    changes.collect()
}

fn changes(page: u32, messages: &[(i64, Origin)], due: &HashMap<(u32, u32), i64>) -> Vec<Stop> {
    let (mut epoch, mut last_ms, mut stops) = (None, i64::MIN, Vec::new());
    for (at_ms, origin) in messages.iter().filter(|(_, origin)| origin.attempt == 1) {
        if epoch.is_some_and(|epoch| origin.epoch > epoch) {
            let due_ms = due.get(&(page, origin.index)).copied().unwrap_or(i64::MIN);
            stops.push(Stop { page, last_ms, next_ms: *at_ms, due_ms });
        }
        (epoch, last_ms) = (epoch.max(Some(origin.epoch)), *at_ms);
    }
    stops
}

/// The blow to a worker by which a page changed hands, if it was one.
fn sample(stop: &Stop, dealt: &[Dealt]) -> Option<Sample> {
    let hits = dealt.iter().filter_map(|dealt| Some((dealt, hit(&dealt.blow)?)));
    let near = hits.filter(|(dealt, _)| {
        dealt.from_ms < stop.next_ms && dealt.from_ms.abs_diff(stop.last_ms) <= JUST_NOW_MS as u64
    });
    let (hit, (worker, cause)) = near.min_by_key(|(dealt, _)| dealt.from_ms.abs_diff(stop.last_ms))?;
    let from_ms = hit.from_ms.max(stop.due_ms);
    let between = |other: &&Dealt| other.from_ms < stop.next_ms && other.until_ms > from_ms;
    let ms = stop.next_ms - from_ms - away(dealt, from_ms, stop.next_ms);
    let disturbs = |other: &Dealt| !std::ptr::eq(other, hit) && (is_outage(&other.blow) || blocks(&other.blow, worker));
    let disturbed = dealt.iter().filter(between).any(disturbs);
    Some(Sample { page: stop.page, worker, cause, ms: ms.max(0), disturbed })
}

/// Which worker a blow stops, and how.
fn hit(blow: &Blow) -> Option<(usize, &'static str)> {
    match *blow {
        Blow::Kill { member: Member::Worker(worker) } => Some((worker, "kill")),
        Blow::Freeze { worker } => Some((worker, "freeze")),
        _ => None,
    }
}

fn is_outage(blow: &Blow) -> bool {
    matches!(blow, Blow::KillRedis | Blow::CutRedis { member: None })
}

/// How long Redis was away for all between these moments. Outages may overlap.
fn away(dealt: &[Dealt], from_ms: i64, to_ms: i64) -> i64 {
    let mut outages: Vec<_> = dealt.iter().filter(|dealt| is_outage(&dealt.blow)).collect();
    outages.sort_by_key(|outage| outage.from_ms);
    let (mut away, mut counted) = (0, from_ms);
    for outage in outages {
        let (from, until) = (outage.from_ms.max(counted), outage.until_ms.min(to_ms));
        away += (until - from).max(0);
        counted = counted.max(until);
    }
    away
}

/// Whether a blow keeps others from taking over what this worker held.
fn blocks(blow: &Blow, worker: usize) -> bool {
    match *blow {
        Blow::DelayRedis { .. } => true,
        Blow::CutRedis { member: Some(Member::Worker(other)) } | Blow::CutCloud { worker: other } => other != worker,
        _ => hit(blow).is_some_and(|(other, _)| other != worker),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chaos::evidence::Row;

    /// Messages of one page as index, attempt, epoch and time; each was due when its index says, in seconds.
    fn evidence(messages: &[(u32, u32, u32, i64)]) -> Evidence {
        let recipients: serde_json::Map<_, _> = messages
            .iter()
            .enumerate()
            .map(|(place, (index, attempt, epoch, at_ms))| {
                let message =
                    json!({ "callback_data": format!("d1:x:run.0.{index}:{attempt}:{epoch}"), "at_ms": at_ms });
                (format!("91{place}"), json!({ "attempts": [message] }))
            })
            .collect();
        let ledger = serde_json::from_value(json!({ "recipients": recipients })).unwrap();
        let row = |index: &u32| Row {
            id: Some(format!("run.0.{index}")),
            phone: String::new(),
            state: String::new(),
            due_at: chrono::DateTime::from_timestamp(i64::from(*index), 0),
            attempts: 1,
        };
        Evidence { ledger, rows: messages.iter().map(|(index, ..)| row(index)).collect() }
    }

    fn dealt(blow: Blow, from_ms: i64, until_ms: i64) -> Dealt {
        Dealt { blow, from_ms, until_ms }
    }

    fn kill(worker: usize, at_ms: i64) -> Dealt {
        dealt(Blow::Kill { member: Member::Worker(worker) }, at_ms, at_ms + 100)
    }

    /// Index 1 goes out at 1.0 s, then the page changes hands, and index 2 goes out at 5.0 s; between, two retries do, one of
    /// them the first message that its recipient gets.
    fn stopped() -> Evidence {
        evidence(&[(1, 1, 1, 1_000), (1, 2, 2, 4_500), (3, 2, 2, 4_600), (2, 1, 2, 5_000)])
    }

    #[test]
    fn recovery_counts_from_the_blow_to_the_next_first_attempt_under_a_higher_epoch() {
        let found = Recovery::of(&stopped(), &[kill(0, 1_100), kill(1, 9_000)]);
        // Index 2 was due at 2.0 s, after the kill.
        assert_eq!(found.samples, [Sample { page: 0, worker: 0, cause: "kill", ms: 3_000, disturbed: false }]);
        let late = evidence(&[(1, 1, 1, 8_000), (2, 1, 2, 12_000)]);
        let freeze = dealt(Blow::Freeze { worker: 2 }, 8_100, 13_000);
        let found = Recovery::of(&late, &[freeze]).samples;
        assert_eq!(found, [Sample { page: 0, worker: 2, cause: "freeze", ms: 3_900, disturbed: false }]);
    }

    #[test]
    fn a_page_that_no_blow_stopped_or_that_went_on_is_no_sample() {
        assert!(Recovery::of(&stopped(), &[kill(0, 3_000)]).samples.is_empty());
        let on = evidence(&[(1, 1, 1, 1_000), (2, 1, 1, 1_500)]);
        assert!(Recovery::of(&on, &[kill(0, 1_100)]).samples.is_empty());
    }

    #[test]
    fn time_without_redis_is_taken_off_and_what_else_is_in_the_way_is_said() {
        let with = |other| {
            let found = Recovery::of(&stopped(), &[kill(0, 1_100), other]).samples;
            (found[0].ms, found[0].disturbed)
        };
        assert_eq!(with(dealt(Blow::KillRedis, 2_500, 3_500)), (2_000, true));
        assert_eq!(with(kill(1, 2_500)), (3_000, true));
        let overlapping = [(2_500, 3_500), (3_000, 4_000), (3_100, 3_200), (9_000, 9_500)];
        assert_eq!(away(&overlapping.map(|(from, until)| dealt(Blow::KillRedis, from, until)), 2_600, 8_000), 1_400);
        assert_eq!(with(dealt(Blow::DelayRedis { delay_ms: 50 }, 0, 9_000)), (3_000, true));
        assert_eq!(with(dealt(Blow::CutWebhook, 2_500, 3_500)), (3_000, false));
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let spread = Spread::of((1..=200).rev().collect());
        assert_eq!((spread.samples, spread.p50, spread.p99, spread.max), (200, Some(100), Some(198), Some(200)));
        assert_eq!(Spread::of(vec![]), Spread::default());
    }
}
