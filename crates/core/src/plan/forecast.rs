//! Whether an audience fits a window, in numbers and in words.

use std::fmt;

use serde::Serialize;

use super::{
    Sender, Terms,
    slots::{self, MS, Ns, Slots},
    stagger,
};
use crate::{campaign::Jitter, window::Span};

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
    pub(super) fn of(recipients: u64, slots: &[Slots], window: Ns, step: Option<Ns>) -> Self {
        let able: Vec<_> = slots.iter().filter(|s| s.quota > 0).collect();
        let steps = step.map_or(u64::MAX, |step| stagger::fitting(window, step));
        let capacity = slots::total_before(slots, window).min(steps);
        let needed = slots::shortest(slots, recipients).map(|shortest| {
            let last = step.map_or(0, |step| step.saturating_mul(recipients.saturating_sub(1)).saturating_add(1));
            shortest.max(last)
        });
        Self {
            recipients,
            numbers: able.len(),
            messages_per_second: able.iter().map(|s| s.rate).sum(),
            window_seconds: seconds(window),
            capacity,
            seconds_needed: needed.map(seconds),
            utilisation: (capacity > 0).then(|| recipients as f64 / capacity as f64),
        }
    }
}

pub(super) fn seconds(ns: Ns) -> f64 {
    ns.div_ceil(MS) as f64 / 1000.0
}

fn step_of(terms: &Terms) -> Option<Span> {
    match terms.jitter {
        Jitter::Stagger { step } => Some(step),
        Jitter::Uniform | Jitter::FrontLoaded => None,
    }
}

/// The forecast for `recipients` over `senders`.
pub fn forecast(recipients: u64, senders: &[Sender], terms: &Terms) -> Forecast {
    let window = slots::length(terms.opens_at, terms.closes_at);
    Forecast::of(recipients, &slots::all(senders, terms.headroom), window, step_of(terms).map(slots::span))
}

/// All that keeps `recipients` from fitting; nothing if [`super::plan`] will place them all.
pub fn shortages(recipients: u64, senders: &[Sender], terms: &Terms) -> Vec<Shortage> {
    let forecast = forecast(recipients, senders, terms);
    let Some(step) = step_of(terms).filter(|_| forecast.seconds_needed.is_some() && forecast.numbers > 0) else {
        let fits = recipients <= forecast.capacity;
        return if fits { vec![] } else { vec![Shortage::Window(forecast)] };
    };
    let slots = slots::all(senders, terms.headroom);
    let shortest = stagger::shortest_step(&slots, recipients);
    let too_fast = shortest.is_none_or(|shortest| shortest > slots::span(step));
    let pace = too_fast.then(|| Shortage::Pace {
        forecast: forecast.clone(),
        step,
        shortest: shortest.map(|ns| ns as f64 / 1e9),
    });
    let window = slots::length(terms.opens_at, terms.closes_at);
    let too_many = recipients > stagger::fitting(window, slots::span(step));
    pace.into_iter().chain(too_many.then_some(Shortage::Steps { forecast, step })).collect()
}

/// Why the recipients do not fit. Its text gives the arithmetic and the remedy.
#[derive(Debug, Clone, PartialEq)]
pub enum Shortage {
    /// The numbers cannot send as many messages in the window.
    Window(Forecast),
    /// Quiet hours and blackout dates leave some of the recipients too little of the window.
    Hours {
        /// What there is for them.
        forecast: Forecast,
        /// The shortest window that would hold them, if all that is added is open to them, in seconds; `None` if none.
        window_needed: Option<f64>,
    },
    /// A fixed step apart, as many messages take longer than the window.
    Steps {
        /// What there is.
        forecast: Forecast,
        /// The step.
        step: Span,
    },
    /// The numbers cannot follow as short a step.
    Pace {
        /// What there is.
        forecast: Forecast,
        /// The step.
        step: Span,
        /// The shortest step that they can follow, in seconds; `None` if today's quotas hold too few.
        shortest: Option<f64>,
    },
}

