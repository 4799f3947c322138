//! The connection pool, and where requests go.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use reqwest::{
    Method, RequestBuilder, Url,
    header::{AUTHORIZATION, DATE, HeaderMap, RETRY_AFTER},
};

use crate::{
    Cause, Token,
    usage::{Meter, Usage},
};

/// An answer to nothing that takes longer is none.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// How to reach the Graph API.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Scheme, host and, if needed, port and path prefix.
    pub base_url: String,
    /// Version segment such as `v26.0`; `None` or empty for unversioned paths, which take the app's default version.
    pub version: Option<String>,
    /// From the first byte of connecting to the last byte of the answer. Keep it well above `connect_timeout`: a
    /// request that times out here counts as perhaps sent, even if the connection never stood.
    pub timeout: Duration,
    /// Name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// As `timeout`, for media uploads (up to 100 MB).
    pub upload_timeout: Duration,
    /// Idle connections kept. In flight ≈ rate × round trip, so 1000 carry some 6,000 messages a second at 150 ms.
    pub pool_max_idle: usize,
    /// How long an idle connection is kept. Short, because a POST that meets a server closing its idle connection is
    /// lost in doubt.
    pub pool_idle_timeout: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            base_url: "https://graph.facebook.com".to_owned(),
            version: Some("v26.0".to_owned()),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            upload_timeout: Duration::from_secs(60),
            pool_max_idle: 1000,
            pool_idle_timeout: Duration::from_secs(30),
        }
    }
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// `base_url` is no absolute HTTP URL.
    #[error("base_url `{url}` is not an http:// or https:// address: {reason}")]
    BaseUrl {
        /// The URL as configured.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `version` is neither empty nor of the form `v26.0`.
    #[error("version `{0}` is not of the form `v26.0`; leave it empty for unversioned paths")]
    Version(String),
    /// TLS could not be set up, as when the system holds no root certificates.
    #[error("cannot set up HTTPS (are the system's root certificates, such as ca-certificates, installed?)")]
    Tls(#[source] reqwest::Error),
}

/// A client of the WhatsApp Cloud API. Cheap to clone; clones share one pool of HTTP/1.1 connections.
///
/// It never repeats a request: no retry policy, no redirects, no proxy. One exception lies below it and is harmless:
/// when a pooled connection turns out to be closed before a request was taken off its queue, so that not a byte of it
/// was written, the pool moves the request to another connection. After the first byte nothing is ever sent again.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) root: Url,
    pub(crate) upload_timeout: Duration,
    pub(crate) meter: Meter,
}

