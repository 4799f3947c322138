//! Assets: `/v1/assets`. A media file comes as the body itself or as the first file of a form.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State, multipart::MultipartError},
    http::{StatusCode, header},
    response::Response,
};
use dawncast_cloud_api::MediaKind;
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
    let mime = checked_mime(upload.mime.as_deref().unwrap_or_default(), &upload.bytes)?;
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

/// The media type, if Meta takes a file of this type and size: by the rule by which the file is uploaded to it.
fn checked_mime(given: &str, bytes: &[u8]) -> Result<&'static str, Problem> {
    let Some((mime, MediaKind { name, most_bytes })) = MediaKind::of(given, bytes) else {
        let known = MediaKind::mimes().collect::<Vec<_>>().join(", ");
        let plain = given.split(';').next().unwrap_or_default().trim();
        let detail = format!("WhatsApp does not take `{plain}`; send the Content-Type of the file, one of {known}.");
        return Err(Problem::new(Kind::UnsupportedMediaType, detail));
    };
    match bytes.len() {
        0 => Err(Problem::malformed("The file is empty.")),
        size if size > most_bytes => {
            let detail =
                format!("The file has {size} bytes; WhatsApp takes {name}, {mime}, of up to {most_bytes} bytes.");
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

    /// A file of this type, of so many bytes, that begins so.
    fn checked(mime: &str, head: &[u8], size: usize) -> Result<&'static str, StatusCode> {
        let mut bytes = head.to_vec();
        bytes.resize(size, 0);
        checked_mime(mime, &bytes).map_err(|problem| problem.status())
    }

    #[test]
    fn a_file_is_taken_when_meta_takes_it() {
        assert_eq!(checked("image/PNG; charset=binary", b"", 5 * MB), Ok("image/png"));
        assert_eq!(checked("video/mp4", b"", 16 * MB), Ok("video/mp4"));
        assert_eq!(checked("image/png", b"", 5 * MB + 1), Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(checked("image/gif", b"", 1), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(checked("", b"", 1), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(checked("image/png", b"", 0), Err(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn a_sticker_that_stands_still_is_smaller_than_one_that_moves() {
        const STILL: &[u8] = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\x10";
        const MOVING: &[u8] = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\x12";
        let kb = |count: usize| count * 1024;
        assert_eq!(checked("image/webp", STILL, kb(100)), Ok("image/webp"));
        assert_eq!(checked("image/webp", STILL, kb(100) + 1), Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(checked("image/webp", MOVING, kb(500)), Ok("image/webp"));
        assert_eq!(checked("image/webp", MOVING, kb(500) + 1), Err(StatusCode::PAYLOAD_TOO_LARGE));
        let told = checked_mime("image/webp", &vec![0; kb(200)]).expect_err("too large").detail().to_owned();
        assert!(told.contains("takes a sticker, image/webp, of up to 102400 bytes"), "{told}");
    }
}
