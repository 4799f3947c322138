//! The engine's metrics: names, help and the label sets that start at zero. Base units; no recipient, no free text.

use dawncast_core::campaign::Priority;
use dawncast_store::restore::Unready;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

use crate::{meters::ReceiptMeters, notify};

/// Deliveries by the state they moved to, each transition once.
pub const DELIVERIES: &str = "dawncast_deliveries_total";
/// Deliveries of closed runs by how they met the SLA.
pub const SLA_DELIVERIES: &str = "dawncast_sla_deliveries_total";
/// Closed runs.
pub const RUNS: &str = "dawncast_runs_total";
/// Runs that were archived, and whose memory was given back.
pub const RUNS_ARCHIVED: &str = "dawncast_runs_archived_total";
/// Closed runs that wait for the archive.
pub const ARCHIVE_PENDING: &str = "dawncast_archive_pending_runs";
/// For how long the one that waits longest has been due.
pub const ARCHIVE_OVERDUE: &str = "dawncast_archive_oldest_due_age_seconds";
/// Runs whose window passed with nothing sent.
pub const RUNS_MISSED: &str = "dawncast_runs_missed_total";
/// Events for people, by what came of each try to deliver them.
pub const NOTIFICATIONS: &str = "dawncast_notifications_total";
/// Attempts by verdict.
pub const SEND_ATTEMPTS: &str = "dawncast_send_attempts_total";
/// How often a delivery was not begun yet because its recipient had no room by the pair limit.
pub const PAIR_WAITS: &str = "dawncast_pair_waits_total";
/// Errors of the Cloud API by code, in answers and in failed receipts.
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
/// When a run's window opens and closes.
pub const RUN_WINDOW: &str = "dawncast_run_window_timestamp_seconds";
/// 1 while a chore holds a run, by the step that cannot be taken.
pub const RUN_HELD: &str = "dawncast_run_held";
/// 1 while a run ahead has an account whose templates do not let it go out.
pub const RUN_TEMPLATE_UNAPPROVED: &str = "dawncast_run_template_unapproved";
/// 1 while a person holds a run that is not over.
pub const RUN_PAUSED: &str = "dawncast_run_paused";
/// When a campaign runs next.
pub const NEXT_RUN: &str = "dawncast_schedule_next_run_timestamp_seconds";
/// Pages in a lane.
pub const LANE_PAGES: &str = "dawncast_lane_pages";
/// For how long a lane's most urgent free page has been due.
pub const LANE_AGE: &str = "dawncast_lane_oldest_due_age_seconds";
/// A number's speed against its pace.
pub const NUMBER_CREDIT: &str = "dawncast_number_credit_ratio";
/// What Meta lets a number send, in messages per second.
pub const NUMBER_MPS: &str = "dawncast_number_mps";
/// Changes of a number's stage.
pub const NUMBER_TRANSITIONS: &str = "dawncast_number_transitions_total";
/// 1 for a number's present state.
pub const NUMBER_HEALTH: &str = "dawncast_number_health";
/// How many users a number's portfolio may still reach today.
pub const NUMBER_DAILY_REMAINING: &str = "dawncast_number_daily_remaining";
/// How much of Meta's limits on calls is used.
pub const CALL_USAGE: &str = "dawncast_cloud_api_usage_ratio";
/// Recipients of a run beyond what Meta's messaging limit leaves to it.
pub const RUN_OVER_QUOTA: &str = "dawncast_run_over_quota_recipients";
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

/// Every priority.
pub const PRIORITIES: [Priority; 3] = [Priority::Critical, Priority::Normal, Priority::Bulk];
/// How deliveries of closed runs met the SLA.
pub const SLA_OUTCOMES: [&str; 3] = ["within", "late", "missed"];
/// What a receipt did.
pub const RECEIPT_OUTCOMES: [&str; 4] = ["applied", "duplicate", "stale", "foreign"];
/// The statuses that receipts tell.
pub const STATUSES: [&str; 4] = ["sent", "delivered", "read", "failed"];

/// Describes every metric and sets the known label sets to zero.
pub fn describe_metrics() {
    describe_counters();
    describe_gauges();
    describe_gauges_of_runs();
    let seconds = Unit::Seconds;
    describe_histogram!(SEND_DURATION, seconds, "How long POSTs to the Cloud API took");
    describe_histogram!(SEND_LATENESS, seconds, "From a delivery's planned time to the begin of its first POST");
    describe_histogram!(TIME_TO_STATUS, seconds, "From a run's nominal instant to a status' own timestamp");
    let _ = ReceiptMeters::new();
    for reason in Unready::ALL {
        gauge!(UNREADY, "reason" => reason.as_str()).set(0.0);
    }
    for verdict in ["pass", "fail", "cancelled"] {
        counter!(RUNS, "verdict" => verdict).absolute(0);
    }
    counter!(RUNS_MISSED).absolute(0);
    counter!(RUNS_ARCHIVED).absolute(0);
    for kind in notify::Kind::ALL {
        for outcome in notify::OUTCOMES {
            counter!(NOTIFICATIONS, "type" => kind.as_str(), "outcome" => outcome).absolute(0);
        }
    }
}

