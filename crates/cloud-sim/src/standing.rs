//! How Meta regards the account's numbers: status and quality of each, and the messaging limit that all share. To order,
//! by `POST /_sim/numbers/{id}`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::micros;
use crate::cloud::{Cloud, Number};
use crate::duration_text;
use crate::error::SimError;
use crate::limits::DAY_US;
use crate::templates::{Told, one_of};
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

/// Meta's throughput of the level `HIGH`.
const HIGH_MPS: u32 = 1000;

/// The code of sends while a number's throughput is upgraded.
const MAINTENANCE: u32 = 131_057;

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
    /// Meta raises its throughput from `STANDARD` to `HIGH`. An order of `mps` calls off what is under way.
    pub throughput_upgrade: Option<ThroughputUpgrade>,
}

/// Meta's upgrade of a number to 1000 messages per second: meanwhile its sends are refused (131057), and when it is over a webhook tells
/// of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThroughputUpgrade {
    /// By the simulator's clock. Meta: at most a minute, which is the default.
    #[serde(with = "duration_text")]
    pub takes: Duration,
}

impl Default for ThroughputUpgrade {
    fn default() -> Self {
        Self { takes: Duration::from_secs(60) }
    }
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
        if self.mps.is_some() && self.throughput_upgrade.is_some() {
            return Err(no_upgrade("the upgrade ends with 1000 messages per second: leave it or `mps` out".to_owned()));
        }
        one_of("messaging_limit", self.messaging_limit.as_deref(), &limits)
    }
}

fn no_upgrade(remedy: String) -> SimError {
    SimError::Order { field: "throughput_upgrade", remedy }
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
    /// When the upgrade of its throughput that is under way is over, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upgraded_at_ms: Option<u64>,
}

impl Standing {
    /// Whether such a number can send (Meta: health status).
    pub(crate) fn can_send(&self) -> &'static str {
        if refusal(&self.status).is_some() { "BLOCKED" } else { "AVAILABLE" }
    }

    /// Refuses an upgrade of throughput that Meta would not begin.
    fn check_upgrade(&self, usual: u32) -> Result<(), SimError> {
        let level = throughput_level(self.mps.unwrap_or(usual));
        match self.upgraded_at_ms {
            Some(_) => Err(no_upgrade("one is under way: let it end first".to_owned())),
            None if level != "STANDARD" => {
                Err(no_upgrade(format!("the number's level is {level}: upgrade one that is STANDARD (`mps` 21 to 80)")))
            }
            None => Ok(()),
        }
    }

    /// The order that takes another back; `usual` is the throughput unless ordered otherwise.
    pub(crate) fn as_before(&self, order: &NumberOrder, usual: u32) -> NumberOrder {
        let as_was = |ordered: &Option<String>, was: &String| ordered.as_ref().map(|_| was.clone());
        NumberOrder {
            status: as_was(&order.status, &self.status),
            quality_rating: as_was(&order.quality_rating, &self.quality_rating),
            messaging_limit: as_was(&order.messaging_limit, &self.messaging_limit),
            mps: (order.mps.is_some() || order.throughput_upgrade.is_some()).then(|| self.mps.unwrap_or(usual)),
            throughput_upgrade: None,
        }
    }
}

/// The code by which a number of this status is refused.
fn refusal(status: &str) -> Option<u32> {
    STATUSES.iter().find(|(name, _)| *name == status).and_then(|(_, code)| *code)
}

/// Meta's level that allows this many messages per second: 20 for numbers shared with the app, 80, or 1000.
pub(crate) fn throughput_level(mps: u32) -> &'static str {
    match mps {
        0..=20 => "NOT_APPLICABLE",
        21..=STANDARD_MPS => "STANDARD",
        _ => "HIGH",
    }
}

