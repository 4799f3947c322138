//! The buttons of templates: which of them need a parameter, and which one.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::request::{Action, Component, Parameter};
use super::{CODE_CHARS, count_mismatch, format_mismatch, texts};
use crate::graph::error::{GraphError, check_chars};
use crate::graph::products;
use crate::parts::Parts;

/// Meta: longest code to copy, in characters.
const COUPON_CHARS: usize = 20;

/// Meta: how long a call button works, in minutes, and its longest payload, in characters.
const TTL_MINUTES: RangeInclusive<u64> = 1..=43_200;
const CALL_PAYLOAD_CHARS: usize = 512;
/// The kind of a button that calls on WhatsApp; it has two parameters, and stands apart from the others.
const CALL: &str = "VOICE_CALL";

/// What a button takes.
struct Takes {
    /// Whether it has to be given.
    needed: bool,
    sub_type: &'static str,
    parameter: &'static str,
}

/// What a button of a template takes; most take nothing.
fn takes(button: &Value) -> Option<Takes> {
    let (needed, sub_type, parameter) = match button["type"].as_str()? {
        "URL" if button["url"].as_str().is_some_and(|url| url.contains("{{")) => (true, "url", "text"),
        "OTP" => (true, "url", "text"),
        "COPY_CODE" => (true, "copy_code", "coupon_code"),
        "MPM" => (true, "mpm", "action"),
        "QUICK_REPLY" => (false, "quick_reply", "payload"),
        "FLOW" => (false, "flow", "action"),
        "CATALOG" => (false, "catalog", "action"),
        _ => return None,
    };
    Some(Takes { needed, sub_type, parameter })
}

pub(super) fn check(parts: Parts<'_>, given: &[Component]) -> Result<(), GraphError> {
    let given: Vec<&Component> = given.iter().filter(|component| component.is("button")).collect();
    for (place, button) in parts.buttons().iter().enumerate() {
        let own = given.iter().find(|component| component.place_among(parts.buttons()) == Some(place));
        let parameters = own.and_then(|component| component.parameters.as_deref()).unwrap_or_default();
        if button["type"] == CALL && own.is_some_and(|component| component.is_call()) {
            check_call(parameters)?;
            continue;
        }
        match (takes(button), own, parameters) {
            (Some(takes), _, []) if takes.needed => {
                let details =
                    format!("buttons: Button at index {place} of type {} requires a parameter", button["type"]);
                return Err(GraphError::detailed(131_008, details));
            }
            (_, _, []) => {}
            (Some(takes), Some(own), [parameter]) => fill(button, &takes, own, parameter)?,
            (takes, _, _) => return Err(count_mismatch("button", parameters.len(), usize::from(takes.is_some()))),
        }
    }
    let is_there = |place: Option<usize>| place.is_some_and(|place| place < parts.buttons().len());
    match given.iter().find(|component| !is_there(component.place_among(parts.buttons()))) {
        Some(stray) => Err(count_mismatch("button", stray.parameters.as_ref().map_or(0, Vec::len), 0)),
        None => Ok(()),
    }
}

/// Meta: both are optional, and each is given once.
fn check_call(parameters: &[Parameter]) -> Result<(), GraphError> {
    for (place, parameter) in parameters.iter().enumerate() {
        let kind = parameter.kind();
        if parameters[..place].iter().any(|before| before.kind() == kind) {
            return Err(count_mismatch("button", parameters.len(), place));
        }
        match kind {
            "ttl_minutes" => {
                let minutes = parameter.ttl_minutes.as_ref().and_then(Value::as_u64);
                if !minutes.is_some_and(|minutes| TTL_MINUTES.contains(&minutes)) {
                    return Err(GraphError::invalid("ttl_minutes must be between 1 and 43200"));
                }
            }
            "payload" => check_chars(parameter.payload.as_deref(), "Button payload", CALL_PAYLOAD_CHARS)?,
            _ => return Err(format_mismatch("button", "TTL_MINUTES", kind)),
        }
    }
    Ok(())
}

fn fill(button: &Value, takes: &Takes, given: &Component, parameter: &Parameter) -> Result<(), GraphError> {
    let sub_type =
        given.sub_type.as_deref().ok_or_else(|| GraphError::required("template['components']['sub_type']"))?;
    if !sub_type.eq_ignore_ascii_case(takes.sub_type) {
        return Err(format_mismatch("button", &takes.sub_type.to_ascii_uppercase(), sub_type));
    }
    let mismatch = || format_mismatch("button", &takes.parameter.to_ascii_uppercase(), parameter.kind());
    if parameter.kind() != takes.parameter {
        return Err(mismatch());
    }
    match takes.parameter {
        "text" => {
            let text = texts::one_line(parameter.text.as_deref().unwrap_or_default())?;
            if button["type"] == "OTP" { check_chars(Some(text), "Verification code", CODE_CHARS) } else { Ok(()) }
        }
        "coupon_code" => check_chars(parameter.coupon_code.as_deref(), "Coupon code", COUPON_CHARS),
        "payload" if parameter.payload.as_deref().is_none_or(str::is_empty) => {
            Err(GraphError::invalid("Button payload cannot be empty"))
        }
        "payload" => Ok(()),
        _ => parameter.action.as_ref().ok_or_else(mismatch)?.check(takes.sub_type),
    }
}

impl Component {
    /// The place of the button that it fills. Meta's example of a call button gives none: a template has one such button at most.
    fn place_among(&self, buttons: &[Value]) -> Option<usize> {
        let call = || buttons.iter().position(|button| button["type"] == CALL).filter(|_| self.is_call());
        self.place().or_else(call)
    }

    fn is_call(&self) -> bool {
        self.sub_type.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(CALL))
    }
}

impl Action {
    fn check(&self, sub_type: &str) -> Result<(), GraphError> {
        match sub_type {
            "flow" if self.flow_action_data.as_ref().is_some_and(Map::is_empty) => {
                Err(GraphError::invalid("flow_action_data must not be an empty object"))
            }
            "mpm" if self.thumbnail_product_retailer_id.as_deref().is_none_or(str::is_empty) => {
                Err(GraphError::required("action['thumbnail_product_retailer_id']"))
            }
            "mpm" => products::check(self.sections.as_ref(), "action"),
            _ => Ok(()),
        }
    }
}
