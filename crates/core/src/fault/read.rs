//! Reading JSON that a person wrote: goes on after a fault, so that all are told at once, and knows where it stands.

use std::{cell::RefCell, collections::BTreeMap, fmt::Display, ops::RangeInclusive, str::FromStr};

use serde_json::{Map, Value};

use super::{Faults, did_you_mean, listed, nearest};

/// Reads `json` with `read`.
///
/// # Errors
/// Every fault found; also when `read` found none but gave no value either, which would be a defect of `read`.
pub(crate) fn document<T>(json: &Value, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, Faults> {
    let faults = RefCell::new(Faults::new());
    let value = read(&Node { value: json, pointer: String::new(), faults: &faults });
    let faults = faults.into_inner();
    match value {
        Some(value) => faults.into_result(value),
        None => Err(faults),
    }
}

/// One value and its place in the document.
pub(crate) struct Node<'a> {
    value: &'a Value,
    pointer: String,
    faults: &'a RefCell<Faults>,
}

impl<'a> Node<'a> {
    /// Notes a fault at this place.
    pub(crate) fn fault<T>(&self, detail: impl Into<String>) -> Option<T> {
        self.faults.borrow_mut().add(self.pointer.as_str(), detail);
        None
    }

    /// Notes that the value is not of the type that is needed.
    pub(crate) fn wrong_type<T>(&self, needed: &str) -> Option<T> {
        self.fault(format!("is {}; give {needed}.", kind(self.value)))
    }

