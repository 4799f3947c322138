//! Media: `POST /{number}/media`, `GET` and `DELETE /{medium}`, and the address where the bytes of one are for five minutes.

use axum::Json;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::error::GraphError;
use super::{done, query};
use crate::cloud::{Cloud, Number};
use crate::hex::hex;
use crate::media::{ADDRESS_LIFE, Medium, greatest_size, greatest_size_of, supported};

/// The path of bytes, as at Meta.
pub(crate) const BYTES: (&str, &str) = ("whatsapp_business", "attachments");

/// Files a medium under the number and gives its id.
pub(crate) async fn upload(cloud: &Cloud, number: &Number, request: Request) -> Result<Response, GraphError> {
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|_| GraphError::required("messaging_product"))?;
    let (mut product, mut file) = (None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("messaging_product") => product = Some(field.text().await.map_err(broken)?),
            Some("file") => file = Some(File::read(field).await?),
            _ => {}
        }
    }
    match product.as_deref() {
        None => return Err(GraphError::required("messaging_product")),
        Some("whatsapp") => {}
        Some(_) => return Err(GraphError::not_one_of("messaging_product", "WHATSAPP")),
    }
    let file = file.ok_or_else(|| GraphError::required("file"))?;
    file.check()?;
    let id = cloud.media.add(number.place, &file.mime, file.bytes.freeze(), cloud.clock.now_us());
    Ok(Json(json!({ "id": id })).into_response())
}

fn broken(reason: MultipartError) -> GraphError {
    GraphError::parameter(format_args!("Invalid multipart body: {reason}"))
}

struct File {
    mime: String,
    /// As much of it as tells whether it is too large.
    bytes: BytesMut,
    length: usize,
}

impl File {
    async fn read(mut field: Field<'_>) -> Result<Self, GraphError> {
        let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
        let most = greatest_size(&mime).unwrap_or_default();
        let (mut bytes, mut length) = (BytesMut::new(), 0);
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            length += chunk.len();
            if length <= most {
                bytes.extend_from_slice(&chunk);
            }
        }
        Ok(Self { mime, bytes, length })
    }

    fn check(&self) -> Result<(), GraphError> {
        let Self { mime, length, bytes } = self;
        let greatest = greatest_size_of(mime, bytes).ok_or_else(|| {
            GraphError::parameter(format_args!(
                "Param file must be a file with one of the following types: {}. Received file of type '{mime}'.",
                supported()
            ))
        })?;
        match *length {
            0 => Err(GraphError::detailed(131_053, "The file is empty")),
            length if length > greatest => Err(GraphError::detailed(
                131_053,
                format!("File size {length} exceeds the maximum of {greatest} bytes for {mime}"),
            )),
            _ => Ok(()),
        }
    }
}

/// `GET` and `DELETE /{medium}?phone_number_id=`
pub(crate) fn one(cloud: &Cloud, id: &str, request: &Request) -> Result<Response, GraphError> {
    let method = request.method();
    let unknown = || GraphError::unknown_object(method.as_str(), id);
    let medium = cloud.media.find(id, cloud.clock.now_us()).ok_or_else(unknown)?;
    let owner = &cloud.numbers[medium.number].id;
    if query(request.uri()).get("phone_number_id").is_some_and(|number| number != owner) {
        return Err(unknown());
    }
    match *method {
        Method::GET => Ok(Json(node(cloud, id, &medium, request.headers())).into_response()),
        Method::DELETE => {
            cloud.media.remove(id);
            Ok(done())
        }
        _ => Err(unknown()),
    }
}

fn node(cloud: &Cloud, id: &str, medium: &Medium, headers: &HeaderMap) -> serde_json::Value {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let end = cloud.clock.now_us() / 1_000_000 + ADDRESS_LIFE.as_secs();
    let (directory, file) = BYTES;
    let url = format!("http://{host}/{directory}/{file}/?mid={id}&ext={end}&hash={}", seal(cloud, id, end));
    json!({
        "messaging_product": "whatsapp", "url": url, "mime_type": medium.mime, "sha256": medium.sha256,
        "file_size": medium.size.to_string(), "id": id,
    })
}

/// What makes an address one that was given out.
fn seal(cloud: &Cloud, id: &str, end: u64) -> String {
    let digest = Sha256::digest(format!("{}|{id}|{end}", cloud.apps().first().app_token()));
    hex(&digest[..16])
}

/// The bytes at an address that was given out; 404 once it is over.
pub(crate) fn bytes(cloud: &Cloud, uri: &Uri) -> Response {
    let found = addressed(cloud, uri).and_then(|medium| medium.bytes.map(|bytes: Bytes| (medium.mime, bytes)));
    match found {
        Some((mime, bytes)) => ([(CONTENT_TYPE, mime)], bytes).into_response(),
        None => (StatusCode::NOT_FOUND, "Not Found").into_response(),
    }
}

fn addressed(cloud: &Cloud, uri: &Uri) -> Option<Medium> {
    let given = query(uri);
    let (id, end) = (given.get("mid")?, given.get("ext")?.parse().ok()?);
    let now_us = cloud.clock.now_us();
    let is_good = *given.get("hash")? == seal(cloud, id, end) && now_us < end * 1_000_000;
    cloud.media.find(id, now_us).filter(|_| is_good)
}
