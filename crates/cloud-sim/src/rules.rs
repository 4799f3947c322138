//! What Meta does not write down, or does to some and not to others: figures and switches, each with a default. To order, by
//! `POST /_sim/rules`, in a scenario, or before the start.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::duration_text;
use crate::error::SimError;
use crate::templates::CATEGORIES;

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

    /// More marketing messages than so many in 24 hours to a user who does not answer are accepted and fail with 131049; `None`
    /// is no limit. Meta's own limit is not published and adapts to the user.
    pub marketing_per_user: Option<u32>,
    /// The share of marketing messages outside a service window that fail with 131049, from 0 to 1.
    pub marketing_withheld: f64,
    /// Marketing to the United States fails with 131049. Meta: since 2025-04-01.
    pub us_marketing_paused: bool,
    /// The code with which a message beyond the messaging limit fails: 131048. Assumed.
    pub limit_code: u32,
    /// So many messages of a marketing template that is new, or was unpaused, go out; those that follow are held back. The same of a
    /// utility template that is new, was unpaused or is not `GREEN`, for seven days after a utility template of its account was paused.
    /// `None` holds none back. Meta does not publish its number.
    pub paced_after: Option<u32>,
    /// So many messages of all templates together go out within `held_for`; those that follow, whatever their template, are held back,
    /// and go out in batches of as many, or fail with 132015 if a number is `RED` by then (assumed: Meta goes by "suspicious activity").
    /// At least 1; `None` holds none back. Meta: portfolios with fewer than 500,000 template messages in 365 days; it does not publish
    /// the number.
    pub portfolio_paced_after: Option<u32>,
    /// How long they are held back, and each batch of a portfolio. Then they go out, or, if the template is `RED` by then, fail with
    /// 132015. Meta: mostly within an hour.
    #[serde(with = "duration_text")]
    pub held_for: Duration,
    /// The code of a refusal for `biz_opaque_callback_data` of more than 512 characters: 100 or 131009. Assumed.
    pub long_callback_code: u32,

    /// Messages to users who wrote, and utility templates to them, are charged, after the first 1,000 messages that a number
    /// sends in a month. Meta: since 2026-10-01, by several sources.
    pub charges_service: bool,
    /// What a delivered message costs by its template's category (`marketing`, `utility`, `authentication`), in the account's
    /// currency: with it template analytics tell costs. Empty tells none.
    pub prices: BTreeMap<String, f64>,
    /// The version of the webhooks, `v23.0` or `v24.0` and later: up to v23 statuses tell of a `conversation`.
    pub webhook_version: String,
    /// Answers and webhooks tell the business-scoped user id of everyone, and statuses have `contacts`. Meta: since 2026-04. Of
    /// users who hide their phone it is told in any case.
    pub user_ids: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            yellow_blocks: 20,
            red_blocks: 50,
            quality_span: Duration::from_secs(7 * 24 * 3600),
            flags_numbers: false,
            marketing_per_user: None,
            marketing_withheld: 0.0,
            us_marketing_paused: false,
            limit_code: 131_048,
            paced_after: None,
            portfolio_paced_after: None,
            held_for: Duration::from_secs(3600),
            long_callback_code: 100,
            charges_service: false,
            prices: BTreeMap::new(),
            webhook_version: "v24.0".to_owned(),
            user_ids: false,
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
        if !(0.0..=1.0).contains(&self.marketing_withheld) {
            return refuse("marketing_withheld", "give a share from 0 to 1");
        }
        if self.portfolio_paced_after == Some(0) {
            return refuse("portfolio_paced_after", "give at least 1 message, or null to hold none back");
        }
        if ![100, 131_009].contains(&self.long_callback_code) {
            return refuse("long_callback_code", "give 100 or 131009");
        }
        let is_known = |category: &str| CATEGORIES.iter().any(|it| it.to_ascii_lowercase() == category);
        if !self.prices.iter().all(|(category, price)| is_known(category) && price.is_finite() && *price >= 0.0) {
            return refuse(
                "prices",
                "give `marketing`, `utility` or `authentication`, each with a price of at least 0",
            );
        }
        if self.webhook_major().is_none() {
            return refuse("webhook_version", "give one such as `v24.0`");
        }
        Ok(())
    }

    fn webhook_major(&self) -> Option<u32> {
        self.webhook_version.strip_prefix('v')?.split_once('.')?.0.parse().ok()
    }

    /// Whether every status tells of a conversation, as webhooks did up to v23.
    pub(crate) fn has_conversations(&self) -> bool {
        self.webhook_major().is_some_and(|major| major < 24)
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
