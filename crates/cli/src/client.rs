//! The server's HTTP API, as the commands call it.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use dawncast_store::records::Secret;
use rand::RngExt;
use reqwest::{
    Body, Client, Method, RequestBuilder, Response, Url,
    header::{ACCEPT, CONTENT_TYPE, ETAG, IF_MATCH},
};
use serde_json::Value;

use crate::{
    commands::read_secret,
    failure::{Failure, Problem},
    output,
};

/// How long a connection may take to stand. Calls themselves may take long: a large import does.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Which server, as whom, and how its answers are shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server and output")]
pub(crate) struct Remote {
    /// The server's API.
    #[arg(long, env = "DAWNCAST_URL", default_value = "http://127.0.0.1:8080", global = true)]
    url: String,
    /// A file with the API key; otherwise DAWNCAST_KEY holds it.
    #[arg(long, value_name = "FILE", global = true)]
    key_file: Option<PathBuf>,
    /// Print JSON, for machines.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Remote {
    /// A client of that server.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        let key = match &self.key_file {
            Some(path) => Some(read_secret(path, "the API key")?),
            None => std::env::var("DAWNCAST_KEY").ok().filter(|key| !key.is_empty()).map(Secret::new),
        };
        Api::new(&self.url, key)
    }

    /// Shows an answer: as it is for machines, or as `people` makes it readable.
    pub(crate) fn show(&self, answer: &Value, people: impl FnOnce(&Value) -> String) {
        output::show(self.json, answer, people);
    }
}

/// A client of one server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: Client,
    base: Url,
    key: Option<Secret>,
}

impl Api {
    /// A client of the server at `base`.
    pub(crate) fn new(base: &str, key: Option<Secret>) -> Result<Self, Failure> {
        let url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = url.ok_or_else(|| Failure::Usage(format!("`{base}` is no address like http://127.0.0.1:8080")))?;
        Ok(Self { http: http_client(base.scheme() == "https")?, base, key })
    }

    /// A GET; `query` is sent where it has values.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, Option<String>)]) -> Result<Value, Failure> {
        let query: Vec<_> = query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        self.answer(self.request(Method::GET, path).query(&query)).await
    }

    /// A GET of CSV, as it comes.
    pub(crate) async fn get_csv(&self, path: &[&str], query: &[(&str, Option<String>)]) -> Result<Response, Failure> {
        self.get_rows(path, query, "text/csv").await
    }

    /// A GET of rows in the form `mime`, as they come.
    pub(crate) async fn get_rows(
        &self,
        path: &[&str],
        query: &[(&str, Option<String>)],
        mime: &str,
    ) -> Result<Response, Failure> {
        let query: Vec<_> = query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        self.send(self.request(Method::GET, path).query(&query).header(ACCEPT, mime)).await
    }

    /// A POST without a body: pause, resume and the like.
    pub(crate) async fn post(&self, path: &[&str]) -> Result<Value, Failure> {
        self.answer(self.request(Method::POST, path)).await
    }

    /// A POST that only asks.
    pub(crate) async fn ask(&self, path: &[&str], body: String) -> Result<Value, Failure> {
        self.answer(self.request(Method::POST, path).header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// The same, with a query.
    pub(crate) async fn ask_with(
        &self,
        path: &[&str],
        query: &[(&str, Option<String>)],
        body: String,
    ) -> Result<Value, Failure> {
        let query: Vec<_> = query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        let request = self.request(Method::POST, path).query(&query).header(CONTENT_TYPE, "application/json");
        self.answer(request.body(body)).await
    }

    /// A POST that creates something. `key` tells a repetition; without it every call creates.
    pub(crate) async fn create(&self, path: &[&str], body: String, key: Option<&str>) -> Result<Value, Failure> {
        let key = key.map_or_else(fresh_key, str::to_owned);
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        self.answer(request.header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// A POST of a file.
    pub(crate) async fn upload(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        mime: &str,
        body: impl Into<Body>,
    ) -> Result<Value, Failure> {
        let request = self.request(Method::POST, path).query(query).header("Idempotency-Key", fresh_key());
        self.answer(request.header(CONTENT_TYPE, mime).body(body)).await
    }

    /// A PATCH.
    pub(crate) async fn patch(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.answer(self.request(Method::PATCH, path).json(body)).await
    }

    /// A PUT.
    pub(crate) async fn put(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.answer(self.request(Method::PUT, path).json(body)).await
    }

    /// A GET, with the `ETag` of what was read.
    pub(crate) async fn get_tagged(&self, path: &[&str]) -> Result<(Value, String), Failure> {
        let response = self.send(self.request(Method::GET, path)).await?;
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        Ok((self.json(response).await?, tag))
    }

    /// A PATCH of what was read under `tag`.
    pub(crate) async fn patch_if(&self, path: &[&str], body: String, tag: &str) -> Result<Value, Failure> {
        let request = self.request(Method::PATCH, path).header(IF_MATCH, tag);
        self.answer(request.header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// A DELETE.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.delete_with(path, &[]).await
    }

    /// A DELETE; `query` is sent where it has values.
    pub(crate) async fn delete_with(&self, path: &[&str], query: &[(&str, Option<String>)]) -> Result<(), Failure> {
        let query: Vec<_> = query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        self.send(self.request(Method::DELETE, path).query(&query)).await.map(drop)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("http URLs have a path").pop_if_empty().extend(path);
        let request = self.http.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        }
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = self.send(request).await?;
        self.json(response).await
    }

    async fn json(&self, response: Response) -> Result<Value, Failure> {
        let body = response.bytes().await.map_err(|why| self.unreachable(&why))?;
        serde_json::from_slice(&body)
            .map_err(|why| Failure::new(format!("{} answered something that is not JSON ({why})", self.base)))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|why| self.unreachable(&why))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    async fn refusal(&self, response: Response) -> Failure {
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        let Ok(mut problem) = serde_json::from_slice::<Problem>(&body) else {
            return Failure::new(format!("{} answered {status}. Is it a Dawncast server?", self.base));
        };
        if status == reqwest::StatusCode::UNAUTHORIZED {
            problem.detail.push_str(" Put it into DAWNCAST_KEY, or into a file for --key-file.");
        }
        Failure::Refused(Box::new(problem))
    }

    fn unreachable(&self, why: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = why;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Failure::new(format!(
            "{} cannot be reached ({cause}). Is `dawncast serve` running there? DAWNCAST_URL names another server",
            self.base
        ))
    }
}

/// An HTTP client. Without `https` it needs no root certificates.
pub(crate) fn http_client(https: bool) -> Result<Client, Failure> {
    // Fails when there is a provider already, and any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder().connect_timeout(CONNECT_WITHIN);
    if !https {
        // Plain HTTP needs no root certificates, and not every system has them.
        builder = builder.tls_certs_only([]).no_proxy();
    }
    builder.build().map_err(|why| Failure::new(format!("HTTPS cannot be set up: {why}. Install ca-certificates")))
}

fn fresh_key() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}
