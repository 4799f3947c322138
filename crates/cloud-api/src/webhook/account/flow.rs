//! What Meta tells of flows (Meta: webhooks for flows).

use serde::Deserialize;

use crate::webhook::loose;

/// A flow changed or fails (Meta: `flows`). What goes with an event is told with that event alone.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct FlowUpdate {
    /// `FLOW_STATUS_CHANGE`, `CLIENT_ERROR_RATE`, `ENDPOINT_ERROR_RATE`, `ENDPOINT_LATENCY`, `ENDPOINT_AVAILABILITY`,
    /// `FLOW_VERSION_EXPIRY_WARNING`.
    pub event: String,
    /// In words.
    #[serde(default, deserialize_with = "loose::text")]
    pub message: Option<String>,
    /// Its id.
    #[serde(default, deserialize_with = "loose::text")]
    pub flow_id: Option<String>,
    /// Its status before; none where it is new.
    #[serde(default, deserialize_with = "loose::text")]
    pub old_status: Option<String>,
    /// Its status now: `DRAFT`, `PUBLISHED`, `DEPRECATED`, `BLOCKED`, `THROTTLED`.
    #[serde(default, deserialize_with = "loose::text")]
    pub new_status: Option<String>,
    /// How many of a hundred requests fail.
    #[serde(default, deserialize_with = "loose::any")]
    pub error_rate: Option<f64>,
    /// From where on Meta tells of it, in the unit of what it is about.
    #[serde(default, deserialize_with = "loose::any")]
    pub threshold: Option<f64>,
    /// `ACTIVATED` and the like.
    #[serde(default, deserialize_with = "loose::text")]
    pub alert_state: Option<String>,
    /// How requests fail.
    #[serde(default, deserialize_with = "loose::list")]
    pub errors: Vec<FlowErrors>,
    /// The latency that half of the requests keep, as Meta tells it.
    #[serde(default, deserialize_with = "loose::any")]
    pub p50_latency: Option<f64>,
    /// The latency that nine of ten requests keep, as Meta tells it.
    #[serde(default, deserialize_with = "loose::any")]
    pub p90_latency: Option<f64>,
    /// How many requests there were.
    #[serde(default, deserialize_with = "loose::whole")]
    pub requests_count: Option<i64>,
    /// How many of a hundred requests are answered.
    #[serde(default, deserialize_with = "loose::any")]
    pub availability: Option<f64>,
    /// What will happen to its version.
    #[serde(default, deserialize_with = "loose::text")]
    pub warning: Option<String>,
}

/// How often requests fail in one way.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct FlowErrors {
    /// Such as `TIMEOUT`.
    #[serde(rename = "error_type")]
    pub kind: String,
    /// How many of a hundred requests.
    #[serde(default, deserialize_with = "loose::any")]
    pub error_rate: Option<f64>,
    /// How many requests.
    #[serde(default, deserialize_with = "loose::whole")]
    pub error_count: Option<i64>,
}
