//! Times as the API writes them.

use chrono::{DateTime, SecondsFormat};
use dawncast_core::UnixMs;

/// RFC 3339 in UTC, with milliseconds.
pub(crate) fn rfc3339(at: UnixMs) -> String {
    let at = DateTime::from_timestamp_millis(at).unwrap_or(DateTime::UNIX_EPOCH);
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
