//! `POST /{number}/media`.

use axum::Json;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error::GraphError;
use crate::cloud::{Cloud, Number};
use crate::media::{greatest_size, supported};

/// Files a medium under the number and gives its id.
pub(crate) async fn upload(cloud: &Cloud, number: &Number, request: Request) -> Result<Response, GraphError> {
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|_| GraphError::required("messaging_product"))?;
    let (mut product, mut file) = (None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("messaging_product") => product = Some(field.text().await.map_err(broken)?),
            Some("file") => file = Some(measure(field).await?),
            _ => {}
        }
    }
    match product.as_deref() {
        None => return Err(GraphError::required("messaging_product")),
        Some("whatsapp") => {}
        Some(_) => return Err(GraphError::not_one_of("messaging_product", "WHATSAPP")),
    }
    file.ok_or_else(|| GraphError::required("file"))?.check()?;
    let id = cloud.media.add(number.place, cloud.clock.now_us());
    Ok(Json(json!({ "id": id })).into_response())
}

fn broken(reason: MultipartError) -> GraphError {
    GraphError::parameter(format_args!("Invalid multipart body: {reason}"))
}

struct File {
    mime: String,
    bytes: usize,
}

/// Reads the file for its length alone.
async fn measure(mut field: Field<'_>) -> Result<File, GraphError> {
    let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
    let mut bytes = 0;
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        bytes += chunk.len();
    }
    Ok(File { mime, bytes })
}

impl File {
    fn check(&self) -> Result<(), GraphError> {
        let File { mime, bytes } = self;
        let greatest = greatest_size(mime).ok_or_else(|| {
            GraphError::parameter(format_args!(
                "Param file must be a file with one of the following types: {}. Received file of type '{mime}'.",
                supported()
            ))
        })?;
        match *bytes {
            0 => Err(GraphError::detailed(131_053, "The file is empty")),
            bytes if bytes > greatest => Err(GraphError::detailed(
                131_053,
                format!("File size {bytes} exceeds the maximum of {greatest} bytes for {mime}"),
            )),
            _ => Ok(()),
        }
    }
}
