//! What a message is made of: type, shape and limits, then the template that it names.

use std::sync::Arc;

use super::error::{GraphError, too_long};
use super::file::File;
use super::free_form;
use super::send::{Endpoint, SendRequest};
use super::{interactive, parameters};
use crate::cloud::{Cloud, Number};
use crate::templates::{AUTHENTICATION, MARKETING, Template};

/// Meta: longest `biz_opaque_callback_data`, in characters.
const CALLBACK_CHARS: usize = 512;

const TYPES: &str = "AUDIO, CONTACTS, DOCUMENT, IMAGE, INTERACTIVE, LOCATION, REACTION, STICKER, TEMPLATE, TEXT, VIDEO";

/// What matters of a message that may be sent.
pub(crate) struct Content<'a> {
    /// None of a free-form message.
    pub(crate) template: Option<Arc<Template>>,
    /// The message that a reaction is put on.
    pub(crate) reacts_to: Option<&'a str>,
}

/// Checks type, shape, limits, template and parameters.
pub(crate) fn check<'a>(
    cloud: &Cloud,
    number: &Number,
    request: &'a SendRequest,
    endpoint: Endpoint,
) -> Result<Content<'a>, GraphError> {
    let kind = request.r#type.as_deref().unwrap_or("text");
    if endpoint == Endpoint::MarketingMessages {
        marketing(request, kind)?;
    }
    context(request, kind)?;
    if kind == "template" {
        return template(cloud, number, request, endpoint);
    }
    let reacts_to = free_form(cloud, number, request, kind)?;
    callback_data(cloud, request)?;
    Ok(Content { template: None, reacts_to })
}

fn template<'a>(
    cloud: &Cloud,
    number: &Number,
    request: &SendRequest,
    endpoint: Endpoint,
) -> Result<Content<'a>, GraphError> {
    let named = parameters::named(request.template.as_ref())?;
    callback_data(cloud, request)?;
    let template = parameters::check(cloud, number, &named, endpoint)?;
    if endpoint == Endpoint::MarketingMessages && template.category != MARKETING {
        return Err(GraphError::of(134_100));
    }
    if template.category == AUTHENTICATION && request.to.is_none() {
        return Err(GraphError::of(131_062));
    }
    Ok(Content { template: Some(template), reacts_to: None })
}

/// The message that is reacted to, if it is a reaction.
fn free_form<'a>(
    cloud: &Cloud,
    number: &Number,
    request: &'a SendRequest,
    kind: &str,
) -> Result<Option<&'a str>, GraphError> {
    let missing = || GraphError::required(kind);
    let file = |file: Option<&File>| file.ok_or_else(missing)?.check_message(kind, cloud, number);
    match kind {
        "text" => request.text.as_ref().ok_or_else(missing)?.check()?,
        "image" => file(request.image.as_ref())?,
        "video" => file(request.video.as_ref())?,
        "audio" => file(request.audio.as_ref())?,
        "document" => file(request.document.as_ref())?,
        "sticker" => file(request.sticker.as_ref())?,
        "location" => request.location.as_ref().ok_or_else(missing)?.check("location", false)?,
        "contacts" => free_form::contacts(request.contacts.as_ref().ok_or_else(missing)?)?,
        "reaction" => return request.reaction.as_ref().ok_or_else(missing)?.check().map(Some),
        "interactive" => interactive::check(request.interactive.as_ref(), cloud, number)?,
        other if TYPES.split(", ").any(|known| known.eq_ignore_ascii_case(other)) => {
            return Err(GraphError::of(131_051));
        }
        _ => return Err(GraphError::not_one_of("type", TYPES)),
    }
    Ok(None)
}

/// What only the Marketing Messages API asks.
fn marketing(request: &SendRequest, kind: &str) -> Result<(), GraphError> {
    if kind != "template" {
        return Err(GraphError::parameter("Message must be a template message"));
    }
    if request.message_activity_sharing.as_ref().is_some_and(|sharing| !sharing.is_boolean()) {
        return Err(GraphError::parameter("Param message_activity_sharing must be a boolean."));
    }
    match request.product_policy.as_deref() {
        None | Some("CLOUD_API_FALLBACK" | "STRICT") => Ok(()),
        Some(_) => Err(GraphError::not_one_of("product_policy", "CLOUD_API_FALLBACK, STRICT")),
    }
}

/// A message that was deleted, or never was, is quoted by nothing: the answer goes out without.
fn context(request: &SendRequest, kind: &str) -> Result<(), GraphError> {
    let Some(context) = &request.context else { return Ok(()) };
    if kind == "reaction" {
        return Err(GraphError::invalid("Context is not supported for reaction messages"));
    }
    match context.message_id.as_deref() {
        None | Some("") => Err(GraphError::required("context['message_id']")),
        Some(_) => Ok(()),
    }
}

fn callback_data(cloud: &Cloud, request: &SendRequest) -> Result<(), GraphError> {
    let data = request.biz_opaque_callback_data.as_deref().unwrap_or_default();
    // A string has no more characters than bytes, and nearly all are short: count only when in doubt.
    if data.len() > CALLBACK_CHARS && data.chars().count() > CALLBACK_CHARS {
        return Err(match cloud.rules.get().long_callback_code {
            131_009 => GraphError::invalid("Length of param biz_opaque_callback_data must be at most 512"),
            _ => too_long("biz_opaque_callback_data", CALLBACK_CHARS),
        });
    }
    Ok(())
}
