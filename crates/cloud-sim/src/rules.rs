//! What Meta does not write down, or does to some and not to others: figures and switches, each with a default. To order, by
//! `POST /_sim/rules`, in a scenario, or before the start.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::duration_text;
use crate::error::SimError;

/// How the platform behaves beyond single calls. What is assumed (Meta publishes no figure) says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// From so many users on who block a number within `quality_span` it is `YELLOW`, and a template if it was the last
    /// that they were sent. Assumed.
    pub yellow_blocks: u32,
    /// From so many on it is `RED`, and the template is paused. Assumed; at least `yellow_blocks`.
    pub red_blocks: u32,
    /// How long a block counts. Meta: quality is of the last seven days.
    #[serde(with = "duration_text")]
    pub quality_span: Duration,
    /// A number that turns `RED` is also `FLAGGED`, told by `phone_number_quality_update`, and `UNFLAGGED` when it is no longer
    /// `RED`: what Meta did before it stopped to lower limits for quality. Its webhooks do not tell of quality today.
    pub flags_numbers: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            yellow_blocks: 20,
            red_blocks: 50,
            quality_span: Duration::from_secs(7 * 24 * 3600),
            flags_numbers: false,
        }
    }
}

impl Rules {
    pub(crate) fn validate(&self) -> Result<(), SimError> {
        let refuse = |field, remedy: &str| Err(SimError::Order { field, remedy: remedy.to_owned() });
        if self.yellow_blocks == 0 {
            return refuse("yellow_blocks", "give at least 1 block");
        }
        if self.red_blocks < self.yellow_blocks {
            return refuse("red_blocks", "give no fewer than `yellow_blocks`");
        }
        Ok(())
    }

    /// These, with what is ordered changed.
    pub(crate) fn with(&self, order: &Map<String, Value>) -> Result<Self, SimError> {
        let mut all = serde_json::to_value(self).expect("numbers, words and durations always serialise");
        order.iter().for_each(|(name, value)| all[name] = value.clone());
        let refused = |reason: serde_json::Error| SimError::Order { field: "rules", remedy: reason.to_string() };
        let rules: Self = serde_json::from_value(all).map_err(refused)?;
        rules.validate().map(|()| rules)
    }
}

/// The rules in force.
pub(crate) struct InForce(RwLock<Arc<Rules>>);

impl InForce {
    pub(crate) fn new(rules: Rules) -> Self {
        Self(RwLock::new(Arc::new(rules)))
    }

    pub(crate) fn get(&self) -> Arc<Rules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is ordered; the rules before.
    pub(crate) fn order(&self, order: &Map<String, Value>) -> Result<Arc<Rules>, SimError> {
        let mut rules = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = Arc::new(rules.with(order)?);
        Ok(std::mem::replace(&mut *rules, changed))
    }

    /// Puts rules in force that were there before.
    pub(crate) fn restore(&self, before: Arc<Rules>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = before;
    }
}
