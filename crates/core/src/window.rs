//! The window: when sending may begin, when it should be done, and when it is too late.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    UnixMs,
    fault::{Faults, read::Node, word},
    quiet::QuietHours,
    schedule::read_date,
};

/// Units of a span, largest first, in milliseconds.
const UNITS: [(&str, i64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// The longest span that is believed: a year. Also keeps every sum far from overflow.
const LONGEST_MS: i64 = 366 * 24 * 3_600_000;

/// Why a text is not a span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSpan {
    /// Not numbers with units, largest unit first.
    #[error(
        "`{0}` is not a span of time: write numbers with units h, m, s or ms, largest first, such as `90s` or `4m30s`"
    )]
    Malformed(String),
    /// A sign where none makes sense.
    #[error("`{0}` has a sign, but this is a length and not a time before or after")]
    Signed(String),
    /// Longer than a year.
    #[error("`{0}` is longer than a year")]
    TooLong(String),
}

/// A length of time, such as `30s`; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(i64);

impl Span {
    /// A span of whole seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds as i64 * 1_000)
    }

    /// A span of milliseconds.
    pub const fn milliseconds(ms: u32) -> Self {
        Self(ms as i64)
    }

    /// Milliseconds.
    pub const fn ms(self) -> i64 {
        self.0
    }
}

/// A time before or after a moment, such as `-30s` or `+4m30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset(i64);

impl Offset {
    /// An offset of whole seconds; negative is before.
    pub const fn seconds(seconds: i32) -> Self {
        Self(seconds as i64 * 1_000)
    }

    /// Milliseconds; negative is before.
    pub const fn ms(self) -> i64 {
        self.0
    }
}

/// Reads `1h4m30s500ms`: every unit at most once, largest first.
fn parse_ms(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_len = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (_, ms) = units.find(|(unit, _)| *unit == &rest[..unit_len])?;
        total = total.checked_add(number.checked_mul(*ms)?)?;
        rest = &rest[unit_len..];
    }
    (!text.is_empty()).then_some(total)
}

fn parse_bounded(text: &str, given: &str) -> Result<i64, BadSpan> {
    match parse_ms(text) {
        None => Err(BadSpan::Malformed(given.to_owned())),
        Some(ms) if ms > LONGEST_MS => Err(BadSpan::TooLong(given.to_owned())),
        Some(ms) => Ok(ms),
    }
}

fn write_ms(f: &mut fmt::Formatter<'_>, mut ms: i64) -> fmt::Result {
    if ms == 0 {
        return f.write_str("0s");
    }
    for (unit, size) in UNITS {
        if ms >= size {
            write!(f, "{}{unit}", ms / size)?;
            ms %= size;
        }
    }
    Ok(())
}

impl FromStr for Span {
    type Err = BadSpan;
    fn from_str(text: &str) -> Result<Self, BadSpan> {
        if text.starts_with(['+', '-']) {
            return Err(BadSpan::Signed(text.to_owned()));
        }
        parse_bounded(text, text).map(Self)
    }
}

impl FromStr for Offset {
    type Err = BadSpan;
    fn from_str(text: &str) -> Result<Self, BadSpan> {
        match text.strip_prefix('-') {
            Some(before) => parse_bounded(before, text).map(|ms| Self(-ms)),
            None => parse_bounded(text.strip_prefix('+').unwrap_or(text), text).map(Self),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ms(f, self.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 < 0 { "-" } else { "+" })?;
        write_ms(f, self.0.abs())
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = BadSpan;
            fn try_from(text: String) -> Result<Self, BadSpan> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(span: $name) -> String {
                span.to_string()
            }
        }
    };
}
as_text!(Span);
as_text!(Offset);

word! {
    /// What becomes of a delivery that is still unsent at the deadline.
    pub enum Late {
        /// It is dropped as `expired`.
        Expire = "expire",
        /// It is sent all the same, and counts as late.
        Send = "send",
    }
}

/// The window of a campaign, as offsets from the scheduled moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// When the first message may go out.
    pub opens: Offset,
    /// When the last planned message should have gone out.
    pub closes: Offset,
    /// By when a delivery must have come as far as the SLA asks.
    pub deadline: Offset,
    /// What becomes of what misses the deadline.
    pub late: Late,
    /// When a recipient is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// On which dates of the schedule's calendar nothing goes out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blackout: Vec<NaiveDate>,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            opens: Offset::seconds(-30),
            closes: Offset::seconds(270),
            deadline: Offset::seconds(300),
            late: Late::Expire,
            quiet_hours: None,
            blackout: Vec::new(),
        }
    }
}

/// A window fixed to the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// When the first message may go out.
    pub opens_at: UnixMs,
    /// When the last planned message should have gone out.
    pub closes_at: UnixMs,
    /// By when a delivery must have come as far as the SLA asks.
    pub deadline_at: UnixMs,
}

