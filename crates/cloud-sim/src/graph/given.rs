//! What a call was given: Graph takes parameters in the address, as a form, or as JSON.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::error::GraphError;
use super::{body, query, read};

/// The parameters of a call; those of the body come before those of the address.
pub(crate) struct Given(Map<String, Value>);

impl Given {
    pub(crate) async fn read(request: Request) -> Result<Self, GraphError> {
        let mut given: Map<String, Value> =
            query(request.uri()).into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = kind.starts_with("application/x-www-form-urlencoded");
        let body = body(request).await?;
        given.extend(if is_form { form(&body) } else { json(&body)? });
        Ok(Self(given))
    }

    /// A parameter, whatever it holds.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A parameter that is a text, if it is there.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, GraphError> {
        let not_text = || GraphError::parameter(format_args!("Param {name} must be a string."));
        self.value(name).map(|value| value.as_str().ok_or_else(not_text)).transpose()
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, GraphError> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| GraphError::required(name))
    }

    /// That the call says `"messaging_product": "whatsapp"`.
    pub(crate) fn check_product(&self) -> Result<(), GraphError> {
        match self.required("messaging_product")? {
            "whatsapp" => Ok(()),
            _ => Err(GraphError::not_one_of("messaging_product", "WHATSAPP")),
        }
    }
}

fn form(body: &Bytes) -> Map<String, Value> {
    let pairs = form_urlencoded::parse(body);
    pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

fn json(body: &Bytes) -> Result<Map<String, Value>, GraphError> {
    match body.is_empty() {
        true => Ok(Map::new()),
        false => read(body).map_err(|_| GraphError::parameter("Invalid parameter")),
    }
}
