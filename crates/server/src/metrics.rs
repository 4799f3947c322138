//! The metrics of the HTTP side.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

/// How long a webhook was in hand, by the answer's HTTP status.
pub const WEBHOOK_DURATION: &str = "dawncast_webhook_duration_seconds";

/// Receipts by what became of them. The HTTP side counts those that it turns away.
pub const RECEIPTS: &str = "dawncast_receipts_total";

/// Every status that a webhook is answered with.
pub(crate) const WEBHOOK_CODES: [&str; 5] = ["200", "400", "401", "413", "503"];

/// Describes the metrics of the HTTP side and registers their counters at zero.
pub fn describe() {
    describe_histogram!(WEBHOOK_DURATION, Unit::Seconds, "How long a webhook was in hand, by HTTP status");
    describe_counter!(RECEIPTS, "Receipts by status and what became of them");
    rejected(0);
}

/// Counts webhooks that were turned away: what they hold is not looked into.
pub(crate) fn rejected(count: u64) {
    counter!(RECEIPTS, "status" => "unknown", "outcome" => "rejected").increment(count);
}

/// Notes how long a webhook was in hand.
pub(crate) fn webhook_took(code: &'static str, seconds: f64) {
    histogram!(WEBHOOK_DURATION, "code" => code).record(seconds);
}