impl Client {
    /// Builds a client. Opens no connection yet.
    ///
    /// The first client of a process installs `ring` as the process-wide TLS provider, unless there is one already.
    ///
    /// # Errors
    /// When the address or version is malformed, or an `https` address meets a system without root certificates.
    pub fn new(config: ClientConfig) -> Result<Self, ClientError> {
        let root = root(&config)?;
        install_tls_provider();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("dawncast-cloud-api/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(config.timeout)
            .connect_timeout(config.connect_timeout)
            .pool_max_idle_per_host(config.pool_max_idle)
            .pool_idle_timeout(config.pool_idle_timeout);
        if root.scheme() == "http" {
            // Loading the system's roots takes milliseconds and fails where there are none; plain HTTP needs neither.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(ClientError::Tls)?;
        Ok(Self { http, root, upload_timeout: config.upload_timeout, meter: Meter::default() })
    }

    /// A POST to an edge of an object, such as `/v26.0/{phone_number_id}/messages`.
    pub(crate) fn post(&self, id: &str, edge: &str, token: &Token) -> RequestBuilder {
        self.http.post(self.url(&[id, edge])).header(AUTHORIZATION, token.header())
    }

    /// A POST to an object itself.
    pub(crate) fn post_to(&self, id: &str, token: &Token) -> RequestBuilder {
        self.http.post(self.url(&[id])).header(AUTHORIZATION, token.header())
    }

    /// A POST to an upload session, or a GET of where it stands. Meta wants the token shown as OAuth there.
    pub(crate) fn upload(&self, method: Method, session: &str, token: &Token) -> RequestBuilder {
        self.http.request(method, self.url(&[session])).header(AUTHORIZATION, token.oauth())
    }

    /// A GET of an object (one segment) or of its edge (two).
    pub(crate) fn get(&self, segments: &[&str], token: &Token) -> RequestBuilder {
        self.http.get(self.url(segments)).header(AUTHORIZATION, token.header())
    }

    /// A DELETE of an object (one segment) or of its edge (two).
    pub(crate) fn delete(&self, segments: &[&str], token: &Token) -> RequestBuilder {
        self.http.delete(self.url(segments)).header(AUTHORIZATION, token.header())
    }

    /// How much of Meta's limits on calls is used, as the answers to this client and its clones told last; answers to messages tell
    /// nothing. See [`Client::metered`] for the answer to one call alone.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// A clone that keeps its own [`Usage`], empty at first: what one call's answer tells, refusals included, is read from it.
    #[must_use]
    pub fn metered(&self) -> Self {
        Self { meter: Meter::default(), ..self.clone() }
    }

    /// Whether the Cloud API is there: asks it for nothing, without a token, and takes any answer that is not a server's
    /// own fault. Costs no message, no limit, and may be repeated at will.
    pub async fn is_there(&self) -> bool {
        let request = self.http.get(self.root.clone()).timeout(PROBE_TIMEOUT);
        exchange(request).await.is_ok_and(|answer| answer.status < 500)
    }

    /// What time it is at the Cloud API, in seconds since 1970, by the `Date` of its answer to the same question; none where it
    /// does not answer, or not with one.
    pub async fn time(&self) -> Option<u64> {
        let request = self.http.get(self.root.clone()).timeout(PROBE_TIMEOUT);
        let response = request.send().await.ok()?;
        let date = response.headers().get(DATE)?.to_str().ok()?;
        let since = httpdate::parse_http_date(date).ok()?.duration_since(SystemTime::UNIX_EPOCH);
        Some(since.ok()?.as_secs())
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.root.clone();
        url.path_segments_mut().expect("http URLs have a path").pop_if_empty().extend(segments);
        url
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("root", &self.root.as_str()).finish_non_exhaustive()
    }
}

/// A complete HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends a request once and reads the whole answer.
pub(crate) async fn exchange(request: RequestBuilder) -> Result<Answer, Cause> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let headers = std::mem::take(response.headers_mut());
    let body = response.bytes().await?;
    Ok(Answer { status, retry_after: retry_after.map(Duration::from_secs), headers, body })
}

fn root(config: &ClientConfig) -> Result<Url, ClientError> {
    let bad = |reason: String| ClientError::BaseUrl { url: config.base_url.clone(), reason };
    let mut root = Url::parse(&config.base_url).map_err(|error| bad(error.to_string()))?;
    if !matches!(root.scheme(), "http" | "https") {
        return Err(bad(format!("unknown scheme `{}`", root.scheme())));
    }
    if root.query().is_some() || root.fragment().is_some() || !root.username().is_empty() || root.password().is_some() {
        return Err(bad("query, fragment and credentials have no place here".to_owned()));
    }
    if let Some(version) = config.version.as_deref().filter(|version| !version.is_empty()) {
        if !is_version(version) {
            return Err(ClientError::Version(version.to_owned()));
        }
        root.path_segments_mut().expect("http URLs have a path").pop_if_empty().push(version);
    }
    Ok(root)
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(a, b)| digits(a) && digits(b))
}

fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing a race to another thread is fine: what matters is that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base_url: &str, version: &str) -> Result<Client, ClientError> {
        Client::new(ClientConfig {
            base_url: base_url.to_owned(),
            version: Some(version.to_owned()),
            ..ClientConfig::default()
        })
    }

    fn url(base_url: &str, version: &str, id: &str) -> String {
        client(base_url, version).unwrap().url(&[id, "messages"]).to_string()
    }

    #[test]
    fn paths_are_joined_with_and_without_version_and_prefix() {
        assert_eq!(url("http://h", "v26.0", "1"), "http://h/v26.0/1/messages");
        assert_eq!(url("http://h/", "", "1"), "http://h/1/messages");
        assert_eq!(url("http://h/meta/", "v9.0", "1"), "http://h/meta/v9.0/1/messages");
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        assert_eq!(url("http://h", "v26.0", "1/../x?y"), "http://h/v26.0/1%2F..%2Fx%3Fy/messages");
    }

    #[test]
    fn a_malformed_address_or_version_is_refused_with_a_remedy() {
        for address in ["graph.facebook.com", "ftp://h", "http://h?x=1", "http://user:pw@h", ""] {
            let error = client(address, "").unwrap_err().to_string();
            assert!(error.contains(&format!("base_url `{address}`")), "{error}");
        }
        for version in ["26.0", "v26", "v26.", "latest", "v26.0/x"] {
            assert!(client("http://h", version).unwrap_err().to_string().contains("`v26.0`"), "{version}");
        }
    }

    #[test]
    fn clients_can_be_built_many_times_at_once() {
        let builders: Vec<_> = (0..8).map(|_| std::thread::spawn(|| client("http://h", "v26.0").is_ok())).collect();
        assert!(builders.into_iter().all(|builder| builder.join().unwrap()));
    }
}
