//! Resumable upload: `POST /{app}/uploads`, then `POST` and `GET /upload:…`.

use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error::GraphError;
use super::query;
use crate::cloud::Cloud;
use crate::listener::Line;
use crate::uploads::Took;

/// What Meta takes as a sample, and how large (Meta: resumable upload; sizes as those of media).
const TYPES: [(&str, usize); 5] = [
    ("image/jpeg", 5 << 20),
    ("image/jpg", 5 << 20),
    ("image/png", 5 << 20),
    ("video/mp4", 16 << 20),
    ("application/pdf", 100 << 20),
];

/// `POST /{app}/uploads?file_name=&file_length=&file_type=`
pub(crate) fn open(cloud: &Cloud, uri: &Uri) -> Result<Response, GraphError> {
    let mut given = query(uri);
    let mut required = |name: &str| given.remove(name).ok_or_else(|| GraphError::required(name));
    let (length, mime) = (required("file_length")?, required("file_type")?);
    let length: usize = length.parse().map_err(|_| GraphError::parameter("Param file_length must be an integer"))?;
    let known = TYPES.iter().find(|(name, _)| *name == mime);
    let (_, greatest) = known.ok_or_else(|| GraphError::parameter(format_args!("Unsupported file type {mime}")))?;
    if length == 0 || length > *greatest {
        return Err(GraphError::parameter(format_args!("file_length must lie between 1 and {greatest}")));
    }
    Ok(Json(json!({ "id": cloud.uploads.open(length) })).into_response())
}

/// `POST /upload:…` with the bytes from `file_offset` on.
pub(crate) async fn take(cloud: &Cloud, line: &Line, id: &str, request: Request) -> Result<Response, GraphError> {
    let offset = request.headers().get("file_offset").and_then(|value| value.to_str().ok()?.parse().ok());
    let offset = offset.ok_or_else(|| GraphError::required("file_offset"))?;
    let longest = TYPES.iter().map(|(_, size)| *size).max().unwrap_or_default();
    let bytes =
        to_bytes(request.into_body(), longest).await.map_err(|_| GraphError::parameter("The file is too large."))?;
    match cloud.uploads.take(id, offset, bytes.len()) {
        Took::Whole(handle) => Ok(Json(json!({ "h": handle })).into_response()),
        Took::Part(session) => Ok(Json(json!({ "id": id, "file_offset": session.received })).into_response()),
        Took::Cut => Ok(line.reset()),
        Took::Misplaced(session) => {
            let message = format!("file_offset {offset} does not match the received {} bytes", session.received);
            Err(GraphError::parameter(message))
        }
        Took::Unknown => Err(GraphError::unknown_object("post", id)),
    }
}

/// `GET /upload:…`
pub(crate) fn show(cloud: &Cloud, id: &str) -> Result<Response, GraphError> {
    let session = cloud.uploads.session(id).ok_or_else(|| GraphError::unknown_object("get", id))?;
    Ok(Json(json!({ "id": id, "file_offset": session.received })).into_response())
}