impl std::error::Error for Shortage {}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(forecast) => forecast.tell_shortage(f),
            Self::Hours { forecast, .. } => forecast.tell_hours(f),
            Self::Steps { forecast, step } => forecast.tell_steps(*step, f),
            Self::Pace { forecast, step, shortest } => forecast.tell_pace(*step, *shortest, f),
        }
    }
}

impl Shortage {
    /// What there is.
    pub fn forecast(&self) -> &Forecast {
        match self {
            Self::Window(forecast)
            | Self::Hours { forecast, .. }
            | Self::Steps { forecast, .. }
            | Self::Pace { forecast, .. } => forecast,
        }
    }

    /// The shortest window that holds all recipients, in seconds; `None` if none does.
    pub fn seconds_needed(&self) -> Option<f64> {
        match self {
            Self::Window(forecast) | Self::Steps { forecast, .. } => forecast.seconds_needed,
            Self::Hours { window_needed, .. } => *window_needed,
            Self::Pace { .. } => None,
        }
    }
}

impl Forecast {
    fn tell_shortage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (recipients, numbers) = (counted(self.recipients, "recipient"), counted(self.numbers as u64, "number"));
        if self.numbers == 0 {
            return write!(f, "{recipients} and no number that can send today; add a number to the pool");
        }
        let (rate, window) = (decimal(self.messages_per_second / self.numbers as f64), self.window_seconds);
        let capacity = thousands(self.capacity);
        write!(f, "{recipients} do not fit: {numbers} × {rate}/s × {window:.1} s")?;
        match self.seconds_needed {
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

    fn tell_hours(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (recipients, window) = (counted(self.recipients, "recipient"), self.window_seconds);
        let (numbers, capacity) = (counted(self.numbers as u64, "number"), thousands(self.capacity));
        let send = if self.numbers == 1 { "sends" } else { "send" };
        write!(
            f,
            "{recipients} do not fit: quiet hours, blackout dates or their own clocks leave them {window:.1} s, "
        )?;
        write!(f, "and {numbers} {send} {capacity} in that; widen it into hours that are open to them, or add numbers")
    }

    /// How many numbers, each as able as the average of those there are, would make the rest fit.
    fn numbers_to_add(&self) -> u64 {
        let missing = (self.recipients - self.capacity) as f64;
        (missing / (self.capacity.max(1) as f64 / self.numbers as f64)).ceil() as u64
    }

    fn tell_steps(&self, step: Span, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needed = self.seconds_needed.unwrap_or_default();
        let (recipients, window) = (counted(self.recipients, "recipient"), self.window_seconds);
        write!(f, "{recipients}, one each {step}, take {needed:.1} s, and the window has {window:.1} s; ")?;
        let widest = (window * 1000.0 - 1.0) / self.recipients.saturating_sub(1).max(1) as f64;
        if widest >= 1.0 {
            write!(f, "take a step of {:.0}ms at most, or ", widest.floor())?;
        }
        write!(f, "widen the window to at least {:.1} s", (needed * 10.0).ceil() / 10.0)
    }

    fn tell_pace(&self, step: Span, shortest: Option<f64>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = decimal(1000.0 / step.ms() as f64);
        write!(f, "one message each {step} is {asked}/s")?;
        let numbers = counted(self.numbers as u64, "number");
        let Some(shortest) = shortest else {
            return write!(f, ", and no number of {numbers} has a quota left today that holds the run; add a number");
        };
        let together = decimal(1.0 / shortest);
        let sends = if self.numbers == 1 { "sends" } else { "taking turns send" };
        let least = (shortest * 1000.0).ceil();
        write!(f, ", and {numbers} {sends} {together}/s; take a step of {least:.0}ms at least")?;
        write!(f, ", or add numbers")
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

    fn terms(seconds: f64, jitter: Jitter) -> Terms {
        Terms { opens_at: 0, closes_at: (seconds * 1000.0) as i64, headroom: 0.9, jitter, hours: vec![] }
    }

    fn uniform(seconds: f64) -> Terms {
        terms(seconds, Jitter::Uniform)
    }

    fn stagger(step: &str, seconds: f64) -> Terms {
        terms(seconds, Jitter::Stagger { step: step.parse().expect("a span") })
    }

    fn words(recipients: u64, senders: &[Sender], terms: &Terms) -> String {
        let told: Vec<_> = shortages(recipients, senders, terms).iter().map(ToString::to_string).collect();
        if told.is_empty() { "fits".to_owned() } else { told.join("\n") }
    }

    #[test]
    fn a_shortage_gives_the_arithmetic_and_the_remedy() {
        assert_eq!(
            words(2000, &pool(3, 80, None), &uniform(5.0)),
            "2,000 recipients do not fit: 3 numbers × 72/s × 5.0 s = 1,080; widen the window to at least 9.3 s, or \
             add 3 numbers"
        );
    }

    #[test]
    fn the_remedies_of_a_shortage_work() {
        assert_eq!(words(2000, &pool(3 + 3, 80, None), &uniform(5.0)), "fits");
        assert_eq!(words(2000, &pool(3, 80, None), &uniform(9.3)), "fits");
        assert_ne!(words(2000, &pool(3, 80, None), &uniform(9.2)), "fits");
    }

    #[test]
    fn a_step_that_does_not_fit_the_window_is_told_with_its_arithmetic() {
        let told = words(2000, &pool(3, 80, None), &stagger("50ms", 60.0));
        assert_eq!(
            told,
            "2,000 recipients, one each 50ms, take 100.0 s, and the window has 60.0 s; take a step of 30ms at most, \
             or widen the window to at least 100.0 s"
        );
        assert_eq!(words(2000, &pool(3, 80, None), &stagger("30ms", 60.0)), "fits");
        assert_eq!(words(2000, &pool(3, 80, None), &stagger("50ms", 100.0)), "fits");
        assert_ne!(words(2000, &pool(3, 80, None), &stagger("31ms", 60.0)), "fits");
    }

    #[test]
    fn a_step_that_the_numbers_cannot_follow_is_told_with_its_arithmetic() {
        assert_eq!(
            words(2000, &pool(2, 80, None), &stagger("5ms", 60.0)),
            "one message each 5ms is 200/s, and 2 numbers taking turns send 144/s; take a step of 7ms at least, or \
             add numbers"
        );
        assert_eq!(words(2000, &pool(2, 80, None), &stagger("7ms", 60.0)), "fits");
        assert_eq!(words(2000, &pool(3, 80, None), &stagger("5ms", 60.0)), "fits");
    }

    #[test]
    fn a_step_that_fits_neither_is_told_both() {
        let told = words(2000, &pool(1, 80, None), &stagger("5ms", 5.0));
        assert_eq!(told.lines().count(), 2, "{told}");
        let told = words(20, &[pool(1, 80, Some(19)), pool(1, 80, Some(10))].concat(), &stagger("50ms", 60.0));
        assert!(told.ends_with("no number of 2 numbers has a quota left today that holds the run; add a number"));
    }

    #[test]
    fn a_spent_quota_is_named_as_the_cause() {
        assert_eq!(
            words(2000, &pool(1, 80, Some(250)), &uniform(60.0)),
            "2,000 recipients do not fit: 1 number × 72/s × 60.0 s, and no more than today's quotas, holds 250; \
             whatever the window, the quotas left today do not suffice: add a number, or wait for tomorrow's quota"
        );
        for senders in [pool(2, 80, Some(0)), pool(2, 0, None), vec![]] {
            let said = "1 recipient and no number that can send today; add a number to the pool";
            assert_eq!(words(1, &senders, &uniform(60.0)), said);
            assert_eq!(words(1, &senders, &stagger("1s", 60.0)), said);
        }
    }

    #[test]
    fn a_forecast_tells_how_full_the_window_is() {
        let forecast = forecast(540, &pool(3, 80, None), &uniform(5.0));
        assert_eq!((forecast.capacity, forecast.utilisation), (1080, Some(0.5)));
        assert_eq!((forecast.messages_per_second, forecast.seconds_needed), (216.0, Some(2.487)));
    }

    #[test]
    fn nobody_to_reach_fits_even_without_numbers() {
        assert_eq!(words(0, &[], &uniform(0.0)), "fits");
    }
}
