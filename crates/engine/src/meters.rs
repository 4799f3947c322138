//! Meters: handles to what every message counts. Looking a metric up costs a lock and several allocations, and a message
//! counts some twenty times; so a handle is looked up once per process and number, and from then on counted by.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dawncast_core::{
    delivery::{Applied, DeliveryState},
    ids::{NumberId, PoolId},
    verdict::Verdict,
};
use dawncast_store::{Store, lane::Lane};
use metrics::{Counter, Histogram, counter, histogram};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    clock::every,
    metrics::{
        DELIVERIES, PAIR_WAITS, PRIORITIES, RECEIPT_OUTCOMES, RECEIPTS, SEND_ATTEMPTS, SEND_DURATION, SEND_ERRORS,
        SEND_LATENESS, SLA_DELIVERIES, SLA_OUTCOMES, STATUSES, TIME_TO_STATUS,
    },
};

/// Numbers that were added meanwhile are looked for this often: at least once per scrape.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Counts the deliveries of one pool's number by the state that they move to.
#[derive(Clone)]
pub(crate) struct Moves(Arc<[Counter; DeliveryState::COUNTED.len()]>);

impl Moves {
    /// Looks the counters up. `number` is empty where nobody said which.
    pub(crate) fn of(pool: &PoolId, number: &str) -> Self {
        let counter = |state: DeliveryState| {
            let (pool, number) = (pool.to_string(), number.to_owned());
            counter!(DELIVERIES, "pool" => pool, "phone_number_id" => number, "state" => state.as_str())
        };
        Self(Arc::new(DeliveryState::COUNTED.map(counter)))
    }

    /// So many deliveries have moved to `state`.
    pub(crate) fn count(&self, state: DeliveryState, deliveries: u64) {
        let place = DeliveryState::COUNTED.iter().position(|counted| *counted == state);
        place.into_iter().for_each(|place| self.0[place].increment(deliveries));
    }
}

/// Counts the attempts of one number, and how long its POSTs took.
#[derive(Clone)]
pub(crate) struct Sends(Arc<SendHandles>);

struct SendHandles {
    verdicts: [Counter; Verdict::NAMES.len()],
    pair_waits: Counter,
    duration: Histogram,
}

impl Sends {
    fn of(number: &NumberId) -> Self {
        let counter = |verdict| counter!(SEND_ATTEMPTS, "phone_number_id" => number.to_string(), "verdict" => verdict);
        let duration = histogram!(SEND_DURATION, "phone_number_id" => number.to_string());
        let pair_waits = counter!(PAIR_WAITS, "phone_number_id" => number.to_string());
        Self(Arc::new(SendHandles { verdicts: Verdict::NAMES.map(counter), pair_waits, duration }))
    }

    /// An attempt has come to its verdict.
    pub(crate) fn count(&self, verdict: Verdict) {
        let place = Verdict::NAMES.iter().position(|name| *name == verdict.as_str());
        place.into_iter().for_each(|place| self.0.verdicts[place].increment(1));
    }

    /// A delivery waits until its recipient has room by the pair limit.
    pub(crate) fn put_off(&self) {
        self.0.pair_waits.increment(1);
    }

    /// A POST was answered, or given up, after this long.
    pub(crate) fn took(&self, time: Duration) {
        self.0.duration.record(time.as_secs_f64());
    }
}

/// Counts an error that the Cloud API gave for a number's message; one without a code as `none`. Looked up each time: codes
/// are many and errors few.
pub(crate) fn count_error(number: &str, code: Option<i64>, class: &'static str) {
    let (number, code) = (number.to_owned(), code.map_or_else(|| "none".to_owned(), |code| code.to_string()));
    counter!(SEND_ERRORS, "phone_number_id" => number, "code" => code, "class" => class).increment(1);
}

/// How late first attempts of a lane go out.
pub(crate) fn lateness(lane: &Lane) -> Histogram {
    histogram!(SEND_LATENESS, "pool" => lane.pool.to_string(), "priority" => lane.priority.as_str())
}

/// Counts the deliveries of a closed run, in the order of [`SLA_OUTCOMES`].
pub(crate) fn count_sla(lane: &Lane, counts: [u64; SLA_OUTCOMES.len()]) {
    for (outcome, count) in SLA_OUTCOMES.into_iter().zip(counts) {
        let (pool, priority) = (lane.pool.to_string(), lane.priority.as_str());
        counter!(SLA_DELIVERIES, "pool" => pool, "priority" => priority, "outcome" => outcome).increment(count);
    }
}

/// What a receipt tells; in the order of [`STATUSES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    Sent,
    Delivered,
    Read,
    Failed,
}

/// What a receipt did; in the order of [`RECEIPT_OUTCOMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Did {
    Applied,
    Duplicate,
    Stale,
    Foreign,
}

impl From<Applied> for Did {
    fn from(applied: Applied) -> Self {
        match applied {
            Applied::Raised => Self::Applied,
            Applied::Duplicate => Self::Duplicate,
            Applied::Stale => Self::Stale,
        }
    }
}

/// Counts receipts, and when what they tell of happened.
#[derive(Clone)]
pub(crate) struct ReceiptMeters(Arc<ReceiptHandles>);

struct ReceiptHandles {
    counts: [[Counter; RECEIPT_OUTCOMES.len()]; STATUSES.len()],
    time_to_status: [Histogram; STATUSES.len()],
}

