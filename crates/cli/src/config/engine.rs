//! `[engine]`: how the engine runs.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::BadConfig;

/// Leases are renewed each second, and one that two lost renewals end is too short.
const SHORTEST_LEASE: Duration = Duration::from_secs(3);

/// Meta is asked about a number no more often than this, and less often than this a ban would go unnoticed.
const NUMBERS_EVERY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(300)];

/// The section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Engine {
    pub(crate) headroom: f64,
    #[serde(deserialize_with = "duration")]
    pub(crate) lease: Duration,
    pub(crate) pages: usize,
    pub(crate) in_flight: usize,
    #[serde(deserialize_with = "durations")]
    pub(crate) check_leads: Vec<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) template_lead: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) freeze_lead: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) preflight_lead: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) open_lead: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) close_after: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) numbers_every: Duration,
}

impl Engine {
    pub(super) fn check(&self) -> Result<(), BadConfig> {
        let refuse = |key, reason: &str| Err(BadConfig::Value { key, reason: reason.to_owned() });
        if !(self.headroom > 0.0 && self.headroom <= 1.0) {
            return refuse("engine.headroom", "must be above 0 and at most 1");
        }
        if self.lease < SHORTEST_LEASE {
            return refuse("engine.lease", "is under three renewals of a second each: give 3s or more");
        }
        if self.pages == 0 || self.in_flight == 0 {
            return refuse("engine.pages and engine.in_flight", "must be at least 1");
        }
        if self.numbers_every < NUMBERS_EVERY[0] || self.numbers_every > NUMBERS_EVERY[1] {
            return refuse("engine.numbers_every", "must be from 1s to 5m");
        }
        if self.freeze_lead < self.preflight_lead || self.preflight_lead < self.open_lead {
            let order = "freeze_lead, preflight_lead and open_lead must come in this order, the longest first";
            return refuse("engine", order);
        }
        if self.check_leads.iter().any(|lead| *lead <= self.freeze_lead) {
            return refuse(
                "engine.check_leads",
                "must be longer than freeze_lead: what is frozen is checked by preflight",
            );
        }
        Ok(())
    }
}

impl From<&Engine> for dawncast_engine::Settings {
    fn from(engine: &Engine) -> Self {
        let &Engine { headroom, lease, pages, in_flight, freeze_lead, preflight_lead, open_lead, close_after, .. } =
            engine;
        let (check_leads, numbers_every) = (engine.check_leads.clone(), engine.numbers_every);
        Self {
            headroom,
            lease,
            pages,
            in_flight,
            check_leads,
            template_lead: engine.template_lead,
            freeze_lead,
            preflight_lead,
            open_lead,
            close_after,
            numbers_every,
            ..Self::default()
        }
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

fn parse<E: serde::de::Error>(text: &str) -> Result<Duration, E> {
    humantime::parse_duration(text)
        .map_err(|why| E::custom(format!("`{text}` is no duration such as 4s or 15m ({why})")))
}

/// A list of spans; in the environment, one text with commas.
pub(super) fn durations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let texts = match Given::deserialize(deserializer)? {
        Given::List(list) => list,
        Given::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).map(parse).collect()
}
