//! Resumable upload: files that belong to the app, such as the sample of a template's header (Meta: resumable upload).

use std::fmt;

use bytes::Bytes;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{CallError, Client, Token};

/// How often an upload that was cut off is gone on with, from as far as it came.
const RESUMES: usize = 3;

/// An uploaded file, as a template names it in `example.header_handle`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadHandle(String);

impl UploadHandle {
    /// The handle as Meta gave it, such as `4::aW…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UploadHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
struct Session {
    id: String,
}

#[derive(Deserialize)]
struct Finished {
    h: UploadHandle,
}

#[derive(Deserialize)]
struct Progress {
    file_offset: usize,
}

impl Client {
    /// Uploads a file to an app, and goes on where it was cut off, three times at most. A second upload of the same bytes gives
    /// a second handle and does no harm.
    ///
    /// # Errors
    /// [`CallError::Api`] where Meta refuses the file, as for its type (Meta takes JPEG, PNG, MP4 and PDF as samples);
    /// [`CallError::Unreachable`] where it was cut off too often.
    pub async fn upload_to_app(
        &self,
        app_id: &str,
        token: &Token,
        bytes: impl Into<Bytes>,
        mime: &str,
        filename: &str,
    ) -> Result<UploadHandle, CallError> {
        let bytes = bytes.into();
        let length = bytes.len().to_string();
        let named = [("file_name", filename), ("file_length", length.as_str()), ("file_type", mime)];
        let Session { id } = self.call(self.post(app_id, "uploads", token).query(&named)).await?;
        let mut offset = 0;
        for _ in 0..RESUMES {
            match self.upload_from(&id, token, bytes.slice(offset..), offset).await {
                Err(CallError::Unreachable(_)) => {}
                answered => return answered,
            }
            let Progress { file_offset } = self.call(self.upload(Method::GET, &id, token)).await?;
            offset = file_offset.min(bytes.len());
        }
        self.upload_from(&id, token, bytes.slice(offset..), offset).await
    }

    async fn upload_from(
        &self,
        session: &str,
        token: &Token,
        rest: Bytes,
        offset: usize,
    ) -> Result<UploadHandle, CallError> {
        let request = self.upload(Method::POST, session, token);
        let request = request.header("file_offset", offset).timeout(self.upload_timeout).body(rest);
        Ok(self.call::<Finished>(request).await?.h)
    }
}
