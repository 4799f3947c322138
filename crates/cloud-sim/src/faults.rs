//! Faults to order and by chance: which one, if any, does this try of this user meet?

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::dice::{Purpose, dice};
use crate::error::SimError;
use crate::odds::{FaultProfile, Odds, fraction};
use crate::wa_id::WaId;

/// One thing that can go wrong with a call to send a message, or, [`Down`](Fault::Down), with all of the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The connection is reset and nothing happens: the message is not accepted.
    ResetBeforeRead,
    /// The message is accepted, then the connection is closed without an answer.
    AcceptThenDropResponse,
    /// The message is accepted, yet the answer is HTTP 500 with code 131000.
    #[serde(rename = "accept_then_500")]
    AcceptThen500,
    /// The message is accepted, yet the answer is an error: what Meta's codes 1 and 2 may mean.
    AcceptThenError {
        /// Meta's error code.
        code: u32,
        /// The HTTP status of the answer.
        #[serde(default = "bad_request")]
        http_status: u16,
    },
    /// The message is accepted, yet the answer is HTTP 200 with an HTML page.
    OkWithHtml,
    /// The message is accepted and the answer is held back.
    Slow {
        /// How long, in milliseconds.
        ms: u64,
    },
    /// The message is accepted and the answer's headers come at once, its bytes a few at a time.
    SlowBytes {
        /// Until the last of them is there, in milliseconds.
        ms: u64,
    },
    /// Refused with 130429, as if the number's throughput were used up.
    Throttle,
    /// Refused.
    Error {
        /// Meta's error code.
        code: u32,
        /// The HTTP status of the answer.
        #[serde(default = "bad_request")]
        http_status: u16,
    },
    /// Accepted, then a `failed` webhook with 131026.
    Undeliverable,
    /// Accepted, then a `failed` webhook.
    AsyncError {
        /// Meta's error code.
        code: u32,
    },
    /// Accepted, then `delivered`, and after it a `failed` webhook for the same message.
    DeliveredThenFailed {
        /// Meta's error code.
        code: u32,
    },
    /// The whole simulator is away from the moment of the order on, at most until another order: new connections are
    /// refused, those for its own calls under `/_sim/` included, and calls on open ones are reset. What is being answered
    /// at that moment was accepted, and its answer is lost. Webhooks go on. Takes neither `match` nor `times` nor
    /// `probability`.
    Down {
        /// For how long, in milliseconds.
        #[serde(default = "two_seconds")]
        ms: u64,
    },
}

fn two_seconds() -> u64 {
    2_000
}

fn bad_request() -> u16 {
    400
}

/// Which calls an ordered fault is for; what is absent matches anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultMatch {
    /// The recipient.
    #[serde(default)]
    pub phone: Option<WaId>,
    /// The sending number's id.
    #[serde(default)]
    pub number: Option<String>,
    /// Only the recipient's Nth try, counted from 1 over all numbers.
    #[serde(default)]
    pub attempts_matching: Option<u32>,
}

/// A fault to order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Which calls it is for.
    #[serde(rename = "match", default)]
    pub matches: FaultMatch,
    /// What happens to them.
    pub fault: Fault,
    /// How often at most; `None` is always.
    #[serde(default)]
    pub times: Option<u32>,
    /// With which probability; `None` is 1.
    #[serde(default)]
    pub probability: Option<f64>,
}

impl FaultRule {
    /// The fault for every call, without limit.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { matches: FaultMatch::default(), fault, times: None, probability: None }
    }

    /// Whether it is for the whole simulator.
    pub(crate) fn is_down(&self) -> bool {
        matches!(self.fault, Fault::Down { .. })
    }

    fn is_for_all(&self) -> bool {
        let FaultMatch { phone, number, attempts_matching } = &self.matches;
        let narrowed = phone.is_some() || number.is_some() || attempts_matching.is_some();
        !narrowed && self.times.is_none() && self.probability.is_none()
    }
}

/// The form of `/_sim/faults`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultOrder {
    /// The first rule that matches a call decides; without one the profile does.
    pub faults: Vec<FaultRule>,
}

/// One try of one user, as the rules see it.
pub(crate) struct Try<'a> {
    pub(crate) user: WaId,
    pub(crate) number: &'a str,
    /// Counted from 1.
    pub(crate) nth: u32,
}

/// The ordered rules and the profile's odds.
pub(crate) struct Faults {
    seed: u64,
    odds: Odds,
    rules: RwLock<Vec<Standing>>,
    /// Those of a scenario's steps, by the place of the step; what began last comes first.
    steps: RwLock<Vec<(usize, Standing)>>,
    /// Until when the simulator is away.
    away: watch::Sender<Option<Instant>>,
}

/// Whether the simulator is away now, being so until this time.
pub(crate) fn is_away(until: &Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() < until)
}