    /// The value as it is.
    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// A string.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.value.as_str().or_else(|| self.wrong_type("a string"))
    }

    /// A string that is not empty.
    pub(crate) fn words(&self) -> Option<String> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.fault("is empty; give a text or leave it out.")
        } else {
            Some(text.to_owned())
        }
    }

    /// A string that has a form of its own.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self) -> Option<T> {
        self.text()?.parse().map_err(|why: T::Err| self.fault::<T>(why.to_string())).ok()
    }

    /// One of these words.
    pub(crate) fn word(&self, words: &[&'static str]) -> Option<&'static str> {
        self.one_of(words, |word, given| word == given)
    }

    fn one_of(&self, words: &[&'static str], is: impl Fn(&str, &str) -> bool) -> Option<&'static str> {
        let given = self.text()?;
        let found = words.iter().copied().find(|word| is(word, given));
        found.or_else(|| {
            let near = did_you_mean(nearest(given, words.iter().copied()));
            self.fault(format!("`{given}` is not one of {}.{near}", listed(words.iter().copied())))
        })
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.wrong_type("`true` or `false`"))
    }

    /// A number within `range`.
    pub(crate) fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let Some(number) = self.value.as_f64() else { return self.wrong_type("a number") };
        if range.contains(&number) { Some(number) } else { self.out_of_range(range) }
    }

    /// A whole number within `range`.
    pub(crate) fn whole<N: TryFrom<i64> + PartialOrd + Display>(&self, range: RangeInclusive<N>) -> Option<N> {
        let Some(number) = self.value.as_i64() else { return self.wrong_type("a whole number") };
        match N::try_from(number) {
            Ok(number) if range.contains(&number) => Some(number),
            _ => self.out_of_range(range),
        }
    }

    fn out_of_range<T, N: Display>(&self, range: RangeInclusive<N>) -> Option<T> {
        self.fault(format!("is {}; it must lie between {} and {}.", self.value, range.start(), range.end()))
    }

    /// Whether the value is a string, for fields that are written either way.
    pub(crate) fn is_text(&self) -> bool {
        self.value.is_string()
    }

    /// A list, each item read by `read`.
    pub(crate) fn list<T>(&self, mut read: impl FnMut(&Node<'a>) -> Option<T>) -> Option<Vec<T>> {
        let Some(items) = self.value.as_array() else { return self.wrong_type("a list") };
        let read: Vec<_> = items.iter().enumerate().map(|(n, item)| read(&self.child(&n.to_string(), item))).collect();
        read.into_iter().collect()
    }

    /// An object whose names are the user's own, each value read by `read`.
    pub(crate) fn entries<T>(&self, mut read: impl FnMut(&Node<'a>) -> Option<T>) -> Option<BTreeMap<String, T>> {
        let Some(map) = self.value.as_object() else { return self.wrong_type("an object") };
        let entries = map.iter().map(|(name, value)| Some((name.clone(), read(&self.child(name, value))?)));
        // Every entry is read before the first fault ends the whole.
        entries.collect::<Vec<_>>().into_iter().collect()
    }

    /// An object; fields that `read` does not ask for are faults, unless [its kind](Fields::kind) is not known.
    pub(crate) fn object<T>(&self, read: impl FnOnce(&mut Fields<'_, 'a>) -> Option<T>) -> Option<T> {
        let Some(map) = self.value.as_object() else { return self.wrong_type("an object") };
        let mut fields = Fields { node: self, map, known: Vec::new(), gave_up: false };
        let value = read(&mut fields);
        if fields.refuse_unknown() { value } else { None }
    }

    fn child(&self, name: &str, value: &'a Value) -> Node<'a> {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        Node { value, pointer: format!("{}/{escaped}", self.pointer), faults: self.faults }
    }
}

/// The fields of one object.
pub(crate) struct Fields<'n, 'a> {
    node: &'n Node<'a>,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
    gave_up: bool,
}

impl<'a> Fields<'_, 'a> {
    /// Notes a fault of the object as a whole.
    pub(crate) fn fault<T>(&self, detail: impl Into<String>) -> Option<T> {
        self.node.fault(detail)
    }

    /// Notes a fault of one field.
    pub(crate) fn fault_at<T>(&self, name: &str, detail: impl Into<String>) -> Option<T> {
        self.node.child(name, &Value::Null).fault(detail)
    }

    /// A field that must be there.
    pub(crate) fn required<T>(&mut self, name: &'static str, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<T> {
        self.known.push(name);
        match self.map.get(name) {
            Some(value) => read(&self.node.child(name, value)),
            None => self.fault_at(name, "is missing and required."),
        }
    }

    /// A field that may be left out. `None` is a fault; an absent (or `null`) field is `Some(None)`.
    #[expect(clippy::option_option, reason = "the outer says whether reading went well, the inner what was read")]
    pub(crate) fn maybe<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        self.known.push(name);
        match self.map.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => read(&self.node.child(name, value)).map(Some),
        }
    }

    /// Whether a field is given, and is not `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// A field that is `default` when left out.
    pub(crate) fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&Node<'a>) -> Option<T>,
    ) -> Option<T> {
        self.maybe(name, read).map(|given| given.unwrap_or(default))
    }

    /// The field that says which of `kinds` the object is. When it does not, the rest cannot be judged.
    pub(crate) fn kind(&mut self, name: &'static str, kinds: &[&'static str]) -> Option<&'static str> {
        self.kind_by(name, kinds, |kind, given| kind == given)
    }

    /// The same, for names that are taken in any case.
    pub(crate) fn kind_in_any_case(&mut self, name: &'static str, kinds: &[&'static str]) -> Option<&'static str> {
        self.kind_by(name, kinds, str::eq_ignore_ascii_case)
    }

    fn kind_by(
        &mut self,
        name: &'static str,
        kinds: &[&'static str],
        is: impl Fn(&str, &str) -> bool,
    ) -> Option<&'static str> {
        let kind = self.required(name, |node| node.one_of(kinds, is));
        self.gave_up |= kind.is_none();
        kind
    }

    fn refuse_unknown(&self) -> bool {
        let unknown = self.map.keys().filter(|name| !self.gave_up && !self.known.contains(&name.as_str()));
        let mut clean = true;
        for name in unknown {
            clean = false;
            let near = did_you_mean(nearest(name, self.known.iter().copied()));
            let _: Option<()> = self.fault_at(name, format!("is not a field that is known here.{near}"));
        }
        clean
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_pair(node: &Node<'_>) -> Option<(String, u8)> {
        node.object(|fields| {
            let name = fields.required("name", Node::words);
            let size = fields.or("size", 3, |node| node.whole(1..=8));
            Some((name?, size?))
        })
    }

    fn faults(json: Value) -> Vec<String> {
        let faults = document(&json, read_pair).expect_err("faults");
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_default_stands_in_for_what_is_left_out_or_null() {
        assert_eq!(document(&json!({"name": "x"}), read_pair), Ok(("x".to_owned(), 3)));
        assert_eq!(document(&json!({"name": "x", "size": null}), read_pair), Ok(("x".to_owned(), 3)));
    }

    #[test]
    fn every_fault_is_told_at_once() {
        assert_eq!(
            faults(json!({"nam": "x", "size": 9, "a/b~": 1})),
            [
                "/name: is missing and required.",
                "/size: is 9; it must lie between 1 and 8.",
                "/a~1b~0: is not a field that is known here.",
                "/nam: is not a field that is known here. Did you mean `name`?",
            ]
        );
    }

    #[test]
    fn a_wrong_type_is_named_beside_the_right_one() {
        assert_eq!(
            faults(json!({"name": 1, "size": 1.5})),
            ["/name: is a number; give a string.", "/size: is a number; give a whole number."]
        );
        assert_eq!(faults(json!([])), ["is a list; give an object."]);
    }
}
