//! Media that are at Meta: their particulars, their bytes, their end.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use reqwest::{Response, Url, header::AUTHORIZATION};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use crate::{ApiError, CallError, Cause, Client, MediaId, Token, call::unreachable};

/// The most that anybody can send or receive (Meta: media): 100 MB.
const MOST: usize = 100 << 20;

/// Where Meta keeps media. The token is shown to nobody else.
const META: [&str; 3] = ["fbsbx.com", "facebook.com", "whatsapp.net"];

/// What Meta says of a medium (Meta: media).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct MediaInfo {
    /// Its id: 30 days for what was uploaded, 7 days for what a user sent.
    pub id: MediaId,
    /// Where its bytes are for the next five minutes, for who shows the token. See [`Client::download_media`].
    pub url: String,
    /// Its type, such as `image/jpeg`.
    pub mime_type: String,
    /// The SHA-256 of its bytes, in hexadecimal digits or in base64.
    pub sha256: String,
    /// How many bytes it holds; Meta writes it as a string now and then.
    #[serde(deserialize_with = "count")]
    pub file_size: u64,
}

impl fmt::Debug for MediaInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, mime_type, file_size, .. } = self;
        write!(f, "MediaInfo({id}, {mime_type}, {file_size} bytes)")
    }
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count {
        Number(u64),
        Text(String),
    }
    match Count::deserialize(deserializer)? {
        Count::Number(number) => Ok(number),
        Count::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

impl Client {
    /// The particulars of a medium, with an address of its bytes that lives for five minutes. With `phone_number_id` only if it is
    /// that number's.
    ///
    /// # Errors
    /// [`CallError::Api`] with code 100, subcode 33 when there is none of that id any more.
    pub async fn media(
        &self,
        id: &MediaId,
        token: &Token,
        phone_number_id: Option<&str>,
    ) -> Result<MediaInfo, CallError> {
        self.call(self.get(&[id.as_str()], token).query(&phone_number_id.map(|it| [("phone_number_id", it)]))).await
    }

    /// The bytes of a medium, 100 MB at most, checked against its size and SHA-256. The token goes to the configured host or, by
    /// HTTPS, to one of Meta's, and nowhere else.
    ///
    /// # Errors
    /// [`CallError::Api`] with HTTP status 404 when the five minutes are over: ask for its particulars again.
    /// [`CallError::Malformed`] when the bytes are not those that Meta told of.
    pub async fn download_media(&self, media: &MediaInfo, token: &Token) -> Result<Bytes, CallError> {
        let url = Url::parse(&media.url).ok().filter(|url| self.is_trusted(url));
        let url = url.ok_or_else(|| malformed("the address of the medium is not one of Meta's"))?;
        let request = self.http.get(url).header(AUTHORIZATION, token.header()).timeout(self.upload_timeout);
        let response = request.send().await.map_err(|error| unreachable(error.into()))?;
        let status = response.status().as_u16();
        let bytes = body(response).await?;
        match status {
            200 => media.checked(bytes),
            500.. => Err(CallError::Unreachable(Cause::status(status))),
            _ => {
                Err(CallError::Api(Box::new(ApiError::parse(status, &bytes).unwrap_or_else(|| ApiError::bare(status)))))
            }
        }
    }

    /// Deletes a medium: it cannot be sent any more. What was sent with it stays.
    ///
    /// # Errors
    /// As [`Client::media`]; [`CallError::Malformed`] also when Meta says that it did nothing.
    pub async fn delete_media(
        &self,
        id: &MediaId,
        token: &Token,
        phone_number_id: Option<&str>,
    ) -> Result<(), CallError> {
        let request = self.delete(&[id.as_str()], token).query(&phone_number_id.map(|it| [("phone_number_id", it)]));
        self.change(request, "the medium was not deleted").await
    }

    fn is_trusted(&self, url: &Url) -> bool {
        let is_of =
            |host: &str, owner: &str| host.strip_suffix(owner).is_some_and(|it| it.is_empty() || it.ends_with('.'));
        let is_metas = url.host_str().is_some_and(|host| META.iter().any(|owner| is_of(host, owner)));
        url.origin() == self.root.origin() || (url.scheme() == "https" && is_metas)
    }
}

/// The body, as far as a medium can reach.
async fn body(mut response: Response) -> Result<Bytes, CallError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(error.into()))? {
        if bytes.len() + chunk.len() > MOST {
            return Err(malformed("the medium holds more than 100 MB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

impl MediaInfo {
    fn checked(&self, bytes: Bytes) -> Result<Bytes, CallError> {
        let (told, came) = (self.file_size, bytes.len());
        if told != came as u64 {
            return Err(malformed(&format!("Meta told of a medium of {told} bytes, and {came} came")));
        }
        let digest = Sha256::digest(&bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.sha256.eq_ignore_ascii_case(&hex) || self.sha256 == STANDARD.encode(digest) {
            Ok(bytes)
        } else {
            Err(malformed("the bytes of the medium do not have the SHA-256 that Meta told of"))
        }
    }
}

fn malformed(words: &str) -> CallError {
    CallError::Malformed(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientConfig;

    #[test]
    fn the_token_goes_to_meta_and_the_configured_host_alone() {
        let base_url = "http://127.0.0.1:9090/meta".to_owned();
        let client = Client::new(ClientConfig { base_url, ..ClientConfig::default() }).unwrap();
        for (url, is_trusted) in [
            ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", true),
            ("http://127.0.0.1:9090/x", true),
            ("http://lookaside.fbsbx.com/x", false),
            ("https://evilfbsbx.com/x", false),
            ("https://fbsbx.com.evil.example/x", false),
            ("http://127.0.0.1:9091/x", false),
        ] {
            assert_eq!(client.is_trusted(&Url::parse(url).unwrap()), is_trusted, "{url}");
        }
    }
}
