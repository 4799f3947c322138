//! What Meta withholds from a person, over runs: marketing that it does not bring (131049; 130472, an experiment), and
//! messages that cannot be delivered at all (131026). A run is minutes and such a wait is days, so a refusal is final for
//! its own run and kept for those that follow. It says nothing against the number that sent the message.

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

use super::Scope;
use crate::{UnixMs, report::DropReason, verdict::Verdict};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long marketing waits after a first, second and third refusal, and after each that follows (Meta: not again within
/// 24 hours, then with growing gaps).
const GAPS_MS: [i64; 3] = [DAY_MS, 3 * DAY_MS, 7 * DAY_MS];
/// Who is in an experiment of Meta's is sent no marketing for so long: it does not say how long one lasts.
const EXPERIMENT_MS: i64 = 7 * DAY_MS;
/// Refusals are forgotten after this.
const KEPT_MS: i64 = 30 * DAY_MS;
/// Nothing is sent to whom nothing was delivered on so many different days.
const STRIKES: u8 = 2;

/// Marketing withheld to protect engagement (Meta: error codes).
const PER_USER: u32 = 131_049;
/// The user is in a group of an experiment that gets no marketing (Meta: error codes).
const EXPERIMENT: u32 = 130_472;
/// Not a WhatsApp user, terms not accepted, or a client too old (Meta: error codes).
const UNDELIVERABLE: u32 = 131_026;

/// What was told of a message to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Marketing was withheld, with this code.
    Marketing(u32),
    /// It cannot be delivered.
    Undeliverable,
    /// It was delivered.
    Delivered {
        /// It was marketing.
        marketing: bool,
    },
}

impl Told {
    /// What a failure with this code tells of its recipient; none for codes that tell nothing of the days to come.
    pub fn of_code(code: u32) -> Option<Self> {
        match code {
            PER_USER | EXPERIMENT => Some(Self::Marketing(code)),
            UNDELIVERABLE => Some(Self::Undeliverable),
            _ => None,
        }
    }
}

/// Whether a failure with this code is one that another run may mend, once the wait is over.
pub fn is_wait(code: u32) -> bool {
    matches!(Told::of_code(code), Some(Told::Marketing(_))) || code == Verdict::Withheld.code()
}

/// Marketing waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Meta's code.
    pub code: u32,
    /// How often it was withheld; messages that were refused while it waited count once.
    pub times: u8,
    /// When it was last withheld.
    pub at: UnixMs,
    /// Not before this moment.
    pub until: UnixMs,
}

/// Nothing could be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strikes {
    /// On how many different days.
    pub days: u8,
    /// When last.
    pub at: UnixMs,
}

/// What is kept of one person; never without anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Withheld {
    /// Marketing waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing: Option<Wait>,
    /// Nothing could be delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undeliverable: Option<Strikes>,
}

fn gap(times: u8) -> i64 {
    GAPS_MS[usize::from(times).clamp(1, GAPS_MS.len()) - 1]
}

impl Wait {
    /// After a refusal at `at`. One that is told twice changes nothing, whatever came in between.
    fn after(known: Option<Self>, code: u32, at: UnixMs) -> Self {
        let known = known.filter(|known| at - known.at < KEPT_MS);
        if let Some(known) = known.filter(|known| at <= known.at) {
            return known;
        }
        let (before, until) = known.map_or((0, at), |known| (known.times, known.until));
        if code == EXPERIMENT {
            return Self { code, times: before, at, until: until.max(at + EXPERIMENT_MS) };
        }
        // *A message that was begun before the wait was known* is no further refusal.
        let times = if at < until { before.max(1) } else { (before + 1).min(GAPS_MS.len() as u8) };
        Self { code, times, at, until: until.max(at + gap(times)) }
    }

    fn forgotten_at(&self) -> UnixMs {
        self.until.max(self.at + KEPT_MS)
    }
}

impl Strikes {
    /// After a failure at `at`. Those of one day (UTC) count once: one that is told twice changes nothing, unless a later one
    /// was told in between, and then no more than how long is known already.
    fn after(known: Option<Self>, at: UnixMs) -> Self {
        let Some(known) = known.filter(|known| at - known.at < KEPT_MS) else { return Self { days: 1, at } };
        let same_day = at.div_euclid(DAY_MS) == known.at.div_euclid(DAY_MS);
        let days = if same_day { known.days } else { (known.days + 1).min(STRIKES) };
        Self { days, at: known.at.max(at) }
    }

