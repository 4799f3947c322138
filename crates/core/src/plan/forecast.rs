//! Whether an audience fits a window, in numbers and in words.

use std::fmt;

use serde::Serialize;

use super::{
    Sender,
    slots::{self, Slots},
};
use crate::UnixMs;

/// What a window, a pool and an audience come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// How many recipients are to be reached.
    pub recipients: u64,
    /// How many numbers can send at all: with a rate, and with quota left today.
    pub numbers: usize,
    /// What these numbers send together at their paced rates, messages per second.
    pub messages_per_second: f64,
    /// The window's length in seconds.
    pub window_seconds: f64,
    /// How many messages fit the window.
    pub capacity: u64,
    /// The shortest window that holds all recipients, in seconds; `None` if today's quotas hold fewer
    /// however long it is.
    pub seconds_needed: Option<f64>,
    /// Recipients over capacity; `None` if there is no capacity.
    pub utilisation: Option<f64>,
}

impl Forecast {
    pub(super) fn of(recipients: u64, slots: &[Slots], window: slots::Ns) -> Self {
        let seconds = |ns: slots::Ns| ns.div_ceil(slots::MS) as f64 / 1000.0;
        let able: Vec<_> = slots.iter().filter(|s| s.quota > 0).collect();
        let capacity = slots::total_before(slots, window);
        Self {
            recipients,
            numbers: able.len(),
            messages_per_second: able.iter().map(|s| s.rate).sum(),
            window_seconds: seconds(window),
            capacity,
            seconds_needed: slots::shortest(slots, recipients).map(seconds),
            utilisation: (capacity > 0).then(|| recipients as f64 / capacity as f64),
        }
    }

    /// What is missing, if the recipients do not fit.
    pub fn shortage(&self) -> Option<Shortage> {
        (self.recipients > self.capacity).then(|| Shortage(self.clone()))
    }
}

/// The forecast for `recipients` over `senders` from `opens_at` to `closes_at`, each number paced at its
/// mps × `headroom`.
pub fn forecast(recipients: u64, senders: &[Sender], opens_at: UnixMs, closes_at: UnixMs, headroom: f64) -> Forecast {
    let slots: Vec<_> = senders.iter().map(|sender| Slots::of(sender, headroom)).collect();
    Forecast::of(recipients, &slots, slots::length(opens_at, closes_at))
}

/// How many messages fit from `opens_at` to `closes_at`, each number paced at its mps × `headroom` and
/// held to its quota.
pub fn capacity(senders: &[Sender], opens_at: UnixMs, closes_at: UnixMs, headroom: f64) -> u64 {
    forecast(0, senders, opens_at, closes_at, headroom).capacity
}

/// A forecast in which the recipients do not fit. Its text gives the arithmetic and the remedy.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortage(pub Forecast);

impl std::error::Error for Shortage {}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forecast = &self.0;
        let (recipients, numbers) =
            (counted(forecast.recipients, "recipient"), counted(forecast.numbers as u64, "number"));
        if forecast.numbers == 0 {
            return write!(f, "{recipients} and no number that can send today; add a number to the pool");
        }
        let (rate, window) = (decimal(forecast.messages_per_second / forecast.numbers as f64), forecast.window_seconds);
        let capacity = thousands(forecast.capacity);
        write!(f, "{recipients} do not fit: {numbers} × {rate}/s × {window:.1} s")?;
        match forecast.seconds_needed {
            Some(needed) => write!(
                f,
                " = {capacity}; widen the window to at least {:.1} s, or add {}",
                (needed * 10.0).ceil() / 10.0,
                counted(self.numbers_to_add(), "number"),
            ),
            None => write!(
                f,
                ", and no more than today's quotas, holds {capacity}; whatever the window, the quotas left today \
                 do not suffice: add a number, or wait for tomorrow's quota",
            ),
        }
    }
}

impl Shortage {
    /// How many numbers, each as able as the average of those there are, would make the rest fit.
    fn numbers_to_add(&self) -> u64 {
        let Forecast { recipients, capacity, numbers, .. } = self.0;
        let missing = (recipients - capacity) as f64;
        (missing / (capacity.max(1) as f64 / numbers as f64)).ceil() as u64
    }
}

pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// With at most one decimal, and none where it would be 0.
fn decimal(value: f64) -> String {
    format!("{value:.1}").trim_end_matches(".0").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(numbers: usize, mps: u32, quota: Option<u64>) -> Vec<Sender> {
        (1..=numbers).map(|n| Sender { id: n.to_string().parse().expect("an id"), mps, quota }).collect()
    }

    fn words(recipients: u64, senders: &[Sender], seconds: i64) -> String {
        let forecast = forecast(recipients, senders, 0, seconds * 1000, 0.9);
        forecast.shortage().map_or_else(|| "fits".to_owned(), |shortage| shortage.to_string())
    }

    #[test]
    fn a_shortage_gives_the_arithmetic_and_the_remedy() {
        assert_eq!(
            words(2000, &pool(3, 80, None), 5),
            "2,000 recipients do not fit: 3 numbers × 72/s × 5.0 s = 1,080; widen the window to at least 9.3 s, or \
             add 3 numbers"
        );
    }

    #[test]
    fn the_remedies_of_a_shortage_work() {
        assert_eq!(words(2000, &pool(3 + 3, 80, None), 5), "fits");
        assert_eq!(forecast(2000, &pool(3, 80, None), 0, 9300, 0.9).shortage(), None);
        assert!(forecast(2000, &pool(3, 80, None), 0, 9200, 0.9).shortage().is_some());
    }

    #[test]
    fn a_spent_quota_is_named_as_the_cause() {
        assert_eq!(
            words(2000, &pool(1, 80, Some(250)), 60),
            "2,000 recipients do not fit: 1 number × 72/s × 60.0 s, and no more than today's quotas, holds 250; \
             whatever the window, the quotas left today do not suffice: add a number, or wait for tomorrow's quota"
        );
        for senders in [pool(2, 80, Some(0)), pool(2, 0, None), vec![]] {
            let said = "1 recipient and no number that can send today; add a number to the pool";
            assert_eq!(words(1, &senders, 60), said);
        }
    }

    #[test]
    fn a_forecast_tells_how_full_the_window_is() {
        let forecast = forecast(540, &pool(3, 80, None), 0, 5000, 0.9);
        assert_eq!((forecast.capacity, forecast.utilisation), (1080, Some(0.5)));
        assert_eq!((forecast.messages_per_second, forecast.seconds_needed), (216.0, Some(2.487)));
        assert_eq!(capacity(&pool(3, 80, Some(100)), 0, 5000, 0.9), 300);
    }

    #[test]
    fn nobody_to_reach_fits_even_without_numbers() {
        assert_eq!(words(0, &[], 0), "fits");
    }
}
