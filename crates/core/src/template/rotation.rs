//! Versions of a template: campaigns go on naming the first, and what goes out is the version that it was rotated to; those
//! before it stand in where that one is stopped. An approved template can hardly be edited, so a new wording is a new template.

use serde::{Deserialize, Serialize};

use crate::{UnixMs, campaign::TemplateMessage};

/// Changes that are kept, the latest.
const KEPT: usize = 50;

/// What goes out for campaigns that name a template in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The template that campaigns name.
    pub name: String,
    /// Its language, and that of every version.
    pub language: String,
    /// The templates that it was rotated to, from itself on; the last is what goes out.
    pub versions: Vec<String>,
    /// How it came to that, the latest last.
    #[serde(default)]
    pub changes: Vec<Rotated>,
}

/// A change of version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// When.
    pub at: UnixMs,
    /// From which version.
    pub from: String,
    /// To which.
    pub to: String,
}

impl Rotation {
    /// A template that goes out as itself.
    pub fn of(name: &str, language: &str) -> Self {
        let (name, language) = (name.to_owned(), language.to_owned());
        Self { versions: vec![name.clone()], name, language, changes: Vec::new() }
    }

    /// The version that goes out.
    pub fn current(&self) -> &str {
        self.versions.last().unwrap_or(&self.name)
    }

    /// The versions in the order in which they go out: the current one, then those before it.
    pub fn in_order(&self) -> impl Iterator<Item = &str> {
        self.versions.iter().rev().map(String::as_str)
    }

    /// Lets another version go out from now on; false when it does already. One that went out before comes to the front.
    pub fn rotate(&mut self, to: &str, at: UnixMs) -> bool {
        if self.current() == to {
            return false;
        }
        let from = self.current().to_owned();
        self.versions.retain(|version| version != to);
        self.versions.push(to.to_owned());
        self.note(from, at);
        true
    }

    /// Lets the version before this one go out again; false when there is none.
    pub fn roll_back(&mut self, at: UnixMs) -> bool {
        if self.versions.len() < 2 {
            return false;
        }
        let from = self.versions.pop().unwrap_or_default();
        self.note(from, at);
        true
    }

    fn note(&mut self, from: String, at: UnixMs) {
        let to = self.current().to_owned();
        self.changes.push(Rotated { at, from, to });
        self.changes.drain(..self.changes.len().saturating_sub(KEPT));
    }

    /// The messages that go out for `named`, by the rotation of its template among all there are.
    pub fn messages_of(all: &[Self], named: &TemplateMessage) -> Vec<TemplateMessage> {
        let own = all.iter().find(|it| it.name == named.name && it.language == named.language);
        own.map_or_else(|| vec![named.clone()], |rotation| rotation.messages(named))
    }

    /// The messages that go out for `named`, in order: its versions, all filled in as it is. One that misfits is told and
    /// passed over like any other.
    fn messages(&self, named: &TemplateMessage) -> Vec<TemplateMessage> {
        self.in_order().map(|name| TemplateMessage { name: name.to_owned(), ..named.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rotation: &Rotation) -> Vec<&str> {
        rotation.in_order().collect()
    }

    #[test]
    fn what_went_out_before_stands_behind_what_goes_out() {
        let mut rotation = Rotation::of("v1", "en");
        assert_eq!((rotation.current(), order(&rotation)), ("v1", vec!["v1"]));
        assert!(rotation.rotate("v2", 1) && rotation.rotate("v3", 2));
        assert_eq!(order(&rotation), ["v3", "v2", "v1"]);
        assert!(!rotation.rotate("v3", 3), "it goes out already");
        assert!(rotation.rotate("v1", 4));
        assert_eq!(order(&rotation), ["v1", "v3", "v2"]);
    }

    #[test]
    fn a_rollback_takes_the_last_rotation_back_and_there_is_an_end_to_it() {
        let mut rotation = Rotation::of("v1", "en");
        rotation.rotate("v2", 1);
        assert!(rotation.roll_back(2));
        assert_eq!(order(&rotation), ["v1"]);
        assert!(!rotation.roll_back(3));
        let told: Vec<_> = rotation.changes.iter().map(|it| (it.at, it.from.as_str(), it.to.as_str())).collect();
        assert_eq!(told, [(1, "v1", "v2"), (2, "v2", "v1")]);
    }

    #[test]
    fn only_the_latest_changes_are_kept() {
        let mut rotation = Rotation::of("v1", "en");
        (0..60).for_each(|at| assert!(rotation.rotate(if at % 2 == 0 { "v2" } else { "v1" }, at)));
        assert_eq!((rotation.changes.len(), rotation.changes[0].at), (KEPT, 10));
    }
}
