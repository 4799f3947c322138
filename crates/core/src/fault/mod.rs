//! What is wrong with what someone gave us: every fault at once, each with its place and a remedy.

pub(crate) mod read;
mod word;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use word::UnknownWord;
pub(crate) use word::word;

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into what was given, such as `/schedule/timezone`; empty for the whole.
    pub pointer: String,
    /// What is wrong and what to do. Fit for the person who wrote the input.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            return f.write_str(&self.detail);
        }
        write!(f, "{}: {}", self.pointer, self.detail)
    }
}

/// All faults of one input, in the order they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// One fault: `detail` is wrong at `pointer`.
    pub fn one(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self(vec![Fault { pointer: pointer.into(), detail: detail.into() }])
    }

    /// Notes that `detail` is wrong at `pointer`.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault { pointer: pointer.into(), detail: detail.into() });
    }

    /// Takes over the faults that another check found.
    pub fn append(&mut self, others: Faults) {
        self.0.extend(others.0);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are wrong.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The faults in the order they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// `value` if nothing is wrong, else the faults.
    ///
    /// # Errors
    /// `self`, unless it is empty.
    pub fn into_result<T>(self, value: T) -> Result<T, Faults> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "\n" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A text longer than any name is no misspelt name, and comparing it would take long.
const LONGEST_NAME: usize = 100;

/// The candidate that `given` was most likely meant to be, if any is near enough to be worth naming.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > LONGEST_NAME {
        return None;
    }
    let given = given.to_lowercase();
    let tolerated = given.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&given, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ` Did you mean …?`, or nothing.
pub(crate) fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default()
}

/// The names as a sentence lists them: `` `a`, `b` ``.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_recognised() {
        assert_eq!(nearest("shedule", ["pool", "schedule", "message"]), Some("schedule"));
        assert_eq!(nearest("POOL", ["pool", "schedule"]), Some("pool"));
    }

    #[test]
    fn a_name_like_nothing_else_gets_no_suggestion() {
        assert_eq!(nearest("colour", ["pool", "schedule", "message"]), None);
        assert_eq!(nearest("", ["pool"]), None);
    }

    #[test]
    fn faults_are_written_one_to_a_line() {
        let mut faults = Faults::new();
        faults.add("/pool", "is missing");
        faults.add("", "is not JSON");
        assert_eq!(faults.to_string(), "/pool: is missing\nis not JSON");
        assert_eq!(faults.into_result(()).map_err(|faults| faults.len()), Err(2));
    }
}
