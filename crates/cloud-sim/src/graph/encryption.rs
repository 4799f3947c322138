//! `GET` and `POST /{number}/whatsapp_business_encryption`: the public key that flows of a number are encrypted for.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::done;
use super::error::GraphError;
use super::given::Given;
use crate::cloud::{Cloud, Number};

const KEY: &str = "business_public_key";

pub(crate) async fn set(cloud: &Cloud, number: &Number, request: Request) -> Result<Response, GraphError> {
    let given = Given::read(request).await?;
    if !cloud.flow_keys.set(number.place, given.required(KEY)?) {
        return Err(GraphError::parameter(
            "Param business_public_key must be a 2048-bit RSA public key in PEM format.",
        ));
    }
    Ok(done())
}

pub(crate) fn show(cloud: &Cloud, number: &Number) -> Response {
    let shown = cloud.flow_keys.of(number.place).map_or(json!({}), |key| {
        let state = if key.is_valid { "VALID" } else { "MISMATCH" };
        json!({ KEY: key.pem, "business_public_key_signature_status": state })
    });
    Json(shown).into_response()
}