impl Window {
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        let default = Self::default();
        node.object(|fields| {
            let opens = fields.or("opens", default.opens, Node::parse);
            let closes = fields.or("closes", default.closes, Node::parse);
            let deadline = fields.or("deadline", default.deadline, Node::parse);
            let late = fields.or("late", default.late, Node::parse);
            let quiet_hours = fields.maybe("quiet_hours", QuietHours::read);
            let blackout = fields.or("blackout", default.blackout, |node| node.list(read_date));
            Some(Self {
                opens: opens?,
                closes: closes?,
                deadline: deadline?,
                late: late?,
                quiet_hours: quiet_hours?,
                blackout: blackout?,
            })
        })
    }

    /// The window around `instant`, which never opens before the campaign was accepted.
    pub fn around(&self, instant: UnixMs, accepted_at: UnixMs) -> Opening {
        Opening {
            opens_at: (instant + self.opens.ms()).max(accepted_at),
            closes_at: instant + self.closes.ms(),
            deadline_at: instant + self.deadline.ms(),
        }
    }

    /// Whether the offsets stand in order, and whether the window around `instant` is still ahead at `now`.
    pub fn check(&self, instant: UnixMs, now: UnixMs) -> Faults {
        let mut faults = Faults::new();
        if self.opens >= self.closes {
            let detail =
                format!("closes at {}, but opens at {}: it must close later than it opens.", self.closes, self.opens);
            faults.add("/window/closes", detail);
        } else if self.around(instant, now).closes_at <= now {
            let detail = format!("{} has passed already: close later, or schedule a later time.", self.closes);
            faults.add("/window/closes", detail);
        }
        if self.deadline < self.closes {
            let detail =
                format!("{} is before the window closes at {}: make it that or later.", self.deadline, self.closes);
            faults.add("/window/deadline", detail);
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIX: UnixMs = 1_795_393_800_000;

    fn window(opens: &str, closes: &str, deadline: &str) -> Window {
        let offset = |text: &str| text.parse().expect("an offset");
        Window { opens: offset(opens), closes: offset(closes), deadline: offset(deadline), ..Window::default() }
    }

    fn check(window: Window) -> Vec<String> {
        window.check(SIX, SIX - 60_000).iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn spans_are_read_in_every_unit() {
        for (text, ms) in [("90s", 90_000), ("500ms", 500), ("1h", 3_600_000), ("1m1ms", 60_001), ("0s", 0)] {
            assert_eq!(text.parse::<Span>().map(Span::ms), Ok(ms), "{text}");
            assert_eq!(format!("-{text}").parse::<Offset>().map(Offset::ms), Ok(-ms), "-{text}");
        }
        assert_eq!("90s".parse::<Offset>(), "+1m30s".parse::<Offset>());
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "+", "5", "s", "5 s", "1.5s", "5x", "30s1m", "1s1s", "--5s", "99999999999999999999s", "5µs"] {
            assert!(matches!(text.parse::<Offset>(), Err(BadSpan::Malformed(_))), "{text}");
        }
        assert_eq!("+5s".parse::<Span>(), Err(BadSpan::Signed("+5s".to_owned())));
        assert_eq!("8785h".parse::<Span>(), Err(BadSpan::TooLong("8785h".to_owned())));
    }

    #[test]
    fn the_usual_window_is_written_as_documented() {
        let json = r#"{"opens":"-30s","closes":"+4m30s","deadline":"+5m","late":"expire"}"#;
        assert_eq!(serde_json::to_string(&Window::default()).expect("JSON"), json);
    }

    #[test]
    fn a_window_does_not_open_before_it_was_asked_for() {
        let usual = Window::default();
        assert_eq!(usual.around(SIX, SIX - 60_000).opens_at, SIX - 30_000);
        let now = usual.around(SIX, SIX);
        assert_eq!(now, Opening { opens_at: SIX, closes_at: SIX + 270_000, deadline_at: SIX + 300_000 });
    }

    #[test]
    fn a_window_out_of_order_is_a_fault() {
        assert!(check(window("-30s", "+5m", "+5m")).is_empty());
        assert_eq!(check(window("+5m", "+5m", "+6m")), ["/window/closes"]);
        assert_eq!(check(window("-30s", "+5m", "+4m59s")), ["/window/deadline"]);
        assert_eq!(check(window("+5m", "+1m", "+30s")), ["/window/closes", "/window/deadline"]);
    }

    #[test]
    fn a_window_that_has_closed_already_is_a_fault() {
        assert!(check(window("-2m", "-59s", "+0s")).is_empty());
        assert_eq!(check(window("-2m", "-1m", "+0s")), ["/window/closes"]);
    }

    proptest! {
        #[test]
        fn a_span_reads_back_as_written(ms in 0..=LONGEST_MS) {
            prop_assert_eq!(Span(ms).to_string().parse(), Ok(Span(ms)));
            for offset in [Offset(ms), Offset(-ms)] {
                prop_assert_eq!(offset.to_string().parse(), Ok(offset));
            }
        }

        #[test]
        fn no_text_makes_parsing_panic(text in "\\PC{0,20}|[-+0-9hms]{0,30}") {
            let _ = (text.parse::<Span>(), text.parse::<Offset>());
        }
    }
}
