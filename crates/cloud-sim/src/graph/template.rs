//! Creating, editing and reading a template; its review comes later, by the simulator's own order of things.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::GraphError;
use super::listing::select;
use super::nodes::TEMPLATE;
use super::{body, done, query, read};
use crate::cloud::Cloud;
use crate::parts::Parts;
use crate::templates::{AUTHENTICATION, CATEGORIES, MARKETING, NotFree, Template, category_of};

/// Meta: longest name, header text, body, footer and label of a button, in characters.
const NAME: usize = 512;
const HEADER: usize = 60;
const BODY: usize = 1024;
const FOOTER: usize = 60;
const LABEL: usize = 25;
/// Meta: fewest and most cards of a carousel.
const CARDS: std::ops::RangeInclusive<usize> = 2..=10;
/// Meta's own words, which nobody writes.
const CODE_BODY: &str = "Here it is: {{1}} is your verification code.";

const KINDS: &str = "HEADER, BODY, FOOTER, BUTTONS, CAROUSEL, LIMITED_TIME_OFFER";

#[derive(Deserialize)]
struct Creation {
    name: Option<String>,
    language: Option<String>,
    category: Option<String>,
    parameter_format: Option<String>,
    message_send_ttl_seconds: Option<i64>,
    components: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Edit {
    category: Option<String>,
    message_send_ttl_seconds: Option<i64>,
    components: Option<Vec<Value>>,
}

fn parameters<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, GraphError> {
    read(body).map_err(|_| GraphError::parameter("Invalid parameter"))
}

/// `POST /{waba}/message_templates`
pub(crate) async fn create(cloud: &Cloud, waba: usize, request: Request) -> Result<Response, GraphError> {
    let body = body(request).await?;
    let Creation { name, language, category, parameter_format, message_send_ttl_seconds: ttl, components } =
        parameters(&body)?;
    let name = name.ok_or_else(|| GraphError::required("name"))?;
    let language = language.ok_or_else(|| GraphError::required("language"))?;
    let category = known_category(category.as_deref())?.ok_or_else(|| GraphError::required("category"))?;
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > NAME || !name.chars().all(is_word) {
        return Err(GraphError::parameter("Invalid parameter: name must hold small letters, digits and _"));
    }
    let is_named = parameter_format.is_some_and(|format| format.eq_ignore_ascii_case("NAMED"));
    let components = checked(cloud, components.ok_or_else(|| GraphError::required("components"))?)?;
    let components = worded(category, components);
    check_life(category, ttl)?;
    let mut pending = Template::pending(waba, &name, &language, category, is_named, components);
    pending.ttl_seconds = ttl;
    let created = cloud.templates.create(pending, cloud.clock.now_us()).map_err(|fault| match fault {
        NotFree::Taken => {
            let message =
                format!("Content in this language already exists: there is already {language} content for {name}");
            GraphError::with_subcode(message, 2_388_024)
        }
        NotFree::Locked => {
            let message =
                format!("New {language} content can't be added while the existing one is being deleted: {name}");
            GraphError::with_subcode(message, 2_388_023)
        }
        NotFree::TooMany => GraphError::detailed(
            80_007,
            "The WhatsApp Business Account has created 100 message templates in the last hour.",
        ),
    })?;
    cloud.review(created.id);
    Ok(Json(json!({ "id": created.id.to_string(), "status": created.status, "category": created.category }))
        .into_response())
}

/// `POST /{template}`: the whole of its components, or its category. It is reviewed again.
pub(crate) async fn edit(cloud: &Cloud, id: u64, request: Request) -> Result<Response, GraphError> {
    let body = body(request).await?;
    let Edit { category, message_send_ttl_seconds: ttl, components } = parameters(&body)?;
    let (category, components) =
        (known_category(category.as_deref())?, components.map(|it| checked(cloud, it)).transpose()?);
    let now_us = cloud.clock.now_us();
    let edited = cloud.templates.change(id, |template| {
        let approved = template.status == "APPROVED";
        let is_editable = approved || matches!(template.status.as_str(), "REJECTED" | "PAUSED");
        let category_changes = category.is_some_and(|category| category != template.category);
        // An edit that Meta refuses for another reason does not count.
        if !is_editable || (approved && (category_changes || !template.count_edit(now_us))) {
            return Err(GraphError::with_subcode("Message template cannot be edited now", 2_388_039));
        }
        check_life(category.unwrap_or(template.category), ttl)?;
        template.ttl_seconds = ttl.or(template.ttl_seconds);
        template.category = category.unwrap_or(template.category);
        let components = components.map(|components| worded(template.category, components));
        template.components = components.unwrap_or_else(|| template.components.clone());
        template.status = "PENDING".to_owned();
        Ok(())
    });
    edited.unwrap_or_else(|| Err(GraphError::unknown_object("post", &id.to_string())))?;
    cloud.review(id);
    Ok(done())
}

/// `GET /{template}?fields=`
pub(crate) fn show(template: &Template, request: &Request) -> Result<Response, GraphError> {
    let fields = query(request.uri()).remove("fields");
    Ok(Json(select(&template.node(), &TEMPLATE, fields.as_deref())?).into_response())
}

fn known_category(given: Option<&str>) -> Result<Option<&'static str>, GraphError> {
    let unknown = || GraphError::not_one_of("category", &CATEGORIES.join(", "));
    given.map(|given| category_of(given).ok_or_else(unknown)).transpose()
}