fn describe_counters() {
    describe_counter!(DELIVERIES, "Deliveries by the state they moved to; each transition once");
    describe_counter!(SLA_DELIVERIES, "Eligible deliveries of closed runs: within the deadline, late, or missed");
    describe_counter!(RUNS, "Closed runs by verdict");
    describe_counter!(RUNS_ARCHIVED, "Runs that were archived and whose memory was given back");
    describe_counter!(RUNS_MISSED, "Runs whose deadline passed with nothing sent");
    describe_counter!(NOTIFICATIONS, "Events for people by what came of each try to deliver them");
    describe_counter!(NUMBER_TRANSITIONS, "Changes of how far the quality monitor lets a number be used");
    describe_counter!(SEND_ATTEMPTS, "Attempts by verdict");
    describe_counter!(
        PAIR_WAITS,
        "Times a delivery was put off because its recipient has no room by Meta's pair limit"
    );
    describe_counter!(SEND_ERRORS, "Errors of the Cloud API by code and class, in answers and in failed receipts");
    describe_counter!(RECEIPTS, "Status webhooks by status and by what they did");
}

fn describe_gauges_of_runs() {
    describe_gauge!(RUN_DELIVERIES, "Deliveries of a run by state");
    describe_gauge!(RUN_SLA_ATTAINED, "Share of a run's eligible deliveries that met the SLA so far");
    describe_gauge!(RUN_SLA_OBJECTIVE, "Share that was promised");
    describe_gauge!(RUN_DEADLINE, Unit::Seconds, "When a run's SLA is judged");
    describe_gauge!(RUN_WINDOW, Unit::Seconds, "When a run's window opens and closes");
    describe_gauge!(RUN_HELD, "1 while the run waits for a person to mend what keeps this step from being taken");
    describe_gauge!(
        RUN_TEMPLATE_UNAPPROVED,
        "1 while a run within engine.template_lead has an active number whose account can send none of its templates"
    );
    describe_gauge!(RUN_PAUSED, "1 while a person's hold (run, pool, stop, restore) lets nothing begin");
    describe_gauge!(
        RUN_OVER_QUOTA,
        "Recipients of a run that opens within 24 hours beyond what Meta's messaging limit leaves to it, beside other runs"
    );
    describe_gauge!(IMBALANCE, "Recipients of a run that are not accounted for; anything but 0 is a fault");
    describe_gauge!(NEXT_RUN, Unit::Seconds, "When a campaign runs next");
}

fn describe_gauges() {
    describe_gauge!(LANE_PAGES, "Pages in a lane, leased ones included");
    describe_gauge!(LANE_AGE, Unit::Seconds, "For how long a lane's most urgent free page has been due");
    describe_gauge!(
        NUMBER_CREDIT,
        "A number's speed against its pace: below 1 after throttles, 0 while it may not send"
    );
    describe_gauge!(NUMBER_MPS, "Messages per second that Meta lets a number send");
    describe_gauge!(NUMBER_HEALTH, "1 for a number's present state, 0 for the others");
    describe_gauge!(
        NUMBER_DAILY_REMAINING,
        "Unique users that a number's portfolio may still reach in 24 hours; its numbers share it, so never sum. +Inf when \
         unlimited, absent while Meta has not told the limit"
    );
    describe_gauge!(
        CALL_USAGE,
        "Share of Meta's limits on management calls that an account or the app has used, as last told; at 1 calls are refused"
    );
    describe_gauge!(TEMPLATE_STATUS, "1 for a template's present status");
    describe_gauge!(ARCHIVE_PENDING, "Closed runs that wait for the archive; 0 without one");
    describe_gauge!(ARCHIVE_OVERDUE, Unit::Seconds, "For how long a closed run should have been archived, at most");
    describe_gauge!(REDIS_MEMORY, "Used memory of Redis against its limit; 0 without one");
    describe_gauge!(REDIS_UP, "1 while Redis answers");
    describe_gauge!(UNREADY, "1 for the reason why this process can do nothing now, 0 for the others");
    describe_gauge!(CLOCK_SKEW, Unit::Seconds, "Redis' clock against this process's");
}
