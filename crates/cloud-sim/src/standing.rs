//! How Meta regards the account's numbers: status and quality of each, and the messaging limit that all share. To order,
//! by `POST /_sim/numbers/{id}`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cloud::Number;
use crate::error::SimError;
use crate::limits::DAY_US;
use crate::templates::one_of;
use crate::wa_id::WaId;

/// Statuses that Meta gives numbers, each with the code by which a send from such a number is refused, if it is.
const STATUSES: [(&str, Option<u32>); 11] = [
    ("CONNECTED", None),
    ("FLAGGED", None),
    ("RATE_LIMITED", None),
    ("UNKNOWN", None),
    ("BANNED", Some(131_031)),
    ("RESTRICTED", Some(368)),
    ("PENDING", Some(133_010)),
    ("DISCONNECTED", Some(133_010)),
    ("MIGRATED", Some(133_010)),
    ("DELETED", Some(133_010)),
    ("UNVERIFIED", Some(133_010)),
];

/// Meta's standard throughput (Meta: throughput).
const STANDARD_MPS: u32 = 80;

const QUALITIES: [&str; 5] = ["GREEN", "YELLOW", "RED", "NA", "UNKNOWN"];

/// Messaging limits and how many users each allows.
const LIMITS: [(&str, Option<usize>); 7] = [
    ("TIER_50", Some(50)),
    ("TIER_250", Some(250)),
    ("TIER_2K", Some(2_000)),
    ("TIER_10K", Some(10_000)),
    ("TIER_100K", Some(100_000)),
    ("TIER_UNLIMITED", None),
    ("UNTIERED", None),
];

