//! Moments and times as evidence writes them.

use chrono::DateTime;

use crate::UnixMs;

const MINUTE_MS: i64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A moment, to the minute.
pub(super) fn moment(at: UnixMs) -> String {
    DateTime::from_timestamp_millis(at).map_or_else(|| at.to_string(), |at| at.format("%F %H:%M UTC").to_string())
}

/// A length of time in its greatest unit, rounded down.
pub(super) fn length(ms: i64) -> String {
    let (count, unit) = match ms {
        DAY_MS.. => (ms / DAY_MS, "day"),
        HOUR_MS.. => (ms / HOUR_MS, "hour"),
        MINUTE_MS.. => (ms / MINUTE_MS, "minute"),
        _ => (ms.max(0) / 1_000, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Bytes in megabytes, one decimal.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_lengths_read_as_people_say_them() {
        assert_eq!(moment(1_795_393_770_000), "2026-11-23 00:29 UTC");
        let lengths = [0, 1_000, 59_999, MINUTE_MS, 3 * HOUR_MS, 2 * DAY_MS - 1].map(length);
        assert_eq!(lengths, ["0 seconds", "1 second", "59 seconds", "1 minute", "3 hours", "1 day"]);
        assert_eq!(megabytes(5_250_000), "5.2 MB");
    }
}
