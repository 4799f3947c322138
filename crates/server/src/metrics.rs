//! The metrics of the HTTP side.

use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

/// How long a webhook was in hand, by the answer's HTTP status.
pub const WEBHOOK_DURATION: &str = "dawncast_webhook_duration_seconds";

/// Receipts by what became of them. The HTTP side counts those that it turns away.
pub const RECEIPTS: &str = "dawncast_receipts_total";

/// Every status that a webhook is answered with; the last one stands for those that should not happen.
const WEBHOOK_CODES: [&str; 6] = ["200", "400", "401", "413", "503", "500"];

/// Describes the metrics of the HTTP side and registers their counters at zero.
pub fn describe() {
    describe_histogram!(WEBHOOK_DURATION, Unit::Seconds, "How long a webhook was in hand, by HTTP status");
    describe_counter!(RECEIPTS, "Receipts by status and what became of them");
    let _ = WebhookMeters::new();
}

/// Handles to what every webhook counts: looking a metric up costs more than counting.
pub(crate) struct WebhookMeters {
    durations: [Histogram; WEBHOOK_CODES.len()],
    rejected: Counter,
}

impl WebhookMeters {
    pub(crate) fn new() -> Self {
        let durations = WEBHOOK_CODES.map(|code| histogram!(WEBHOOK_DURATION, "code" => code));
        Self { durations, rejected: counter!(RECEIPTS, "status" => "unknown", "outcome" => "rejected") }
    }

    /// A webhook was turned away: what it holds is not looked into.
    pub(crate) fn rejected(&self) {
        self.rejected.increment(1);
    }

    /// A webhook was in hand for so long, and answered with this status.
    pub(crate) fn took(&self, status: StatusCode, time: Duration) {
        let place = WEBHOOK_CODES.iter().position(|code| status.as_str() == *code);
        self.durations[place.unwrap_or(WEBHOOK_CODES.len() - 1)].record(time.as_secs_f64());
    }
}