/// What is ordered of a number; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumberOrder {
    /// `BANNED`, `CONNECTED` and the like.
    pub status: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`.
    pub quality_rating: Option<String>,
    /// `TIER_250` and the like: the limit of the portfolio, so of every number. Users count from when it is ordered.
    pub messaging_limit: Option<String>,
    /// Messages per second that it accepts from now on: above 80 its throughput level is `HIGH`.
    pub mps: Option<u32>,
}

impl NumberOrder {
    pub(crate) fn check(&self) -> Result<(), SimError> {
        let statuses = STATUSES.map(|(name, _)| name);
        let limits = LIMITS.map(|(name, _)| name);
        one_of("status", self.status.as_deref(), &statuses)?;
        one_of("quality_rating", self.quality_rating.as_deref(), &QUALITIES)?;
        if self.mps == Some(0) {
            return Err(SimError::Order { field: "mps", remedy: "give at least 1 message per second".to_owned() });
        }
        one_of("messaging_limit", self.messaging_limit.as_deref(), &limits)
    }
}

/// One number's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Standing {
    pub(crate) status: String,
    pub(crate) quality_rating: String,
    pub(crate) messaging_limit: String,
    /// What was ordered of its throughput.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mps: Option<u32>,
}

impl Standing {
    /// Whether such a number can send (Meta: health status).
    pub(crate) fn can_send(&self) -> &'static str {
        if refusal(&self.status).is_some() { "BLOCKED" } else { "AVAILABLE" }
    }
}

impl Standing {
    /// The order that takes another back; `usual` is the throughput unless ordered otherwise.
    pub(crate) fn as_before(&self, order: &NumberOrder, usual: u32) -> NumberOrder {
        let as_was = |ordered: &Option<String>, was: &String| ordered.as_ref().map(|_| was.clone());
        NumberOrder {
            status: as_was(&order.status, &self.status),
            quality_rating: as_was(&order.quality_rating, &self.quality_rating),
            messaging_limit: as_was(&order.messaging_limit, &self.messaging_limit),
            mps: order.mps.map(|_| self.mps.unwrap_or(usual)),
        }
    }
}

/// The code by which a number of this status is refused.
fn refusal(status: &str) -> Option<u32> {
    STATUSES.iter().find(|(name, _)| *name == status).and_then(|(_, code)| *code)
}

struct Ordered {
    /// By the number's place; those without an entry are connected and green.
    numbers: HashMap<usize, (String, String, Option<u32>)>,
    limit: (&'static str, Option<usize>),
    /// When each user was last reached; kept while there is a limit.
    reached: HashMap<WaId, u64>,
}

/// What webhooks tell of a number that stood and stands so: each with its field. Quality ratings are told by none.
pub(crate) fn told(number: &Number, before: &Standing, after: &Standing) -> Vec<(&'static str, Value)> {
    let (mut told, display) = (Vec::new(), &number.display);
    if before.status != after.status {
        told.extend(status_told(display, &after.status));
    }
    if before.messaging_limit != after.messaging_limit {
        let value =
            json!({ "max_daily_conversations_per_business": after.messaging_limit, "max_phone_numbers_per_waba": 25 });
        told.push(("business_capability_update", value));
    }
    if after.mps > before.mps && after.mps.is_some_and(|mps| mps > STANDARD_MPS) {
        let limit = &after.messaging_limit;
        let value = json!({ "display_phone_number": display, "event": "THROUGHPUT_UPGRADE",
                            "max_daily_conversations_per_business": limit });
        told.push(("phone_number_quality_update", value));
    }
    told
}

fn status_told(display: &str, status: &str) -> Option<(&'static str, Value)> {
    let event =
        |event| Some(("phone_number_quality_update", json!({ "display_phone_number": display, "event": event })));
    match status {
        "FLAGGED" => event("FLAGGED"),
        "CONNECTED" => event("UNFLAGGED"),
        "BANNED" => {
            let ban = json!({ "waba_ban_state": "DISABLE" });
            Some(("account_update", json!({ "event": "DISABLED_UPDATE", "ban_info": ban })))
        }
        "RESTRICTED" => {
            let restriction = json!([{ "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING" }]);
            Some(("account_update", json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": restriction })))
        }
        _ => None,
    }
}

/// The standing of all numbers.
pub(crate) struct Standings(Mutex<Ordered>);

impl Default for Standings {
    fn default() -> Self {
        let limit = ("TIER_UNLIMITED", None);
        Self(Mutex::new(Ordered { numbers: HashMap::new(), limit, reached: HashMap::new() }))
    }
}

impl Standings {
    fn lock(&self) -> MutexGuard<'_, Ordered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn of(&self, place: usize) -> Standing {
        let ordered = self.lock();
        let usual = || ("CONNECTED".to_owned(), "GREEN".to_owned(), None);
        let (status, quality_rating, mps) = ordered.numbers.get(&place).cloned().unwrap_or_else(usual);
        Standing { status, quality_rating, messaging_limit: ordered.limit.0.to_owned(), mps }
    }

    /// The code by which sends from the number are refused, if they are.
    pub(crate) fn refuses(&self, place: usize) -> Option<u32> {
        self.lock().numbers.get(&place).and_then(|(status, ..)| refusal(status))
    }

    /// Does as ordered; how the number stood before, and how it stands now.
    pub(crate) fn order(&self, place: usize, order: NumberOrder) -> Result<(Standing, Standing), SimError> {
        order.check()?;
        let before = self.of(place);
        let mut ordered = self.lock();
        let status = order.status.unwrap_or_else(|| before.status.clone());
        let quality_rating = order.quality_rating.unwrap_or_else(|| before.quality_rating.clone());
        ordered.numbers.insert(place, (status, quality_rating, order.mps.or(before.mps)));
        if let Some(limit) = order.messaging_limit
            && let Some(known) = LIMITS.into_iter().find(|(name, _)| *name == limit)
        {
            ordered.limit = known;
        }
        drop(ordered);
        Ok((before, self.of(place)))
    }

    /// Whether a message that the business begins may reach the user within the limit; then the user counts.
    pub(crate) fn may_reach(&self, user: WaId, now_us: u64) -> bool {
        let mut ordered = self.lock();
        let Some(limit) = ordered.limit.1 else { return true };
        let counts = |at_us: u64| now_us.saturating_sub(at_us) < DAY_US;
        if ordered.reached.len() >= limit {
            ordered.reached.retain(|_, at_us| counts(*at_us));
        }
        let may = ordered.reached.contains_key(&user) || ordered.reached.len() < limit;
        if may {
            ordered.reached.insert(user, now_us);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u64) -> WaId {
        format!("91980000{n:04}").parse().unwrap()
    }

    #[test]
    fn the_limit_counts_users_once_and_forgets_them_after_a_day() {
        let standings = Standings::default();
        let limit = NumberOrder { messaging_limit: Some("TIER_50".to_owned()), ..NumberOrder::default() };
        standings.order(0, limit).unwrap();
        assert!((0..50).all(|n| standings.may_reach(user(n), 0)));
        assert!(!standings.may_reach(user(50), 1));
        assert!(standings.may_reach(user(7), 1), "who was reached already");
        assert!(standings.may_reach(user(50), DAY_US));
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused_and_changes_nothing() {
        let standings = Standings::default();
        let order = NumberOrder { status: Some("SLEEPY".to_owned()), ..NumberOrder::default() };
        assert!(standings.order(0, order).unwrap_err().to_string().contains("status"));
        assert_eq!(standings.of(0).status, "CONNECTED");
    }
}
