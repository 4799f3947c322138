//! Template messages: does what was sent fit the template that it names?

use serde::Deserialize;

use super::error::GraphError;
use super::file::File;
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
    parameters: Option<Vec<Parameter>>,
}

#[derive(Deserialize)]
struct Parameter {
    r#type: Option<String>,
    parameter_name: Option<String>,
    text: Option<String>,
    image: Option<File>,
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

/// Finds the template, checks every parameter against it, and gives its category.
pub(crate) fn check(cloud: &Cloud, number: &Number, request: &Named<'_>) -> Result<&'static str, GraphError> {
    let (name, language) = (request.name, request.language);
    let template = cloud.templates.iter().find(|template| template.name == name && template.language == language);
    let template = template
        .ok_or_else(|| GraphError::detailed(132_001, format!("template name ({name}) does not exist in {language}")))?;
    header(cloud, number, template, request.components)?;
    body(template, parameters_of(request.components, "body").unwrap_or_default())?;
    request.components.iter().enumerate().try_for_each(|(place, component)| known(place, component))?;
    Ok(template.category)
}

fn parameters_of<'a>(components: &'a [Component], kind: &str) -> Option<&'a [Parameter]> {
    components.iter().find(|component| component.is(kind)).map(|it| it.parameters.as_deref().unwrap_or_default())
}

impl Component {
    fn is(&self, kind: &str) -> bool {
        self.r#type.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(kind))
    }
}

/// No template of this account has any other part with parameters.
fn known(place: usize, component: &Component) -> Result<(), GraphError> {
    if component.is("header") || component.is("body") {
        return Ok(());
    }
    if component.is("button") {
        return Err(count_mismatch("button", component.parameters.as_ref().map_or(0, Vec::len), 0));
    }
    Err(GraphError::not_one_of(&format!("template['components'][{place}]['type']"), "BODY, BUTTON, HEADER"))
}

fn header(cloud: &Cloud, number: &Number, template: &Template, components: &[Component]) -> Result<(), GraphError> {
    let given = parameters_of(components, "header").unwrap_or_default();
    let received = match given.first() {
        Some(parameter) => parameter.r#type.as_deref().unwrap_or("text"),
        None => "unknown",
    };
    match (template.image_header, given) {
        (false, []) => Ok(()),
        (false, _) => Err(count_mismatch("header", given.len(), 0)),
        (true, [Parameter { image: Some(image), .. }]) if received == "image" => image.check("image", cloud, number),
        (true, _) => Err(format_mismatch("header", "IMAGE", received)),
    }
}

fn body(template: &Template, given: &[Parameter]) -> Result<(), GraphError> {
    if given.len() != template.variables {
        return Err(count_mismatch("body", given.len(), template.variables));
    }
    let filled = given.iter().try_fold(0, |chars, parameter| Ok(chars + text(parameter)?.chars().count()))?;
    let fixed = template.body.chars().count() - "{{1}}".len() * template.variables;
    if fixed + filled > BODY_CHARS {
        return Err(GraphError::detailed(132_005, "body: the translated text is longer than 1024 characters"));
    }
    Ok(())
}

fn text(parameter: &Parameter) -> Result<&str, GraphError> {
    let kind = parameter.r#type.as_deref().unwrap_or("unknown");
    if kind != "text" {
        return Err(format_mismatch("body", "TEXT", kind));
    }
    if parameter.parameter_name.is_some() {
        return Err(GraphError::detailed(132_012, "body: Parameter name is not expected by a positional template"));
    }
    let text = parameter.text.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(GraphError::detailed(132_018, "Param text cannot be empty"));
    }
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        return Err(GraphError::of(132_018));
    }
    Ok(text)
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
