//! Template messages: does what was sent fit the template that it names?

use serde::Deserialize;
use serde_json::Value;

use super::error::GraphError;
use super::file::File;
use super::send::Endpoint;
use crate::cloud::{Cloud, Number};
use crate::templates::Template;

/// Meta: longest body after its variables are filled in, in characters.
const BODY_CHARS: usize = 1024;

#[derive(Deserialize)]
pub(crate) struct TemplateRequest {
    name: Option<String>,
    language: Option<Language>,
    components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
struct Language {
    code: Option<String>,
    policy: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    r#type: Option<String>,
    index: Option<Value>,
    parameters: Option<Vec<Parameter>>,
}

#[derive(Deserialize)]
struct Parameter {
    r#type: Option<String>,
    parameter_name: Option<String>,
    text: Option<String>,
    image: Option<File>,
    video: Option<File>,
    document: Option<File>,
    gif: Option<File>,
}

/// A template request that names a template and a language.
pub(crate) struct Named<'a> {
    name: &'a str,
    language: &'a str,
    components: &'a [Component],
}

/// Checks the shape alone.
pub(crate) fn named(request: Option<&TemplateRequest>) -> Result<Named<'_>, GraphError> {
    let request = request.ok_or_else(|| GraphError::required("template"))?;
    let name = request.name.as_deref().ok_or_else(|| GraphError::required("template['name']"))?;
    let language = request.language.as_ref().ok_or_else(|| GraphError::required("template['language']"))?;
    if language.policy.as_deref().is_some_and(|policy| policy != "deterministic") {
        return Err(GraphError::not_one_of("template['language']['policy']", "DETERMINISTIC"));
    }
    let language = language.code.as_deref().ok_or_else(|| GraphError::required("template['language']['code']"))?;
    Ok(Named { name, language, components: request.components.as_deref().unwrap_or_default() })
}

/// The code by which a message of a template is refused that stands so, and why.
fn refusal(status: &str) -> Option<u32> {
    match status {
        "APPROVED" => None,
        "PAUSED" => Some(132_015),
        "DISABLED" => Some(132_016),
        _ => Some(132_001),
    }
}

/// Finds the template, checks every parameter against it, and gives its category.
pub(crate) fn check(
    cloud: &Cloud,
    number: &Number,
    request: &Named<'_>,
    endpoint: Endpoint,
) -> Result<&'static str, GraphError> {
    let (name, language) = (request.name, request.language);
    let missing = || GraphError::detailed(132_001, format!("template name ({name}) does not exist in {language}"));
    let template = cloud.templates.find(number.waba, name, language).ok_or_else(missing)?;
    match refusal(&template.status) {
        Some(132_001) => return Err(missing()),
        Some(code) => return Err(GraphError::of(code)),
        None => {}
    }
    if template.header() == Some("GIF") && endpoint != Endpoint::MarketingMessages {
        return Err(GraphError::detailed(132_012, "header: GIF is supported by the Marketing Messages API only"));
    }
    header(cloud, number, &template, request.components)?;
    body(&template, parameters_of(request.components, "body").unwrap_or_default())?;
    request.components.iter().enumerate().try_for_each(|(place, component)| known(place, component))?;
    buttons(&template, request.components)?;
    Ok(template.category)
}

fn parameters_of<'a>(components: &'a [Component], kind: &str) -> Option<&'a [Parameter]> {
    components.iter().find(|component| component.is(kind)).map(|it| it.parameters.as_deref().unwrap_or_default())
}

impl Component {
    fn is(&self, kind: &str) -> bool {
        self.r#type.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(kind))
    }

    /// A button's place; clients write it as a number or as text.
    fn place(&self) -> Option<usize> {
        match self.index.as_ref()? {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|place| usize::try_from(place).ok()),
        }
    }
}

/// No template has any other part with parameters.
fn known(place: usize, component: &Component) -> Result<(), GraphError> {
    if ["header", "body", "button"].iter().any(|kind| component.is(kind)) {
        return Ok(());
    }
    Err(GraphError::not_one_of(&format!("template['components'][{place}]['type']"), "BODY, BUTTON, HEADER"))
}