/// The steps of a scenario throw dice of their own.
const STEP_DICE: usize = 1 << 16;

/// A rule and how often it struck.
struct Standing {
    rule: FaultRule,
    struck: AtomicU32,
}

impl Faults {
    pub(crate) fn new(profile: FaultProfile, seed: u64) -> Self {
        let away = watch::Sender::default();
        Self { seed, odds: Odds::of(profile), rules: RwLock::default(), steps: RwLock::default(), away }
    }

    /// Replaces the ordered rules, if every one makes sense.
    pub(crate) fn order(&self, order: FaultOrder, is_number: impl Fn(&str) -> bool) -> Result<(), SimError> {
        for (place, rule) in order.faults.iter().enumerate() {
            validate(rule, &is_number).map_err(|reason| SimError::Faults(format!("faults[{place}].{reason}")))?;
        }
        let away = order.faults.iter().find_map(|rule| match rule.fault {
            Fault::Down { ms } => Some(Instant::now() + Duration::from_millis(ms)),
            _ => None,
        });
        self.away.send_replace(away);
        let standing = order.faults.into_iter().map(Standing::new).collect();
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = standing;
        Ok(())
    }

    /// A step of a scenario brings a rule into force.
    pub(crate) fn begin(&self, step: usize, rule: FaultRule) {
        let mut steps = self.steps.write().unwrap_or_else(PoisonError::into_inner);
        steps.insert(0, (step, Standing::new(rule)));
    }

    /// The step is over.
    pub(crate) fn end(&self, step: usize) {
        self.steps.write().unwrap_or_else(PoisonError::into_inner).retain(|(place, _)| *place != step);
    }

    /// The simulator goes away, for as long as is given or as the fault says.
    pub(crate) fn go_down(&self, fault: Fault, span: Option<Duration>) {
        let Fault::Down { ms } = fault else { return };
        self.away.send_replace(Some(Instant::now() + span.unwrap_or(Duration::from_millis(ms))));
    }

    /// The simulator is there again.
    pub(crate) fn come_back(&self) {
        self.away.send_replace(None);
    }

    /// Whether the simulator is away.
    pub(crate) fn is_down(&self) -> bool {
        is_away(&self.away.borrow())
    }

    /// Until when the simulator is away, as it is ordered.
    pub(crate) fn away(&self) -> watch::Receiver<Option<Instant>> {
        self.away.subscribe()
    }

    /// The rules in force, `times` being what is left of it.
    pub(crate) fn standing(&self) -> FaultOrder {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        let left = |standing: &Standing| FaultRule {
            times: standing.rule.times.map(|times| times.saturating_sub(standing.struck.load(Ordering::Relaxed))),
            ..standing.rule.clone()
        };
        FaultOrder { faults: rules.iter().map(left).collect() }
    }

    /// The fault that this try meets.
    pub(crate) fn decide(&self, attempt: &Try<'_>) -> Option<Fault> {
        let steps = self.steps.read().unwrap_or_else(PoisonError::into_inner);
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        let of_steps = steps.iter().map(|(place, standing)| (STEP_DICE + place, standing));
        let decisive = of_steps.chain(rules.iter().enumerate()).find(|(place, standing)| {
            !standing.rule.is_down()
                && standing.rule.matches.fits(attempt)
                && self.strikes(*place, &standing.rule, attempt)
                && standing.spend()
        });
        match decisive {
            Some((_, standing)) => Some(standing.rule.fault),
            None => self.odds.throw(&mut dice(self.seed, attempt.user, attempt.nth, Purpose::Fault)),
        }
    }

    /// Whether the profile made this user one whom no message reaches.
    pub(crate) fn is_undeliverable(&self, user: WaId) -> bool {
        fraction(&mut dice(self.seed, user, 0, Purpose::User)) < self.odds.user_undeliverable
    }

    fn strikes(&self, place: usize, rule: &FaultRule, attempt: &Try<'_>) -> bool {
        rule.probability.is_none_or(|probability| {
            fraction(&mut dice(self.seed, attempt.user, attempt.nth, Purpose::Rule(place))) < probability
        })
    }
}

impl FaultMatch {
    fn fits(&self, attempt: &Try<'_>) -> bool {
        self.phone.is_none_or(|phone| phone == attempt.user)
            && self.number.as_ref().is_none_or(|number| number == attempt.number)
            && self.attempts_matching.is_none_or(|nth| nth == attempt.nth)
    }
}

impl Standing {
    fn new(rule: FaultRule) -> Self {
        Self { rule, struck: AtomicU32::new(0) }
    }

