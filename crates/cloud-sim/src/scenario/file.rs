//! Reading a scenario: every mistake is named with its line and its place in the file, all of them at once.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::check;
use super::step::Step;
use crate::cloud::Cloud;
use crate::error::SimError;
use crate::faults::FaultRule;

/// A scenario as it is played.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) about: Option<String>,
    /// In force from the start, after those of the steps.
    pub(crate) faults: Vec<FaultRule>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline<'a> {
    about: Option<String>,
    #[serde(default, borrow)]
    faults: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    steps: Vec<&'a RawValue>,
}

/// Mistakes, each with its line.
pub(crate) struct Mistakes<'a> {
    text: &'a str,
    file: String,
    all: Vec<(usize, String)>,
}

impl Mistakes<'_> {
    /// The line in which a part of the file begins.
    fn line_of(&self, part: &RawValue) -> usize {
        // Parts are borrowed from the text, so their addresses lie within it.
        let offset = (part.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        1 + self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
    }

    pub(crate) fn add(&mut self, line: usize, words: impl std::fmt::Display) {
        self.all.push((line, format!("{}:{line}: {words}", self.file)));
    }

    /// Reads parts of one kind, each with its line.
    fn read<T: DeserializeOwned>(&mut self, name: &str, parts: &[&RawValue]) -> Vec<(usize, T)> {
        let mut good = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let line = self.line_of(part);
            match serde_json::from_str(part.get()) {
                Ok(read) => good.push((line, read)),
                Err(reason) => {
                    let at = line + reason.line().saturating_sub(1);
                    self.add(at, format_args!("{name}[{place}]: {}", without_place(&reason)));
                }
            }
        }
        good
    }
}

/// The words of a reason: its own line and column count from where the part begins.
fn without_place(reason: &serde_json::Error) -> String {
    let words = reason.to_string();
    words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words).to_owned()
}

impl Script {
    /// Reads a file, and checks it against the simulator that is to play it.
    pub(crate) fn read(path: &Path, cloud: &Cloud) -> Result<Self, SimError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| SimError::Scenario { path: path.to_owned(), source })?;
        let file = path.display().to_string();
        let outline: Outline<'_> = serde_json::from_str(&text).map_err(|reason| {
            let line = reason.line();
            SimError::Script(format!(
                "{file}:{line}: {}: give an object with `steps`, `faults` or both",
                without_place(&reason)
            ))
        })?;
        let mut mistakes = Mistakes { text: &text, file, all: Vec::new() };
        let faults = mistakes.read("faults", &outline.faults);
        let steps = mistakes.read("steps", &outline.steps);
        if mistakes.all.is_empty() {
            check::faults(&faults, cloud, &mut mistakes);
            check::steps(&steps, cloud, &mut mistakes);
        }
        mistakes.all.sort();
        if !mistakes.all.is_empty() {
            let words: Vec<_> = mistakes.all.into_iter().map(|(_, words)| words).collect();
            return Err(SimError::Script(words.join("\n")));
        }
        let bare = |(_, rule)| rule;
        let (faults, steps) =
            (faults.into_iter().map(bare).collect(), steps.into_iter().map(|(_, step)| step).collect());
        Ok(Self { about: outline.about, faults, steps })
    }
}
