//! What Meta would refuse, found before anything is sent.

mod violation;

use std::collections::HashMap;
use std::ops::RangeInclusive;

pub use violation::{InvalidMessage, Violation};

/// Gathers violations, and knows where in the request body it is.
#[derive(Default)]
pub(super) struct Checks {
    path: String,
    violations: Vec<Violation>,
}

impl Checks {
    pub(super) fn finish(self) -> Result<(), InvalidMessage> {
        if self.violations.is_empty() { Ok(()) } else { Err(InvalidMessage { violations: self.violations }) }
    }

    /// Goes into a field for as long as `check` runs.
    pub(super) fn within(&mut self, field: &str, check: impl FnOnce(&mut Self)) {
        let outside = self.path.len();
        self.path = self.place(field);
        check(self);
        self.path.truncate(outside);
    }

    /// Goes into each item of a list in turn.
    pub(super) fn each<T>(&mut self, field: &str, items: &[T], mut check: impl FnMut(&mut Self, &T)) {
        for (nth, item) in items.iter().enumerate() {
            self.within(&format!("{field}[{nth}]"), |checks| check(checks, item));
        }
    }

    /// `limit` goes on from "give", `given` from "not". An empty `field` is the place itself.
    pub(super) fn refuse(&mut self, field: &str, limit: impl Into<String>, given: impl Into<String>) {
        self.violations.push(Violation { field: self.place(field), limit: limit.into(), given: given.into() });
    }

    pub(super) fn chars(&mut self, field: &str, text: &str, limit: RangeInclusive<usize>) {
        self.count(field, text.chars().count(), limit, "character");
    }

    /// A text that may be left out, but is not empty where it is given.
    pub(super) fn optional(&mut self, field: &str, text: Option<&str>, most: usize) {
        if let Some(text) = text {
            self.chars(field, text, 1..=most);
        }
    }

    /// A text of any length that says something.
    pub(super) fn filled(&mut self, field: &str, text: &str) {
        if text.trim().is_empty() {
            self.refuse(field, "at least 1 character", "nothing");
        }
    }

    /// The same of a text that may be left out.
    pub(super) fn filled_if_given(&mut self, field: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.filled(field, text);
        }
    }

    /// A list that holds something.
    pub(super) fn some(&mut self, field: &str, given: usize, unit: &str) {
        if given == 0 {
            self.refuse(field, format!("at least 1 {unit}"), "none");
        }
    }

    pub(super) fn count(&mut self, field: &str, given: usize, limit: RangeInclusive<usize>, unit: &str) {
        if limit.contains(&given) {
            return;
        }
        let units = |count: usize| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
        let (least, most) = limit.into_inner();
        let limit = match least {
            0 => format!("up to {}", units(most)),
            _ if least == most => units(most),
            _ => format!("{least} to {}", units(most)),
        };
        self.refuse(field, limit, units(given));
    }

    pub(super) fn link(&mut self, field: &str, url: &str) {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(char::is_whitespace)) {
            self.refuse(field, "an address that begins with https:// or http:// and has no spaces", "another text");
        }
    }

    pub(super) fn degrees(&mut self, field: &str, text: &str, most: u8) {
        if !text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= f64::from(most)) {
            self.refuse(field, format!("-{most} to {most} as a decimal number"), "another text");
        }
    }

    /// No two alike: `texts` with the place of each, as it is written from here on.
    pub(super) fn distinct<'a>(&mut self, texts: impl IntoIterator<Item = (String, &'a str)>) {
        let mut first: HashMap<&str, String> = HashMap::new();
        for (field, text) in texts {
            if let Some(before) = first.get(text) {
                let given = format!("the same as `{}`", self.place(before));
                self.refuse(&field, "a text that no other has", given);
            } else {
                first.insert(text, field);
            }
        }
    }

    fn place(&self, field: &str) -> String {
        let joined = self.path.is_empty() || field.is_empty() || field.starts_with('[');
        let dot = if joined { "" } else { "." };
        format!("{}{dot}{field}", self.path)
    }
}
