//! Uploading media once, to be sent by id to many; reading, fetching and deleting what was uploaded or received.

mod download;
mod limits;

pub use download::MediaInfo;
pub use limits::MediaKind;

use std::fmt;

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use serde::{Deserialize, Serialize};

use crate::{CallError, Client, Token};

/// An uploaded file: valid 30 days, for the number it was uploaded to (Meta: media).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaId(String);

impl MediaId {
    /// The id as Meta gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for MediaId {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
struct Uploaded {
    id: MediaId,
}

impl Client {
    /// Uploads a file for one number. Limits (Meta: supported media types): image 5 MB, audio and video 16 MB,
    /// document 100 MB, sticker (`image/webp`) 100 KB, animated 500 KB. A second upload of the same bytes gives a second id and
    /// does no harm.
    ///
    /// # Errors
    /// [`CallError::Invalid`], before anything is sent, for a MIME type that WhatsApp does not take, an empty file, and one above
    /// its limit; [`CallError::Api`] with 131053 or 100 where Meta finds the bytes to be something else.
    pub async fn upload_media(
        &self,
        phone_number_id: &str,
        token: &Token,
        bytes: impl Into<Bytes>,
        mime: &str,
        filename: &str,
    ) -> Result<MediaId, CallError> {
        let bytes = bytes.into();
        limits::check(mime, &bytes).map_err(CallError::Invalid)?;
        let file = Part::stream(bytes)
            .file_name(filename.to_owned())
            .mime_str(mime)
            .map_err(|_| CallError::Invalid(format!("`{mime}` is not a MIME type such as image/jpeg")))?;
        let form = Form::new().text("messaging_product", "whatsapp").text("type", mime.to_owned()).part("file", file);
        let request = self.post(phone_number_id, "media", token).timeout(self.upload_timeout).multipart(form);
        Ok(self.call::<Uploaded>(request).await?.id)
    }
}
