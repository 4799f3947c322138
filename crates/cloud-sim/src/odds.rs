//! Fault profiles: how often things go wrong by themselves.

use std::str::FromStr;

use rand::rngs::SmallRng;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::faults::Fault;

/// Faults that come by themselves, without an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultProfile {
    /// Nothing goes wrong.
    #[default]
    None,
    /// What a large sender sees on an ordinary day.
    Realistic,
    /// A very bad day: several times as much of everything, with resets and bodies that are not JSON. A message
    /// still gets through in three attempts unless its user is undeliverable (three in 1,000).
    Harsh,
}

impl FromStr for FaultProfile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "realistic" => Ok(Self::Realistic),
            "harsh" => Ok(Self::Harsh),
            _ => Err(format!("`{text}` is no fault profile: use none, realistic or harsh")),
        }
    }
}

/// Probabilities of one profile; `user_*` per user, the receipts' per status, all others per attempt.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Odds {
    reset: f64,
    drop_response: f64,
    accept_then_500: f64,
    html: f64,
    slow: f64,
    throttle: f64,
    unavailable: f64,
    pub(crate) user_undeliverable: f64,
    pub(crate) duplicate: f64,
    pub(crate) reorder: f64,
    pub(crate) skip_delivered: f64,
}

impl Odds {
    pub(crate) fn of(profile: FaultProfile) -> Self {
        match profile {
            FaultProfile::None => Self::default(),
            FaultProfile::Realistic => Self {
                drop_response: 0.003,
                accept_then_500: 0.002,
                slow: 0.003,
                throttle: 0.005,
                user_undeliverable: 0.004,
                duplicate: 0.02,
                reorder: 0.05,
                skip_delivered: 0.05,
                ..Self::default()
            },
            FaultProfile::Harsh => Self {
                reset: 0.01,
                drop_response: 0.015,
                accept_then_500: 0.01,
                html: 0.01,
                slow: 0.02,
                throttle: 0.03,
                unavailable: 0.005,
                user_undeliverable: 0.003,
                duplicate: 0.15,
                reorder: 0.2,
                skip_delivered: 0.2,
            },
        }
    }

    /// The fault of one attempt, if any.
    pub(crate) fn throw(&self, dice: &mut SmallRng) -> Option<Fault> {
        let slow = Fault::Slow { ms: dice.random_range(300..=1500) };
        let table = [
            (self.reset, Fault::ResetBeforeRead),
            (self.drop_response, Fault::AcceptThenDropResponse),
            (self.accept_then_500, Fault::AcceptThen500),
            (self.html, Fault::OkWithHtml),
            (self.slow, slow),
            (self.throttle, Fault::Throttle),
            (self.unavailable, Fault::Error { code: 131016, http_status: 500 }),
        ];
        let mut left = fraction(dice);
        table.into_iter().find_map(|(odds, fault)| {
            left -= odds;
            (left < 0.0).then_some(fault)
        })
    }
}

/// An even draw from `[0, 1)`.
pub(crate) fn fraction(dice: &mut impl Rng) -> f64 {
    dice.random()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::{Purpose, dice};
    use crate::wa_id::WaId;

    fn users() -> impl Iterator<Item = WaId> {
        (0..20_000_u64).map(|n| (919_000_000_000 + n).to_string().parse().unwrap())
    }

    /// Whether this user is never served in three attempts, for reasons of transport or of an attempt alone.
    fn never_served(odds: &Odds, user: WaId) -> bool {
        (1..=3).all(|nth| {
            let fault = odds.throw(&mut dice(7, user, nth, Purpose::Fault));
            matches!(
                fault,
                Some(Fault::ResetBeforeRead | Fault::Throttle | Fault::Error { .. } | Fault::AsyncError { .. })
            )
        })
    }

    #[test]
    fn nothing_goes_wrong_in_the_profile_none() {
        let odds = Odds::of(FaultProfile::None);
        assert!(users().all(|user| odds.throw(&mut dice(7, user, 1, Purpose::Fault)).is_none()));
    }

    #[test]
    fn realistic_loses_about_three_answers_in_a_thousand() {
        let odds = Odds::of(FaultProfile::Realistic);
        let lost = users()
            .filter(|user| odds.throw(&mut dice(7, *user, 1, Purpose::Fault)) == Some(Fault::AcceptThenDropResponse))
            .count();
        assert!((30..=90).contains(&lost), "{lost} of 20000");
    }

    #[test]
    fn harsh_serves_nearly_everyone_within_three_attempts() {
        let odds = Odds::of(FaultProfile::Harsh);
        let missed = users().filter(|user| never_served(&odds, *user)).count();
        assert!(missed <= 10, "{missed} of 20000 were never served");
    }

    #[test]
    fn profiles_are_read_from_their_names() {
        assert_eq!("harsh".parse(), Ok(FaultProfile::Harsh));
        assert!("hard".parse::<FaultProfile>().unwrap_err().contains("none, realistic or harsh"));
    }
}
