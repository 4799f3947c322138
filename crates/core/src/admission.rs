//! Admission: whether a run can keep its promise beside what was promised to others, and whether Redis holds it. With the
//! arithmetic, so that people can follow it.

use serde::Serialize;

use crate::{UnixMs, campaign::Priority, ids::RunId, plan::Forecast, window::Opening};

/// What a delivery takes in Redis at most, in bytes, with its message id and 80 bytes of attributes: measured 120 to 138 (see
/// `docs/benchmarks.md`), and as much again for what is there only while it is under way.
pub const BYTES_PER_DELIVERY: u64 = 250;

/// Redis is not filled beyond this share of its limit by what is accepted, in percent.
const FILL_PERCENT: u64 = 90;

/// A run that was accepted already, on the same numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Which.
    pub run: RunId,
    /// Who goes first.
    pub priority: Priority,
    /// Its window.
    pub opening: Opening,
    /// To how many it sends.
    pub deliveries: u64,
}

/// How much of a window's capacity belongs to another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promised {
    /// Which.
    pub run: RunId,
    /// How many of its deliveries fall into the window.
    pub deliveries: u64,
}

/// What is promised within `opening` to runs that are at least as urgent as `priority`: the less urgent ones yield.
pub fn promised(opening: &Opening, priority: Priority, promises: &[Promise]) -> Vec<Promised> {
    let share = |promise: &Promise| {
        let length = length(promise.opening.opens_at, promise.opening.closes_at);
        let from = promise.opening.opens_at.max(opening.opens_at);
        let overlap = length_or_none(from, promise.opening.closes_at.min(opening.closes_at));
        // Rounded up: half a message is one.
        (u128::from(promise.deliveries) * u128::from(overlap)).div_ceil(u128::from(length)) as u64
    };
    let urgent = promises.iter().filter(|promise| promise.priority >= priority);
    let shares = urgent.map(|promise| Promised { run: promise.run.clone(), deliveries: share(promise) });
    shares.filter(|promised| promised.deliveries > 0).collect()
}

fn length_or_none(from: UnixMs, to: UnixMs) -> u64 {
    u64::try_from(to - from).unwrap_or_default()
}

fn length(from: UnixMs, to: UnixMs) -> u64 {
    length_or_none(from, to).max(1)
}

/// Why the recipients do not fit beside what is promised; `None` when they do, or would not fit alone either.
pub fn crowded(forecast: &Forecast, promised: &[Promised]) -> Option<String> {
    let taken: u64 = promised.iter().map(|promised| promised.deliveries).sum();
    let free = forecast.capacity.saturating_sub(taken);
    if forecast.recipients <= free || forecast.recipients > forecast.capacity {
        return None;
    }
    let named: Vec<String> = promised.iter().map(|to| format!("{} to {}", to.deliveries, to.run)).collect();
    Some(format!(
        "{} recipients do not fit beside other runs: the window holds {}, of these {} are promised ({}), and {free} are free; \
         take another time, widen the window, or add numbers",
        forecast.recipients,
        forecast.capacity,
        taken,
        named.join(", "),
    ))
}

/// Why a Redis that uses `used` bytes of `limit` cannot hold a run of so many recipients; `None` when it can, or has no limit
/// (0).
pub fn too_big(recipients: u64, used: u64, limit: u64) -> Option<String> {
    let needed = recipients.saturating_mul(BYTES_PER_DELIVERY);
    let room = (limit / 100 * FILL_PERCENT).saturating_sub(used);
    if limit == 0 || needed <= room {
        return None;
    }
    let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
    Some(format!(
        "{recipients} recipients need {} MiB of Redis ({BYTES_PER_DELIVERY} bytes each), and {} MiB are free: {FILL_PERCENT} % of its \
         maxmemory of {} MiB, less {} MiB in use; raise maxmemory, or archive runs that are over",
        mib(needed),
        mib(room),
        mib(limit),
        mib(used),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        campaign::Jitter,
        plan::{Sender, Terms, forecast},
    };

    fn opening(opens_at: UnixMs, closes_at: UnixMs) -> Opening {
        Opening { opens_at, closes_at, deadline_at: closes_at + 30_000 }
    }

    fn promise(run: &str, priority: Priority, window: (UnixMs, UnixMs), deliveries: u64) -> Promise {
        Promise { run: run.parse().expect("an id"), priority, opening: opening(window.0, window.1), deliveries }
    }

    fn check(promises: &[Promise], expected: &[(&str, u64)]) {
        let found = promised(&opening(100_000, 200_000), Priority::Normal, promises);
        assert_eq!(found.iter().map(|p| (p.run.as_str(), p.deliveries)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn of_another_run_counts_what_falls_into_the_window() {
        check(&[promise("whole", Priority::Normal, (100_000, 200_000), 500)], &[("whole", 500)]);
        check(&[promise("half", Priority::Critical, (150_000, 250_000), 501)], &[("half", 251)]);
        check(&[promise("after", Priority::Critical, (200_000, 300_000), 500)], &[]);
        check(&[promise("at_once", Priority::Normal, (150_000, 150_000), 500)], &[]);
    }

    #[test]
    fn less_urgent_runs_yield() {
        check(&[promise("bulk", Priority::Bulk, (100_000, 200_000), 500)], &[]);
    }

    /// So many recipients, from a number that can send 1,000.
    fn alone(recipients: u64) -> Forecast {
        let sender = Sender { id: "101".parse().expect("an id"), mps: 10, quota: None };
        let (opens_at, closes_at) = (100_000, 200_000);
        let terms = Terms { opens_at, closes_at, headroom: 1.0, jitter: Jitter::Uniform, hours: vec![] };
        forecast(recipients, &[sender], &terms)
    }

    #[test]
    fn what_does_not_fit_beside_others_is_said_with_the_arithmetic() {
        let forecast = alone(600);
        let taken = |deliveries| vec![Promised { run: "other".parse().expect("an id"), deliveries }];
        assert_eq!(crowded(&forecast, &taken(400)), None);
        let told = crowded(&forecast, &taken(401)).expect("a reason");
        assert!(told.starts_with("600 recipients do not fit beside other runs: the window holds 1000, of these 401 are promised (401 to other), and 599 are free;"), "{told}");
    }

    #[test]
    fn what_does_not_fit_alone_is_told_as_that() {
        assert_eq!(crowded(&alone(1_001), &[]), None);
    }

    #[test]
    fn redis_is_filled_to_nine_tenths_at_most() {
        assert_eq!(too_big(1_000, 650_000, 1_000_000), None);
        assert!(
            too_big(1_000, 650_001, 1_000_000)
                .expect("a reason")
                .starts_with("1000 recipients need 1 MiB of Redis (250 bytes each)")
        );
        assert_eq!(too_big(u64::MAX, 0, 0), None, "without a limit there is nothing to exceed");
    }
}
