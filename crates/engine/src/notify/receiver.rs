//! Who is told: an address and a secret, as people configure them, and the signature that follows from them. Headers and
//! signature are those of Standard Webhooks, for which receivers have libraries: <https://www.standardwebhooks.com>.

use std::{fmt, net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use sha2::Sha256;

/// What a secret begins with that holds its key in base64.
const BASE64_SECRET: &str = "whsec_";
/// Standard Webhooks: a key is 24 to 64 random bytes.
const SHORTEST_KEY: usize = 24;
/// From connecting to the last byte of the answer. Standard Webhooks leaves a receiver 15 to 30 s; to note an event and
/// answer takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where events for people go, and by what they are signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Notify {
    url: Url,
    key: Vec<u8>,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

/// The path of an address is often a secret of its own, so only its host is shown.
impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notify({})", self.host())
    }
}

/// An address or a secret that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNotify {
    /// The address.
    #[error("is no http:// or https:// address ({0}): give one such as https://hooks.example.com/dawncast")]
    Url(String),
    /// The secret.
    #[error("{0}: make one with `echo whsec_$(head -c 32 /dev/urandom | base64)`, and give it to the receiver as well")]
    Secret(&'static str),
}

impl Notify {
    /// A receiver at `url`. `secret` is `whsec_` and a key in base64, or a key as it stands.
    ///
    /// # Errors
    /// When the address is not one of HTTP, or the secret holds no key.
    pub fn new(url: &str, secret: &str) -> Result<Self, BadNotify> {
        let url = Url::parse(url).map_err(|why| BadNotify::Url(why.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadNotify::Url(format!("its scheme is {}", url.scheme())));
        }
        let key = match secret.strip_prefix(BASE64_SECRET) {
            Some(key) => BASE64_STANDARD.decode(key).map_err(|_| BadNotify::Secret("is not base64 behind `whsec_`"))?,
            None => secret.as_bytes().to_vec(),
        };
        if key.is_empty() {
            return Err(BadNotify::Secret("is empty, so anybody could sign"));
        }
        Ok(Self { url, key, timeout: TIMEOUT })
    }

    /// The same, waiting for an answer no longer than this.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// What a person should know of this receiver, though it can be used.
    pub(super) fn concerns(&self) -> Vec<&'static str> {
        let mut concerns = Vec::new();
        if self.url.scheme() == "http" && !self.is_loopback() {
            concerns.push("notify.url leads to another machine by plain http, where others can read along: use https");
        }
        if self.key.len() < SHORTEST_KEY {
            concerns.push("notify.secret is shorter than 24 bytes and may be guessed: use a longer one");
        }
        concerns
    }

    fn is_loopback(&self) -> bool {
        let host = self.host().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The machine that is told, for log lines.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The signature of a message that is sent at `timestamp`, in seconds since 1970.
    pub(super) fn signature(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

    use super::*;

    const URL: &str = "https://hooks.example.com/T0/secret";

    #[test]
    fn a_signature_is_the_one_that_the_libraries_of_the_standard_are_tested_with() {
        let notify = Notify::new(URL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = notify.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_without_the_prefix_is_the_key_itself() {
        let (raw, coded) = (Notify::new(URL, "four").unwrap(), Notify::new(URL, "whsec_Zm91cg==").unwrap());
        assert_eq!(raw, coded);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_a_remedy() {
        for (url, secret, says) in [
            ("hooks.example.com", "key", "is no http:// or https:// address"),
            ("ftp://hooks.example.com", "key", "its scheme is ftp"),
            (URL, "whsec_%", "is not base64 behind `whsec_`: make one with"),
            (URL, "whsec_", "is empty"),
            (URL, "", "is empty"),
        ] {
            let refused = Notify::new(url, secret).unwrap_err().to_string();
            assert!(refused.contains(says), "{refused}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        let concerns = |url: &str| Notify::new(url, "0123456789abcdef01234567").unwrap().concerns().len();
        for url in ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:9", URL] {
            assert_eq!(concerns(url), 0, "{url}");
        }
        assert_eq!(concerns("http://10.0.0.1/x"), 1);
        assert_eq!(Notify::new(URL, "short").unwrap().concerns().len(), 1);
    }

    #[test]
    fn neither_the_key_nor_the_path_is_printed() {
        assert_eq!(format!("{:?}", Notify::new(URL, "hunter2").unwrap()), "Notify(hooks.example.com)");
    }
}