/// Meta's bounds of `message_send_ttl_seconds`, by category; -1 is the longest, which marketing does not take.
fn check_life(category: &str, ttl_seconds: Option<i64>) -> Result<(), GraphError> {
    let (least, most, takes_longest) = match category {
        AUTHENTICATION => (30, 900, true),
        MARKETING => (43_200, 2_592_000, false),
        _ => (30, 43_200, true),
    };
    match ttl_seconds {
        Some(-1) if takes_longest => Ok(()),
        Some(seconds) if !(least..=most).contains(&seconds) => Err(GraphError::parameter(format_args!(
            "Param message_send_ttl_seconds must be between {least} and {most} for category {category}."
        ))),
        _ => Ok(()),
    }
}

/// The body of an authentication template is given no text; Meta has its own.
fn worded(category: &str, mut components: Vec<Value>) -> Vec<Value> {
    let bodies = components.iter_mut().filter(|part| part["type"] == "BODY" && part["text"].is_null());
    bodies.filter(|_| category == AUTHENTICATION).for_each(|body| body["text"] = json!(CODE_BODY));
    components
}

/// The components as they are kept, unless Meta would refuse them at once.
fn checked(cloud: &Cloud, components: Vec<Value>) -> Result<Vec<Value>, GraphError> {
    let components = checked_parts(cloud, components)?;
    // Whether its variables have names makes no difference here.
    let parts = Parts::of(&components, false);
    if parts.component("BODY").is_none() {
        return Err(GraphError::parameter("Invalid parameter: a BODY component is required"));
    }
    let format = parts.component("HEADER").map_or("IMAGE", |it| it["format"].as_str().unwrap_or("TEXT"));
    if parts.component("LIMITED_TIME_OFFER").is_some() && !matches!(format, "IMAGE" | "VIDEO") {
        return Err(GraphError::parameter("Invalid parameter: the header of a limited-time offer is IMAGE or VIDEO"));
    }
    Ok(components)
}

/// The same of a template or of a card, which may go without a body.
fn checked_parts(cloud: &Cloud, mut components: Vec<Value>) -> Result<Vec<Value>, GraphError> {
    for component in &mut components {
        capitals(component, &["type", "format"]);
        if let Some(cards) = list_mut(component, "cards") {
            check_cards(cloud, cards)?;
        }
        for button in list_mut(component, "buttons").into_iter().flatten() {
            capitals(button, &["type"]);
        }
        check_text(component)?;
        check_sample(cloud, component)?;
        check_buttons(component)?;
    }
    Ok(components)
}

/// Puts the words of these names in capitals.
fn capitals(of: &mut Value, names: &[&str]) {
    for name in names {
        if let Some(word) = of[*name].as_str().map(str::to_ascii_uppercase) {
            of[*name] = json!(word);
        }
    }
}

/// A list, if it is there. Not by its name in brackets: that would put a null where there is none.
fn list_mut<'a>(of: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    of.get_mut(name)?.as_array_mut()
}

/// The text of a part has a limit by the part's kind, and that of a body its variables in the middle, with examples.
fn check_text(component: &Value) -> Result<(), GraphError> {
    let text = component["text"].as_str().unwrap_or_default();
    let kind = component["type"].as_str().unwrap_or_default();
    let most = match kind {
        "HEADER" => HEADER,
        "FOOTER" => FOOTER,
        "BODY" => BODY,
        "BUTTONS" | "CAROUSEL" | "LIMITED_TIME_OFFER" => 0,
        _ => return Err(GraphError::not_one_of("components['type']", KINDS)),
    };
    if text.chars().count() > most {
        let message = format!("Character limit exceeded: the field {kind} has a limit of {most} characters");
        return Err(GraphError::with_subcode(message, 2_388_040));
    }
    if kind == "BODY" && (text.starts_with("{{") || text.ends_with("}}")) {
        let message = "Variables can't be at the start or end of the template";
        return Err(GraphError::with_subcode(message, 2_388_299));
    }
    if kind == "BODY" && text.contains("{{") && component["example"].is_null() {
        return Err(GraphError::parameter("component of type BODY is missing expected field(s) (example)"));
    }
    Ok(())
}

/// The cards of a carousel; each has parts as a template has.
fn check_cards(cloud: &Cloud, cards: &mut [Value]) -> Result<(), GraphError> {
    if !CARDS.contains(&cards.len()) {
        return Err(GraphError::parameter("Invalid parameter: a carousel has 2 to 10 cards"));
    }
    for card in cards {
        let Some(components) = list_mut(card, "components") else {
            return Err(GraphError::parameter("Invalid parameter: each card of a carousel has components"));
        };
        *components = checked_parts(cloud, std::mem::take(components))?;
    }
    Ok(())
}

/// A file in the header needs a sample that was uploaded.
fn check_sample(cloud: &Cloud, component: &Value) -> Result<(), GraphError> {
    if component["type"] != "HEADER" || !matches!(component["format"].as_str(), Some("IMAGE" | "VIDEO" | "DOCUMENT")) {
        return Ok(());
    }
    match component["example"]["header_handle"][0].as_str() {
        Some(handle) if cloud.uploads.knows(handle) => Ok(()),
        Some(_) => Err(GraphError::parameter("Invalid parameter: the header_handle is not of an uploaded file")),
        None => Err(GraphError::parameter("component of type HEADER is missing expected field(s) (example)")),
    }
}

fn check_buttons(component: &Value) -> Result<(), GraphError> {
    let buttons = component["buttons"].as_array().map_or(&[][..], Vec::as_slice);
    let is_long = |button: &&Value| button["text"].as_str().is_some_and(|text| text.chars().count() > LABEL);
    if buttons.len() > 10 || buttons.iter().find(is_long).is_some() {
        return Err(GraphError::with_subcode("Buttons are invalid", 2_388_060));
    }
    Ok(())
}