struct Ordered {
    /// By the number's place; those without an entry are connected and green.
    numbers: HashMap<usize, (String, String, Option<u32>)>,
    /// When the upgrades of throughput that are under way are over, in Unix milliseconds, by the number's place.
    upgrades: HashMap<usize, u64>,
    limit: (&'static str, Option<usize>),
    /// When each user was last reached; kept while there is a limit.
    reached: HashMap<WaId, u64>,
}

/// What webhooks tell of a number that stood and stands so: each with its field. Quality ratings are told by none.
fn told(number: &Number, before: &Standing, after: &Standing) -> Vec<(&'static str, Value)> {
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

impl Ordered {
    fn standing(&self, place: usize) -> Standing {
        let usual = || ("CONNECTED".to_owned(), "GREEN".to_owned(), None);
        let (status, quality_rating, mps) = self.numbers.get(&place).cloned().unwrap_or_else(usual);
        let (messaging_limit, upgraded_at_ms) = (self.limit.0.to_owned(), self.upgrades.get(&place).copied());
        Standing { status, quality_rating, messaging_limit, mps, upgraded_at_ms }
    }

    fn refuses(&self, place: usize) -> Option<u32> {
        self.numbers.get(&place).and_then(|(status, ..)| refusal(status))
    }
}

/// The standing of all numbers.
pub(crate) struct Standings {
    ordered: Mutex<Ordered>,
    /// The throughput of numbers unless ordered otherwise.
    usual_mps: u32,
}

impl Standings {
    pub(crate) fn new(usual_mps: u32) -> Self {
        let limit = ("TIER_UNLIMITED", None);
        let ordered = Ordered { numbers: HashMap::new(), upgrades: HashMap::new(), limit, reached: HashMap::new() };
        Self { ordered: Mutex::new(ordered), usual_mps }
    }

    fn lock(&self) -> MutexGuard<'_, Ordered> {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn of(&self, place: usize) -> Standing {
        self.lock().standing(place)
    }

    /// The code by which the number's status refuses sends, if it does.
    pub(crate) fn refuses(&self, place: usize) -> Option<u32> {
        self.lock().refuses(place)
    }

    /// The same, or that of an upgrade that is under way.
    pub(crate) fn refuses_sends(&self, place: usize) -> Option<u32> {
        let ordered = self.lock();
        ordered.refuses(place).or_else(|| ordered.upgrades.contains_key(&place).then_some(MAINTENANCE))
    }

    /// Does as ordered at this time; how the number stood before, and how it stands now.
    pub(crate) fn order(
        &self,
        place: usize,
        order: NumberOrder,
        now_us: u64,
    ) -> Result<(Standing, Standing), SimError> {
        order.check()?;
        let mut ordered = self.lock();
        let before = ordered.standing(place);
        if let Some(ThroughputUpgrade { takes }) = order.throughput_upgrade {
            before.check_upgrade(self.usual_mps)?;
            ordered.upgrades.insert(place, now_us.saturating_add(micros(takes)) / 1000);
        }
        if order.mps.is_some() {
            ordered.upgrades.remove(&place);
        }
        let status = order.status.unwrap_or_else(|| before.status.clone());
        let quality_rating = order.quality_rating.unwrap_or_else(|| before.quality_rating.clone());
        ordered.numbers.insert(place, (status, quality_rating, order.mps.or(before.mps)));
        if let Some(limit) = order.messaging_limit
            && let Some(known) = LIMITS.into_iter().find(|(name, _)| *name == limit)
        {
            ordered.limit = known;
        }
        let after = ordered.standing(place);
        Ok((before, after))
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

impl Cloud {
    /// Orders how Meta regards a number.
    pub(crate) fn order_number(&self, id: &str, order: NumberOrder) -> Result<Standing, SimError> {
        let number = self.known_number(id)?;
        let (place, upgrades) = (number.place, order.throughput_upgrade.is_some());
        let (before, after) = self.standings.order(place, order, self.clock.now_us())?;
        number.set_throughput(after.mps.unwrap_or(self.mps));
        let account = |(field, value)| Told { waba: number.waba, field, value };
        told(number, &before, &after).into_iter().map(account).for_each(|told| self.webhooks.tell(told));
        if let Some(at_ms) = after.upgraded_at_ms.filter(|_| upgrades) {
            self.agenda.at(at_ms.saturating_mul(1000), move |cloud| cloud.end_upgrade(place, at_ms));
        }
        Ok(after)
    }

    /// A number's throughput is raised, unless its upgrade was called off.
    fn end_upgrade(&self, place: usize, at_ms: u64) {
        if self.standings.of(place).upgraded_at_ms == Some(at_ms) {
            let order = NumberOrder { mps: Some(HIGH_MPS), ..NumberOrder::default() };
            self.order_number(&self.numbers[place].id, order).expect("the number is known");
        }
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
        let standings = Standings::new(80);
        let limit = NumberOrder { messaging_limit: Some("TIER_50".to_owned()), ..NumberOrder::default() };
        standings.order(0, limit, 0).unwrap();
        assert!((0..50).all(|n| standings.may_reach(user(n), 0)));
        assert!(!standings.may_reach(user(50), 1));
        assert!(standings.may_reach(user(7), 1), "who was reached already");
        assert!(standings.may_reach(user(50), DAY_US));
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused_and_changes_nothing() {
        let standings = Standings::new(80);
        let order = NumberOrder { status: Some("SLEEPY".to_owned()), ..NumberOrder::default() };
        assert!(standings.order(0, order, 0).unwrap_err().to_string().contains("status"));
        assert_eq!(standings.of(0).status, "CONNECTED");
    }
}
