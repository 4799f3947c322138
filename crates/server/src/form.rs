//! Small JSON bodies, read field by field so that every fault is told at once.

use std::collections::BTreeSet;

use dawncast_core::fault::Faults;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// The fields of a body, taken out one by one.
pub(crate) struct Form {
    fields: Map<String, Value>,
    known: BTreeSet<&'static str>,
    pub(crate) faults: Faults,
}

impl Form {
    /// The fields of `body`; not an object is the one fault.
    pub(crate) fn new(body: Value) -> Result<Self, Problem> {
        match body {
            Value::Object(fields) => Ok(Self { fields, known: BTreeSet::new(), faults: Faults::new() }),
            _ => Err(Problem::malformed("The body must be a JSON object.")),
        }
    }

    /// A field that must be there.
    pub(crate) fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let there = self.fields.get(name).is_some_and(|value| !value.is_null());
        if !there {
            self.known.insert(name);
            self.fields.remove(name);
            self.fault(name, "is missing and required.");
            return None;
        }
        self.optional(name)
    }

    /// A field that may be left out or null.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.known.insert(name);
        let value = self.fields.remove(name).filter(|value| !value.is_null())?;
        serde_json::from_value(value).map_err(|error| self.fault(name, format!("{error}."))).ok()
    }

    /// Whether a field is given and null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(Value::is_null)
    }

    /// A text that must be there and not be empty.
    pub(crate) fn words(&mut self, name: &'static str) -> Option<String> {
        let text: String = self.required(name)?;
        if text.trim().is_empty() {
            self.fault(name, "is empty; give a text.");
        }
        Some(text)
    }

    /// Notes a fault of the field `name`.
    pub(crate) fn fault(&mut self, name: &str, detail: impl Into<String>) {
        self.faults.add(format!("/{name}"), detail);
    }

    /// Every fault, unknown fields among them; `value` when there is none.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        let known = self.known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        for name in self.fields.keys() {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            self.faults.add(pointer, format!("is not a field of this body; those are {known}."));
        }
        match value {
            Some(value) => Ok(self.faults.into_result(value)?),
            None => Err(self.faults.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Vec<String> {
        let mut form = Form::new(body).expect("an object");
        let (name, mps) = (form.words("name"), form.optional::<u32>("mps"));
        let faults = std::mem::take(&mut form.faults);
        let unknown = form.finish(Some((name, mps))).err().map(|problem| format!("{problem:?}"));
        faults.iter().map(ToString::to_string).chain(unknown).collect()
    }

    #[test]
    fn every_fault_is_told_at_once() {
        assert_eq!(read(json!({ "name": "a", "mps": 80 })), Vec::<String>::new());
        let faults = read(json!({ "mps": "many", "na/me": 1 }));
        assert_eq!(faults[0], "/name: is missing and required.");
        assert!(faults[1].starts_with("/mps: invalid type"), "{faults:?}");
        assert!(faults[2].contains("/na~1me") && faults[2].contains("`mps`, `name`"), "{faults:?}");
    }

    #[test]
    fn null_is_the_same_as_nothing() {
        assert_eq!(read(json!({ "name": null })), ["/name: is missing and required."]);
    }
}
