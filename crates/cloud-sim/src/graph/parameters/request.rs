//! What a template message gives.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::graph::error::GraphError;
use crate::graph::file::File;
use crate::graph::free_form::Location;
use crate::graph::products::ProductSection;

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
pub(crate) struct Component {
    r#type: Option<String>,
    pub(super) sub_type: Option<String>,
    index: Option<Value>,
    pub(super) parameters: Option<Vec<Parameter>>,
    pub(super) cards: Option<Vec<Card>>,
}

#[derive(Deserialize)]
pub(super) struct Card {
    pub(super) card_index: Option<usize>,
    pub(super) components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
pub(super) struct Parameter {
    pub(super) r#type: Option<String>,
    pub(super) parameter_name: Option<String>,
    pub(super) text: Option<String>,
    pub(super) payload: Option<String>,
    pub(super) ttl_minutes: Option<Value>,
    pub(super) coupon_code: Option<String>,
    pub(super) action: Option<Action>,
    pub(super) currency: Option<Currency>,
    pub(super) date_time: Option<DateTime>,
    image: Option<File>,
    video: Option<File>,
    document: Option<File>,
    gif: Option<File>,
    pub(super) location: Option<Location>,
    pub(super) product: Option<Product>,
    pub(super) limited_time_offer: Option<Offer>,
}

#[derive(Deserialize)]
pub(super) struct Action {
    pub(super) flow_action_data: Option<Map<String, Value>>,
    pub(super) thumbnail_product_retailer_id: Option<String>,
    pub(super) sections: Option<Vec<ProductSection>>,
}

#[derive(Deserialize)]
pub(super) struct Currency {
    pub(super) fallback_value: Option<String>,
    pub(super) code: Option<String>,
    pub(super) amount_1000: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct DateTime {
    pub(super) fallback_value: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Product {
    pub(super) catalog_id: Option<String>,
    pub(super) product_retailer_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Offer {
    pub(super) expiration_time_ms: Option<Value>,
}

/// A template request that names a template and a language.
pub(crate) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) language: &'a str,
    pub(super) components: &'a [Component],
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

pub(super) fn parameters_of<'a>(components: &'a [Component], kind: &str) -> Option<&'a [Parameter]> {
    components.iter().find(|component| component.is(kind)).map(|it| it.parameters.as_deref().unwrap_or_default())
}

impl Component {
    pub(super) fn is(&self, kind: &str) -> bool {
        self.r#type.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(kind))
    }

    /// A button's place; clients write it as a number or as text.
    pub(super) fn place(&self) -> Option<usize> {
        match self.index.as_ref()? {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|place| usize::try_from(place).ok()),
        }
    }
}

impl Parameter {
    pub(super) fn kind(&self) -> &str {
        self.r#type.as_deref().unwrap_or("unknown")
    }

    pub(super) fn file(&self, kind: &str) -> Option<&File> {
        match kind {
            "image" => self.image.as_ref(),
            "video" => self.video.as_ref(),
            "document" => self.document.as_ref(),
            "gif" => self.gif.as_ref(),
            _ => None,
        }
    }
}