fn header(cloud: &Cloud, number: &Number, template: &Template, components: &[Component]) -> Result<(), GraphError> {
    let given = parameters_of(components, "header").unwrap_or_default();
    let kind = template.header().unwrap_or("TEXT");
    if kind == "TEXT" {
        return texts("header", template, template.text("HEADER"), given).map(drop);
    }
    let received = given.first().map_or("unknown", |parameter| parameter.r#type.as_deref().unwrap_or("text"));
    let file = match given {
        [parameter] if received.eq_ignore_ascii_case(kind) => parameter.file(received),
        _ => None,
    };
    let file = file.ok_or_else(|| format_mismatch("header", kind, received))?;
    file.check(received, cloud, number)
}

impl Parameter {
    fn file(&self, kind: &str) -> Option<&File> {
        match kind {
            "image" => self.image.as_ref(),
            "video" => self.video.as_ref(),
            "document" => self.document.as_ref(),
            "gif" => self.gif.as_ref(),
            _ => None,
        }
    }
}

fn body(template: &Template, given: &[Parameter]) -> Result<(), GraphError> {
    if texts("body", template, template.text("BODY"), given)? > BODY_CHARS {
        return Err(GraphError::detailed(132_005, "body: the translated text is longer than 1024 characters"));
    }
    Ok(())
}

/// Checks the texts that are given for the variables of a part, and says how long it is with them.
fn texts(part: &str, template: &Template, text: &str, given: &[Parameter]) -> Result<usize, GraphError> {
    let wanted = variables(text);
    if given.len() != wanted.len() {
        return Err(count_mismatch(part, given.len(), wanted.len()));
    }
    let fixed = text.chars().count() - wanted.iter().map(|name| name.chars().count() + 4).sum::<usize>();
    given.iter().try_fold(fixed, |chars, parameter| {
        let filled = parameter.filled(part)?;
        let misfit = |what: &str| Err(GraphError::detailed(132_012, format!("{part}: Parameter name {what}")));
        match parameter.parameter_name.as_deref() {
            Some(_) if !template.is_named => return misfit("is not expected by a positional template"),
            None if template.is_named => return misfit("is missing or empty"),
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
    fn filled(&self, part: &str) -> Result<&str, GraphError> {
        let kind = self.r#type.as_deref().unwrap_or("unknown");
        if kind != "text" {
            return Err(format_mismatch(part, "TEXT", kind));
        }
        let text = self.text.as_deref().unwrap_or_default();
        if text.is_empty() {
            return Err(GraphError::detailed(132_018, "Param text cannot be empty"));
        }
        if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
            return Err(GraphError::of(132_018));
        }
        Ok(text)
    }
}

/// A link that varies, and a code to copy, need their parameter; no other button takes one but a quick reply.
fn buttons(template: &Template, components: &[Component]) -> Result<(), GraphError> {
    let given: Vec<&Component> = components.iter().filter(|component| component.is("button")).collect();
    for (place, button) in template.buttons().iter().enumerate() {
        let varies = button["url"].as_str().is_some_and(|url| url.contains("{{"));
        let needs = varies || button["type"] == "COPY_CODE";
        let own = given.iter().find(|component| component.place() == Some(place));
        let count = own.map_or(0, |component| component.parameters.as_ref().map_or(0, Vec::len));
        let takes = needs || button["type"] == "QUICK_REPLY";
        match (needs, takes, count) {
            (true, _, 0) => {
                let details =
                    format!("buttons: Button at index {place} of type {} requires a parameter", button["type"]);
                return Err(GraphError::detailed(131_008, details));
            }
            (_, false, 1..) => return Err(count_mismatch("button", count, 0)),
            _ => {}
        }
    }
    match given.iter().find(|component| component.place().is_none_or(|place| place >= template.buttons().len())) {
        Some(stray) => Err(count_mismatch("button", stray.parameters.as_ref().map_or(0, Vec::len), 0)),
        None => Ok(()),
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
