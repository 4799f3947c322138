//! Template messages: does what was sent fit the template that it names?

mod buttons;
mod carousel;
mod header;
mod request;
mod texts;

use std::sync::Arc;

use super::error::GraphError;
use super::send::Endpoint;
use crate::cloud::{Cloud, Number};
use crate::parts::Parts;
use crate::templates::{AUTHENTICATION, Template};

pub(crate) use request::{Named, TemplateRequest, named};

use request::Component;

/// Meta: longest body after its variables are filled in, in characters; with an offer it is shorter, and on a card.
const BODY_CHARS: usize = 1024;
const OFFER_BODY_CHARS: usize = 600;
/// Meta: longest one-time code, in characters.
const CODE_CHARS: usize = 15;

const KINDS: &str = "BODY, BUTTON, CAROUSEL, HEADER, LIMITED_TIME_OFFER";

/// The code by which a message of a template is refused that stands so, and why.
fn refusal(status: &str) -> Option<u32> {
    match status {
        "APPROVED" => None,
        "PAUSED" => Some(132_015),
        "DISABLED" => Some(132_016),
        _ => Some(132_001),
    }
}

/// Finds the template and checks every parameter against it.
pub(crate) fn check(
    cloud: &Cloud,
    number: &Number,
    request: &Named<'_>,
    endpoint: Endpoint,
) -> Result<Arc<Template>, GraphError> {
    let (name, language, given) = (request.name, request.language, request.components);
    let missing = || GraphError::detailed(132_001, format!("template name ({name}) does not exist in {language}"));
    let template = cloud.templates.find(number.waba, name, language).ok_or_else(missing)?;
    match refusal(&template.status) {
        Some(132_001) => return Err(missing()),
        Some(code) => return Err(GraphError::of(code)),
        None => {}
    }
    let parts = template.parts();
    if parts.header() == Some("GIF") && endpoint != Endpoint::MarketingMessages {
        return Err(GraphError::detailed(132_012, "header: GIF is supported by the Marketing Messages API only"));
    }
    given.iter().enumerate().try_for_each(|(place, component)| known(place, component))?;
    let body_chars = if parts.component("LIMITED_TIME_OFFER").is_some() { OFFER_BODY_CHARS } else { BODY_CHARS };
    check_parts(cloud, number, parts, given, body_chars)?;
    offer(parts, given)?;
    carousel::check(cloud, number, parts, given)?;
    if template.category == AUTHENTICATION {
        code(given)?;
    }
    Ok(template)
}

/// What a template and each of its cards have.
fn check_parts(
    cloud: &Cloud,
    number: &Number,
    parts: Parts<'_>,
    given: &[Component],
    body_chars: usize,
) -> Result<(), GraphError> {
    header::check(cloud, number, parts, given)?;
    texts::body(parts, given, body_chars)?;
    buttons::check(parts, given)
}

/// No template has any other part with parameters.
fn known(place: usize, component: &Component) -> Result<(), GraphError> {
    if KINDS.split(", ").any(|kind| component.is(kind)) {
        return Ok(());
    }
    Err(GraphError::not_one_of(&format!("template['components'][{place}]['type']"), KINDS))
}

/// When the offer ends is told by every message, if it ends at all.
fn offer(parts: Parts<'_>, given: &[Component]) -> Result<(), GraphError> {
    const PART: &str = "limited_time_offer";
    let offer = parts.component("LIMITED_TIME_OFFER").map(|it| &it[PART]);
    let parameters = request::parameters_of(given, PART).unwrap_or_default();
    if offer.is_none_or(|offer| offer["has_expiration"] != true) {
        return if parameters.is_empty() { Ok(()) } else { Err(count_mismatch(PART, parameters.len(), 0)) };
    }
    let [parameter] = parameters else { return Err(format_mismatch(PART, "LIMITED_TIME_OFFER", "unknown")) };
    let ends = parameter.limited_time_offer.as_ref().and_then(|offer| offer.expiration_time_ms.as_ref());
    match ends.map(|ends| ends.as_u64().unwrap_or(0)) {
        None => Err(format_mismatch(PART, "LIMITED_TIME_OFFER", parameter.kind())),
        Some(0) => Err(GraphError::invalid("expiration_time_ms must be a UNIX timestamp in milliseconds")),
        Some(_) => Ok(()),
    }
}

/// The one-time code stands in the body.
fn code(given: &[Component]) -> Result<(), GraphError> {
    let body = request::parameters_of(given, "body").unwrap_or_default();
    let chars = body.iter().filter_map(|parameter| parameter.text.as_deref()).map(|text| text.chars().count()).max();
    match chars {
        Some(chars) if chars > CODE_CHARS => {
            Err(GraphError::invalid(format!("Verification code length invalid. Max length: {CODE_CHARS}")))
        }
        _ => Ok(()),
    }
}

fn count_mismatch(component: &str, given: usize, expected: usize) -> GraphError {
    let details = format!(
        "{component}: number of localizable_params ({given}) does not match the expected number of params ({expected})"
    );
    GraphError::detailed(132_000, details)
}

fn format_mismatch(component: &str, expected: &str, received: &str) -> GraphError {
    let received = received.to_ascii_uppercase();
    GraphError::detailed(132_012, format!("{component}: Format mismatch, expected {expected}, received {received}"))
}
