//! The texts of templates: each variable filled, by position or by name, and the whole not too long.

use super::request::{Component, Parameter, parameters_of};
use super::{count_mismatch, format_mismatch};
use crate::graph::error::GraphError;
use crate::parts::Parts;

/// Meta: longest header after its variable is filled in, in characters.
const HEADER_CHARS: usize = 60;

pub(super) fn header(parts: Parts<'_>, given: &[Parameter]) -> Result<(), GraphError> {
    if fill("header", parts.is_named, parts.text("HEADER"), given)? > HEADER_CHARS {
        return Err(GraphError::detailed(132_005, "header: the translated text is longer than 60 characters"));
    }
    Ok(())
}

pub(super) fn body(parts: Parts<'_>, given: &[Component], most: usize) -> Result<(), GraphError> {
    let given = parameters_of(given, "body").unwrap_or_default();
    if fill("body", parts.is_named, parts.text("BODY"), given)? > most {
        let words = format!("body: the translated text is longer than {most} characters");
        return Err(GraphError::detailed(132_005, words));
    }
    Ok(())
}

/// Checks the texts that are given for the variables of a part, and says how long it is with them.
fn fill(part: &str, is_named: bool, text: &str, given: &[Parameter]) -> Result<usize, GraphError> {
    let wanted = variables(text);
    if given.len() != wanted.len() {
        return Err(count_mismatch(part, given.len(), wanted.len()));
    }
    let fixed = text.chars().count() - wanted.iter().map(|name| name.chars().count() + 4).sum::<usize>();
    given.iter().try_fold(fixed, |chars, parameter| {
        let filled = parameter.filled(part)?;
        let misfit = |what: &str| Err(GraphError::detailed(132_012, format!("{part}: Parameter name {what}")));
        match parameter.parameter_name.as_deref() {
            Some(_) if !is_named => return misfit("is not expected by a positional template"),
            None if is_named => return misfit("is missing or empty"),
            Some(name) if !wanted.contains(&name) => return misfit("does not match the created template"),
            _ => {}
        }
        Ok(chars + filled.chars().count())
    })
}

/// What stands between braces, each name once.
fn variables(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in text.split("{{").skip(1).filter_map(|after| Some(after.split_once("}}")?.0)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl Parameter {
    /// What is shown: of money and times, their text. Only bodies have those.
    fn filled(&self, part: &str) -> Result<&str, GraphError> {
        let kind = self.kind();
        let text = match (kind, &self.currency, &self.date_time) {
            ("text", ..) => self.text.as_deref(),
            ("currency", Some(currency), _) if part == "body" => {
                let is_code = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
                if !currency.code.as_ref().is_some_and(is_code) || currency.amount_1000.is_none() {
                    return Err(GraphError::invalid("currency needs a code of ISO 4217 and amount_1000"));
                }
                currency.fallback_value.as_deref()
            }
            ("date_time", _, Some(time)) if part == "body" => time.fallback_value.as_deref(),
            _ => return Err(format_mismatch(part, "TEXT", kind)),
        };
        one_line(text.unwrap_or_default())
    }
}

pub(super) fn one_line(text: &str) -> Result<&str, GraphError> {
    if text.is_empty() {
        return Err(GraphError::detailed(132_018, "Param text cannot be empty"));
    }
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        return Err(GraphError::of(132_018));
    }
    Ok(text)
}