    fn until(&self) -> Option<UnixMs> {
        (self.days >= STRIKES).then_some(self.at + KEPT_MS)
    }
}

fn day(at: UnixMs) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Withheld {
    /// What is kept after `told`, which happened at `at`; none when nothing is. `known` is what was before.
    pub fn after(known: Option<Self>, told: Told, at: UnixMs) -> Option<Self> {
        let mut kept = known.unwrap_or_default();
        match told {
            Told::Marketing(code) => kept.marketing = Some(Wait::after(kept.marketing, code, at)),
            Told::Undeliverable => kept.undeliverable = Some(Strikes::after(kept.undeliverable, at)),
            Told::Delivered { marketing } => {
                // What was delivered before the refusal lifts nothing: receipts come in any order.
                kept.marketing = kept.marketing.filter(|wait| !marketing || wait.at >= at);
                kept.undeliverable = kept.undeliverable.filter(|strikes| strikes.at >= at);
            }
        }
        (kept != Self::default()).then_some(kept)
    }

    /// What is left when a person lifts what holds for `scope`, or everything; none when nothing is.
    pub fn lifted(mut self, scope: Option<Scope>) -> Option<Self> {
        match scope {
            None => return None,
            Some(Scope::Marketing) => self.marketing = None,
            Some(Scope::All) => self.undeliverable = None,
            Some(_) => {}
        }
        (self != Self::default()).then_some(self)
    }

    /// From when on it tells nothing any more.
    pub fn forgotten_at(&self) -> UnixMs {
        let marketing = self.marketing.map(|wait| wait.forgotten_at());
        let undeliverable = self.undeliverable.map(|strikes| strikes.at + KEPT_MS);
        marketing.max(undeliverable).unwrap_or_default()
    }

    /// What is waited for at `now`: each with the kind of messages that it holds back, until when, and in which words.
    pub fn waits(&self, now: UnixMs) -> impl Iterator<Item = (Scope, UnixMs, String)> {
        let undeliverable = self.undeliverable.and_then(|strikes| {
            let (days, until) = (strikes.days, strikes.until()?);
            let words = format!("nothing could be delivered on {days} different days; not before {}", day(until));
            Some((Scope::All, until, words))
        });
        let marketing = self.marketing.map(|wait| {
            let why = match wait.code {
                EXPERIMENT => "Meta withholds marketing from this recipient for an experiment",
                _ => "Meta withheld marketing from this recipient",
            };
            (Scope::Marketing, wait.until, format!("{why}; not before {}", day(wait.until)))
        });
        undeliverable.into_iter().chain(marketing).filter(move |(_, until, _)| *until > now)
    }

    /// Why no message of `scope` is sent at `now`, and in which words; none when one may be.
    pub fn refuses(&self, scope: Scope, now: UnixMs) -> Option<(DropReason, String)> {
        let (held, _, words) = self.waits(now).find(|(held, _, _)| held.covers(scope))?;
        let reason = if held == Scope::All { DropReason::Undeliverable } else { DropReason::Withheld };
        Some((reason, words))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-28, 09:00 UTC.
    const NINE: UnixMs = 1_795_856_400_000;
    const WITHHELD: Told = Told::Marketing(PER_USER);

    fn after(told: &[(Told, UnixMs)]) -> Option<Withheld> {
        told.iter().fold(None, |known, (told, at)| Withheld::after(known, *told, *at))
    }

    fn until(told: &[(Told, UnixMs)]) -> Option<UnixMs> {
        after(told)?.marketing.map(|wait| wait.until)
    }

    #[test]
    fn marketing_waits_a_day_then_three_then_seven_and_never_longer() {
        let (mut told, mut at) = (Vec::new(), NINE);
        for days in [1, 3, 7, 7] {
            told.push((WITHHELD, at));
            assert_eq!(until(&told), Some(at + days * DAY_MS));
            at += days * DAY_MS;
        }
        assert_eq!(until(&[(WITHHELD, NINE), (WITHHELD, NINE + KEPT_MS)]), Some(NINE + KEPT_MS + DAY_MS), "forgotten");
    }

    #[test]
    fn a_refusal_told_twice_or_heard_while_waiting_is_one() {
        let later = NINE + 60_000;
        assert_eq!(after(&[(WITHHELD, NINE), (WITHHELD, NINE)]), after(&[(WITHHELD, NINE)]));
        assert_eq!(until(&[(WITHHELD, NINE), (WITHHELD, later), (WITHHELD, NINE)]), Some(later + DAY_MS));
    }

    #[test]
    fn it_holds_marketing_alone_says_until_when_and_a_delivered_one_ends_it() {
        let known = after(&[(WITHHELD, NINE)]).expect("kept");
        let (reason, words) = known.refuses(Scope::Marketing, NINE + 1).expect("it waits");
        assert_eq!(reason, DropReason::Withheld);
        assert_eq!(words, "Meta withheld marketing from this recipient; not before 2026-11-29T09:00:00Z");
        assert_eq!(known.refuses(Scope::Utility, NINE + 1), None);
        assert_eq!(known.refuses(Scope::Marketing, NINE + DAY_MS), None);
        let delivered = |marketing, at| after(&[(WITHHELD, NINE), (Told::Delivered { marketing }, at)]);
        assert_eq!(delivered(true, NINE + 1), None);
        assert_eq!(delivered(false, NINE + 1), Some(known), "a utility message");
        assert_eq!(delivered(true, NINE - 1), Some(known), "told out of order");
    }

    #[test]
    fn an_experiment_holds_marketing_for_a_week_and_is_no_step() {
        let experiment = Told::Marketing(EXPERIMENT);
        assert_eq!(until(&[(experiment, NINE)]), Some(NINE + 7 * DAY_MS));
        let later = NINE + 8 * DAY_MS;
        assert_eq!(until(&[(experiment, NINE), (WITHHELD, later)]), Some(later + DAY_MS));
    }

    #[test]
    fn nothing_goes_to_whom_nothing_was_delivered_on_two_days_until_something_is() {
        let strike = Told::Undeliverable;
        let held = |told: &[(Told, UnixMs)]| {
            after(told).and_then(|known| known.refuses(Scope::Utility, NINE + 2 * DAY_MS)).map(|(reason, _)| reason)
        };
        assert_eq!(held(&[(strike, NINE), (strike, NINE + 3_600_000)]), None, "one day");
        let struck = [(strike, NINE), (strike, NINE + DAY_MS)];
        assert_eq!(held(&struck), Some(DropReason::Undeliverable));
        assert_eq!(held(&[struck[0], struck[1], struck[0]]), held(&struck), "told twice");
        let known = after(&struck).expect("kept");
        assert_eq!(known.refuses(Scope::Authentication, NINE + 31 * DAY_MS), None);
        let arrived = Told::Delivered { marketing: false };
        assert_eq!(after(&[struck[0], struck[1], (arrived, NINE + 2 * DAY_MS)]), None);
        assert_eq!(held(&[struck[0], (strike, NINE + 31 * DAY_MS)]), None, "forgotten");
    }

    #[test]
    fn a_person_lifts_one_or_all() {
        let both = after(&[(WITHHELD, NINE), (Told::Undeliverable, NINE)]).expect("kept");
        assert_eq!(both.lifted(None), None);
        assert!(both.lifted(Some(Scope::Marketing)).expect("strikes").marketing.is_none());
        assert!(both.lifted(Some(Scope::All)).expect("a wait").undeliverable.is_none());
        assert_eq!(both.lifted(Some(Scope::Utility)), Some(both));
    }

    proptest! {
        #[test]
        fn whoever_was_refused_waits_a_day_at_least_and_a_week_at_most(hours in prop::collection::vec(0_i64..400, 1..30)) {
            let (mut known, mut at) = (None, NINE);
            for step in hours {
                at += step * 3_600_000;
                known = Withheld::after(known, WITHHELD, at);
                let wait = known.and_then(|known| known.marketing).expect("it waits");
                prop_assert!((DAY_MS..=7 * DAY_MS).contains(&(wait.until - at)));
                prop_assert_eq!(Withheld::after(known, WITHHELD, at), known);
                prop_assert!(known.is_some_and(|known| known.forgotten_at() >= wait.until));
            }
        }
    }
}