    /// Uses the rule once, unless it is used up. One atomic step: two calls cannot share the last use.
    fn spend(&self) -> bool {
        let times = self.rule.times.unwrap_or(u32::MAX);
        let more = |struck: u32| (struck < times).then(|| struck.saturating_add(1));
        self.struck.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

pub(crate) fn validate(rule: &FaultRule, is_number: impl Fn(&str) -> bool) -> Result<(), String> {
    if rule.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
        return Err("probability must be between 0 and 1".to_owned());
    }
    if rule.matches.attempts_matching == Some(0) {
        return Err("match.attempts_matching counts from 1".to_owned());
    }
    if let Some(number) = rule.matches.number.as_ref().filter(|number| !is_number(number)) {
        return Err(format!(
            "match.number `{number}` is not a number of this simulator: they count up from 100000000000001"
        ));
    }
    match rule.fault {
        Fault::Down { .. } if !rule.is_for_all() => {
            Err("fault `down` is for all calls: leave out match, times and probability".to_owned())
        }
        Fault::Error { http_status, .. } | Fault::AcceptThenError { http_status, .. }
            if !(400..=599).contains(&http_status) =>
        {
            Err("fault.http_status must be between 400 and 599".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Faults {
        let faults = Faults::new(FaultProfile::None, 7);
        faults.order(serde_json::from_str(json).unwrap(), |number| number == "100").unwrap();
        faults
    }

    fn decide(faults: &Faults, phone: &str, nth: u32) -> Option<Fault> {
        faults.decide(&Try { user: phone.parse().unwrap(), number: "100", nth })
    }

    fn refused(json: &str) -> String {
        let order = serde_json::from_str(json).unwrap();
        Faults::new(FaultProfile::None, 7).order(order, |number| number == "100").unwrap_err().to_string()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let faults = faults(
            r#"{"faults":[{"match":{"phone":"+919000000001"},"fault":{"kind":"throttle"}},
                          {"match":{"attempts_matching":2},"fault":{"kind":"slow","ms":5}}]}"#,
        );
        assert_eq!(decide(&faults, "919000000001", 2), Some(Fault::Throttle));
        assert_eq!(decide(&faults, "919000000002", 2), Some(Fault::Slow { ms: 5 }));
        assert_eq!(decide(&faults, "919000000002", 1), None);
    }

    #[test]
    fn a_rule_that_is_used_up_gives_way_to_the_next() {
        let faults = faults(
            r#"{"faults":[{"fault":{"kind":"accept_then_500"},"times":2},
                          {"fault":{"kind":"error","code":131016}}]}"#,
        );
        let met: Vec<_> = (1..=3).map(|nth| decide(&faults, "919000000001", nth)).collect();
        let error = Fault::Error { code: 131016, http_status: 400 };
        assert_eq!(met, [Some(Fault::AcceptThen500), Some(Fault::AcceptThen500), Some(error)]);
        assert_eq!(faults.standing().faults[0].times, Some(0));
    }

    #[test]
    fn chance_depends_on_user_and_try_alone() {
        let json = r#"{"faults":[{"fault":{"kind":"throttle"},"probability":0.5}]}"#;
        let throws = |faults: &Faults, order: &mut dyn Iterator<Item = u32>| -> Vec<_> {
            let mut met: Vec<_> = order.map(|nth| (nth, decide(faults, "919000000001", nth))).collect();
            met.sort_by_key(|(nth, _)| *nth);
            met
        };
        let forward = throws(&faults(json), &mut (1..=64));
        assert_eq!(forward, throws(&faults(json), &mut (1..=64).rev()));
        let struck = forward.iter().filter(|(_, fault)| fault.is_some()).count();
        assert!((16..=48).contains(&struck), "{struck} of 64");
    }

    #[test]
    fn about_one_user_in_two_hundred_is_undeliverable_and_stays_so() {
        let faults = Faults::new(FaultProfile::Harsh, 7);
        let user = |n: u64| (919_000_000_000 + n).to_string().parse().unwrap();
        let doomed: Vec<_> = (0..10_000).filter(|n| faults.is_undeliverable(user(*n))).collect();
        assert!((25..=75).contains(&doomed.len()), "{} of 10000", doomed.len());
        assert!(doomed.iter().all(|n| faults.is_undeliverable(user(*n))));
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused_by_field() {
        let rule = |rest: &str| format!(r#"{{"faults":[{{"fault":{{"kind":"throttle"}},{rest}}}]}}"#);
        assert!(refused(&rule(r#""probability":2"#)).contains("faults[0].probability"));
        assert!(refused(&rule(r#""match":{"number":"1"}"#)).contains("faults[0].match.number `1`"));
        assert!(refused(&rule(r#""match":{"attempts_matching":0}"#)).contains("attempts_matching"));
        let status = r#"{"faults":[{"fault":{"kind":"error","code":1,"http_status":200}}]}"#;
        assert!(refused(status).contains("fault.http_status"));
        let narrow = r#"{"faults":[{"fault":{"kind":"down","ms":5},"times":1}]}"#;
        assert!(refused(narrow).contains("faults[0].fault `down` is for all calls"));
    }
}
