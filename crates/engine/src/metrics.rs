//! The engine's metrics: names, help and the label sets that start at zero. Base units; no recipient, no free text.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use dawncast_core::{delivery::DeliveryState, verdict::Verdict};
use dawncast_store::restore::Unready;

/// Deliveries by the state they moved to, each transition once.
pub const DELIVERIES: &str = "dawncast_deliveries_total";
/// Deliveries of closed runs by how they met the SLA.
pub const SLA_DELIVERIES: &str = "dawncast_sla_deliveries_total";
/// Closed runs.
pub const RUNS: &str = "dawncast_runs_total";
/// Attempts by verdict.
pub const SEND_ATTEMPTS: &str = "dawncast_send_attempts_total";
/// Errors of the Cloud API by code.
pub const SEND_ERRORS: &str = "dawncast_send_errors_total";
/// How long POSTs took.
pub const SEND_DURATION: &str = "dawncast_send_duration_seconds";
/// How late first attempts went out.
pub const SEND_LATENESS: &str = "dawncast_send_lateness_seconds";
/// From a run's nominal instant to a status' own timestamp.
pub const TIME_TO_STATUS: &str = "dawncast_time_to_status_seconds";
/// Receipts by what they did.
pub const RECEIPTS: &str = "dawncast_receipts_total";
/// Deliveries of a run by state.
pub const RUN_DELIVERIES: &str = "dawncast_run_deliveries";
/// The share of a run's eligible deliveries that met the SLA so far.
pub const RUN_SLA_ATTAINED: &str = "dawncast_run_sla_attained_ratio";
/// The share that was promised.
pub const RUN_SLA_OBJECTIVE: &str = "dawncast_run_sla_objective_ratio";
/// When a run's SLA is judged.
pub const RUN_DEADLINE: &str = "dawncast_run_deadline_timestamp_seconds";
/// When a campaign runs next.
pub const NEXT_RUN: &str = "dawncast_schedule_next_run_timestamp_seconds";
/// Pages in a lane.
pub const LANE_PAGES: &str = "dawncast_lane_pages";
/// For how long a lane's most urgent free page has been due.
pub const LANE_AGE: &str = "dawncast_lane_oldest_due_age_seconds";
/// A number's speed against its pace.
pub const NUMBER_CREDIT: &str = "dawncast_number_credit_ratio";
/// 1 for a number's present state.
pub const NUMBER_HEALTH: &str = "dawncast_number_health";
/// 1 for a template's present status.
pub const TEMPLATE_STATUS: &str = "dawncast_template_status";
/// Recipients of a run that are not accounted for.
pub const IMBALANCE: &str = "dawncast_conservation_imbalance";
/// Used memory of Redis against its limit.
pub const REDIS_MEMORY: &str = "dawncast_redis_memory_ratio";
/// 1 while Redis answers.
pub const REDIS_UP: &str = "dawncast_redis_up";
/// 1 for the reason why this process can do nothing now, 0 for the others.
pub const UNREADY: &str = "dawncast_unready";
/// Redis' clock against this process's.
pub const CLOCK_SKEW: &str = "dawncast_clock_skew_seconds";

/// What a receipt did.
pub const RECEIPT_OUTCOMES: [&str; 4] = ["applied", "duplicate", "stale", "foreign"];
/// The statuses that receipts tell.
pub const STATUSES: [&str; 4] = ["sent", "delivered", "read", "failed"];
/// The states of a number that this version knows.
pub const NUMBER_STATES: [&str; 3] = ["active", "paused", "standby"];

/// Describes every metric and sets the known label sets to zero.
pub fn describe_metrics() {
    describe_counters();
    describe_gauges();
    let seconds = Unit::Seconds;
    describe_histogram!(SEND_DURATION, seconds, "How long POSTs to the Cloud API took");
    describe_histogram!(SEND_LATENESS, seconds, "From a delivery's planned time to the begin of its first POST");
    describe_histogram!(TIME_TO_STATUS, seconds, "From a run's nominal instant to a status' own timestamp");
    for status in STATUSES {
        let _ = histogram!(TIME_TO_STATUS, "status" => status);
        for outcome in RECEIPT_OUTCOMES {
            counter!(RECEIPTS, "status" => status, "outcome" => outcome).absolute(0);
        }
    }
    for reason in Unready::ALL {
        gauge!(UNREADY, "reason" => reason.as_str()).set(0.0);
    }
    for verdict in ["pass", "fail", "cancelled"] {
        counter!(RUNS, "verdict" => verdict).absolute(0);
    }
}

fn describe_counters() {
    describe_counter!(DELIVERIES, "Deliveries by the state they moved to; each transition once");
    describe_counter!(SLA_DELIVERIES, "Eligible deliveries of closed runs: within the deadline, late, or missed");
    describe_counter!(RUNS, "Closed runs by verdict");
    describe_counter!(SEND_ATTEMPTS, "Attempts by verdict");
    describe_counter!(SEND_ERRORS, "Errors of the Cloud API by code and class");
    describe_counter!(RECEIPTS, "Status webhooks by status and by what they did");
}

fn describe_gauges() {
    describe_gauge!(RUN_DELIVERIES, "Deliveries of a run by state");
    describe_gauge!(RUN_SLA_ATTAINED, Unit::Count, "Share of a run's eligible deliveries that met the SLA so far");
    describe_gauge!(RUN_SLA_OBJECTIVE, Unit::Count, "Share that was promised");
    describe_gauge!(RUN_DEADLINE, Unit::Seconds, "When a run's SLA is judged");
    describe_gauge!(NEXT_RUN, Unit::Seconds, "When a campaign runs next");
    describe_gauge!(LANE_PAGES, "Pages in a lane, leased ones included");
    describe_gauge!(LANE_AGE, Unit::Seconds, "For how long a lane's most urgent free page has been due");
    describe_gauge!(NUMBER_CREDIT, "A number's speed against its pace: below 1 after throttles, 0 while paused");
    describe_gauge!(NUMBER_HEALTH, "1 for a number's present state, 0 for the others");
    describe_gauge!(TEMPLATE_STATUS, "1 for a template's present status");
    describe_gauge!(IMBALANCE, "Recipients of a run that are not accounted for; anything but 0 is a fault");
    describe_gauge!(REDIS_MEMORY, "Used memory of Redis against its limit; 0 without one");
    describe_gauge!(REDIS_UP, "1 while Redis answers");
    describe_gauge!(UNREADY, "1 for the reason why this process can do nothing now, 0 for the others");
    describe_gauge!(CLOCK_SKEW, Unit::Seconds, "Redis' clock against this process's");
}

/// Known labels of a number, at zero from the start.
pub(crate) fn register_number(pool: &str, number: &str) {
    for verdict in Verdict::NAMES {
        counter!(SEND_ATTEMPTS, "phone_number_id" => number.to_owned(), "verdict" => verdict).increment(0);
    }
    for state in DeliveryState::COUNTED {
        let labels =
            [("pool", pool.to_owned()), ("phone_number_id", number.to_owned()), ("state", state.as_str().to_owned())];
        counter!(DELIVERIES, &labels).increment(0);
    }
}
