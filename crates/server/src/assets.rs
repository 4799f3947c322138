//! Assets: `/v1/assets`. A media file comes as the body itself or as the first file of a form.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State, multipart::MultipartError},
    http::{StatusCode, header},
    response::Response,
};
use dawncast_core::ids::AssetId;
use dawncast_store::records::{Asset, NewAsset, Page, UploadedAsset};
use serde::{Deserialize, Serialize};

use crate::{
    extract::{PageQuery, Query, read_body},
    once::{Created, Once},
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

const MB: usize = 1024 * 1024;

/// The largest asset of all, in bytes; the form around it may add a little.
const MAX_ASSET: usize = 100 * MB;

/// What Meta takes, and how much of it (Meta: supported media types).
const MEDIA: [(&str, usize); 19] = [
    ("image/jpeg", 5 * MB),
    ("image/png", 5 * MB),
    ("image/webp", 500 * 1024),
    ("video/mp4", 16 * MB),
    ("video/3gp", 16 * MB),
    ("video/3gpp", 16 * MB),
    ("audio/aac", 16 * MB),
    ("audio/amr", 16 * MB),
    ("audio/mpeg", 16 * MB),
    ("audio/mp4", 16 * MB),
    ("audio/ogg", 16 * MB),
    ("application/pdf", 100 * MB),
    ("text/plain", 100 * MB),
    ("application/msword", 100 * MB),
    ("application/vnd.ms-excel", 100 * MB),
    ("application/vnd.ms-powerpoint", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", 100 * MB),
];

/// An asset as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    id: AssetId,
    name: String,
    mime: String,
    size: u64,
    sha256: String,
    created_at: String,
}

impl From<Asset> for View {
    fn from(Asset { id, name, mime, size, sha256, created_at }: Asset) -> Self {
        Self { id, name, mime, size, sha256, created_at: rfc3339(created_at) }
    }
}

/// The query of an upload.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadQuery {
    name: Option<String>,
}

/// What was uploaded.
struct Upload {
    name: Option<String>,
    mime: Option<String>,
    bytes: Bytes,
}

/// `POST /v1/assets`.
pub(crate) async fn upload(
    State(state): State<ApiState>,
    once: Once,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let upload = read(request).await?;
    let name = query.name.or(upload.name).filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| Problem::malformed("The file has no name; add `?name=` to the address."))?;
    let mime = checked_mime(upload.mime.as_deref().unwrap_or_default(), upload.bytes.len())?;
    let create = async |minted| {
        let id: AssetId = format!("ast_{minted}").parse().expect("minted ids are plain");
        let new = NewAsset { id: &id, name: &name, mime, bytes: &upload.bytes };
        match state.store.add_asset(new, state.now()).await? {
            UploadedAsset::New(asset) => Ok(Created::new(&View::from(asset))),
            UploadedAsset::Same(asset) => Ok(Created::with(StatusCode::OK, &View::from(asset))),
            UploadedAsset::NameTaken(asset) => {
                let detail = format!("`{name}` is another file, the asset `{}`; take another name.", asset.id);
                Err(Problem::new(Kind::Conflict, detail))
            }
        }
    };
    once.create(&state, &upload.bytes, create).await
}

async fn read(request: Request) -> Result<Upload, Problem> {
    let mime = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if mime.as_ref().is_some_and(|mime| mime.starts_with("multipart/form-data")) {
        return read_form(request).await;
    }
    let (parts, body) = request.into_parts();
    Ok(Upload { name: None, mime, bytes: read_body(&parts.headers, body, MAX_ASSET).await? })
}

async fn read_form(request: Request) -> Result<Upload, Problem> {
    let (parts, body) = request.into_parts();
    // Read whole first, so that too large a form is told from a broken one.
    let bytes = read_body(&parts.headers, body, MAX_ASSET + MB).await?;
    let mut whole = Request::from_parts(parts, Body::from(bytes));
    DefaultBodyLimit::disable().apply(&mut whole);
    let mut form = Multipart::from_request(whole, &()).await.map_err(|error| Problem::malformed(error.body_text()))?;
    let broken = |error: MultipartError| Problem::malformed(error.body_text());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if let Some(name) = field.file_name().map(str::to_owned) {
            let mime = field.content_type().map(str::to_owned);
            return Ok(Upload { name: Some(name), mime, bytes: field.bytes().await.map_err(broken)? });
        }
    }
    Err(Problem::malformed("The form holds no file."))
}

/// The media type, if Meta takes a file of this type and size.
fn checked_mime(given: &str, size: usize) -> Result<&'static str, Problem> {
    let plain = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some((mime, limit)) = MEDIA.iter().find(|(mime, _)| *mime == plain) else {
        let known = MEDIA.map(|(mime, _)| mime).join(", ");
        let detail = format!("WhatsApp does not take `{plain}`; send the Content-Type of the file, one of {known}.");
        return Err(Problem::new(Kind::UnsupportedMediaType, detail));
    };
    match size {
        0 => Err(Problem::malformed("The file is empty.")),
        size if size > *limit => {
            let detail = format!("The file has {size} bytes; WhatsApp takes {mime} of up to {limit} bytes.");
            Err(Problem::new(Kind::TooLarge, detail))
        }
        _ => Ok(mime),
    }
}

/// `GET /v1/assets`.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let assets = state.store.assets_page(page.limit()?, page.cursor.as_deref()).await?;
    Ok(Json(assets.map(View::from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_when_meta_takes_it() {
        assert_eq!(checked_mime("image/PNG; charset=binary", 5 * MB).ok(), Some("image/png"));
        assert_eq!(checked_mime("video/mp4", 16 * MB).ok(), Some("video/mp4"));
        let refused = |mime, size| checked_mime(mime, size).expect_err("refused").status();
        assert_eq!(refused("image/png", 5 * MB + 1), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(refused("image/webp", 500 * 1024 + 1), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(refused("image/gif", 1), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(refused("", 1), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(refused("image/png", 0), StatusCode::BAD_REQUEST);
    }
}
