//! Deleting templates, and taking back a pause.

use axum::Json;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error::GraphError;
use super::{done, query};
use crate::cloud::Cloud;
use crate::templates::Template;

/// `DELETE /{waba}/message_templates?name=`, with `hsm_id` for one language alone.
pub(crate) fn delete(cloud: &Cloud, waba: usize, uri: &Uri) -> Result<Response, GraphError> {
    let given = query(uri);
    let name = given.get("name").ok_or_else(|| GraphError::required("name"))?;
    let is_meant = |it: &Template| {
        it.waba == waba && it.name == *name && given.get("hsm_id").is_none_or(|id| it.id.to_string() == *id)
    };
    let meant: Vec<_> = cloud.templates.all().into_iter().filter(|template| is_meant(template)).collect();
    if meant.is_empty() {
        return Err(GraphError::with_subcode("Message template not found", 2_593_002));
    }
    if meant.iter().any(|template| template.status == "DISABLED") {
        return Err(GraphError::parameter("A disabled message template cannot be deleted"));
    }
    let ids: Vec<_> = meant.iter().map(|template| template.id).collect();
    cloud.templates.delete(&ids, cloud.clock.now_us());
    Ok(done())
}

/// `POST /{template}/unpause`
pub(crate) fn unpause(cloud: &Cloud, template: &Template) -> Result<Response, GraphError> {
    if template.status != "PAUSED" {
        let reason = "The template is not paused";
        return Ok(Json(json!({ "success": false, "reason": reason })).into_response());
    }
    cloud.unpause(template.id);
    Ok(done())
}