impl ReceiptMeters {
    pub(crate) fn new() -> Self {
        let counts = STATUSES
            .map(|status| RECEIPT_OUTCOMES.map(|outcome| counter!(RECEIPTS, "status" => status, "outcome" => outcome)));
        let time_to_status = STATUSES.map(|status| histogram!(TIME_TO_STATUS, "status" => status));
        Self(Arc::new(ReceiptHandles { counts, time_to_status }))
    }

    pub(crate) fn count(&self, tells: Tells, did: Did) {
        self.0.counts[tells as usize][did as usize].increment(1);
    }

    /// What a receipt tells of happened so many milliseconds after its run's nominal instant.
    pub(crate) fn happened(&self, tells: Tells, after_ms: i64) {
        self.0.time_to_status[tells as usize].record(after_ms.max(0) as f64 / 1_000.0);
    }
}

/// The meters of a part of the process, by number. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Meters(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    moves: HashMap<PoolId, HashMap<NumberId, Moves>>,
    sends: HashMap<NumberId, Sends>,
}

impl Meters {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of a pool's number.
    pub(crate) fn moves(&self, pool: &PoolId, number: &NumberId) -> Moves {
        let mut known = self.lock();
        if let Some(moves) = known.moves.get(pool).and_then(|numbers| numbers.get(number)) {
            return moves.clone();
        }
        let numbers = known.moves.entry(pool.clone()).or_default();
        numbers.entry(number.clone()).or_insert_with(|| Moves::of(pool, number.as_str())).clone()
    }

    /// Those of a number.
    pub(crate) fn sends(&self, number: &NumberId) -> Sends {
        let mut known = self.lock();
        if let Some(sends) = known.sends.get(number) {
            return sends.clone();
        }
        known.sends.entry(number.clone()).or_insert_with(|| Sends::of(number)).clone()
    }

    /// Sees that every number, those added later included, counts from zero, until `stop`: Prometheus knows of no rise in
    /// a counter that it first sees above zero.
    pub(crate) async fn register(&self, store: &Store, stop: &CancellationToken) {
        let look = || async {
            match store.numbers().await {
                Ok(numbers) => self.know(numbers.iter().map(|number| (&number.pool, &number.phone_number_id))),
                Err(error) => debug!("the numbers cannot be read now: {error}"),
            }
        };
        every(LOOK_EVERY, stop, look).await;
    }

    fn know<'a>(&self, numbers: impl Iterator<Item = (&'a PoolId, &'a NumberId)>) {
        let mut pools = BTreeSet::new();
        for (pool, number) in numbers {
            self.moves(pool, number);
            self.sends(number);
            pools.insert(pool);
        }
        for (pool, priority) in pools.into_iter().flat_map(|pool| PRIORITIES.map(|priority| (pool, priority))) {
            know_lane(&Lane { pool: pool.clone(), priority });
        }
    }
}

fn know_lane(lane: &Lane) {
    let _ = lateness(lane);
    count_sla(lane, [0; SLA_OUTCOMES.len()]);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    fn some_number() -> (PoolId, NumberId) {
        ("advisors".parse().expect("a pool"), "100".parse().expect("a number"))
    }

    /// What is scraped after `count` has counted.
    fn scraped(count: impl FnOnce()) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, count);
        handle.render()
    }

    #[test]
    fn a_number_counts_from_zero_in_every_label_before_it_has_sent_anything() {
        let (pool, number) = some_number();
        let text = scraped(|| Meters::default().know([(&pool, &number)].into_iter()));
        let moves = DeliveryState::COUNTED.map(|state| {
            format!(r#"{DELIVERIES}{{pool="advisors",phone_number_id="100",state="{}"}} 0"#, state.as_str())
        });
        let verdicts =
            Verdict::NAMES.map(|name| format!(r#"{SEND_ATTEMPTS}{{phone_number_id="100",verdict="{name}"}} 0"#));
        let outcomes = SLA_OUTCOMES
            .map(|name| format!(r#"{SLA_DELIVERIES}{{pool="advisors",priority="bulk",outcome="{name}"}} 0"#));
        let waits = [format!(r#"{PAIR_WAITS}{{phone_number_id="100"}} 0"#)];
        for line in moves.iter().chain(&verdicts).chain(&outcomes).chain(&waits) {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_meter_counts_under_its_own_name() {
        let (pool, number) = some_number();
        let text = scraped(|| {
            let (meters, receipts) = (Meters::default(), ReceiptMeters::new());
            for state in DeliveryState::COUNTED {
                meters.moves(&pool, &number).count(state, state as u64 + 1);
            }
            meters.moves(&pool, &number).count(DeliveryState::Expired, 99);
            meters.sends(&number).count(Verdict::Withdrawn);
            receipts.count(Tells::Read, Did::Stale);
            receipts.count(Tells::Failed, Applied::Raised.into());
        });
        for line in [
            r#"dawncast_deliveries_total{pool="advisors",phone_number_id="100",state="planned"} 1"#,
            r#"dawncast_deliveries_total{pool="advisors",phone_number_id="100",state="accepted"} 4"#,
            r#"dawncast_deliveries_total{pool="advisors",phone_number_id="100",state="failed"} 8"#,
            r#"dawncast_send_attempts_total{phone_number_id="100",verdict="withdrawn"} 1"#,
            r#"dawncast_receipts_total{status="read",outcome="stale"} 1"#,
            r#"dawncast_receipts_total{status="failed",outcome="applied"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains(" 99"), "no delivery moves to a state that only its run knows:\n{text}");
    }
}
