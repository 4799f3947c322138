//! How objects are asked for over HTTP: by a client that is set up as all of ours are, HTTP/1.1 and nothing else. The one
//! that `object_store` brings would turn HTTP/2 on for the whole process.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    },
};

/// A part of an object is 5 MB: slow lines carry that, too.
const WITHIN: Duration = Duration::from_secs(30);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// Makes the client.
#[derive(Debug)]
pub(super) struct Connector(reqwest::Client);

impl Connector {
    /// For an address of this scheme.
    pub(super) fn new(scheme: &str) -> Result<Self, reqwest::Error> {
        // Another client of the process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("dawncast/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(WITHIN)
            .connect_timeout(CONNECT_WITHIN);
        if scheme == "http" {
            // Plain HTTP needs no roots, and there may be none.
            builder = builder.tls_certs_only([]);
        }
        builder.build().map(Self)
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.clone())))
    }
}

#[derive(Debug)]
struct Service(reqwest::Client);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let address = head.uri.to_string();
        let url = reqwest::Url::parse(&address).map_err(|why| HttpError::new(HttpErrorKind::Unknown, why))?;
        let mut request = reqwest::Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        let answer = self.0.execute(request).await.map_err(failed)?;
        let answer: http::Response<reqwest::Body> = answer.into();
        let (head, body) = answer.into_parts();
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body.map_err(failed))))
    }
}

/// What kind of failure it was: `object_store` decides by it what may be asked again.
fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else {
        broken(&error)
    };
    HttpError::new(kind, error.without_url())
}

/// A connection that broke under way says so at the bottom.
fn broken(error: &reqwest::Error) -> HttpErrorKind {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return HttpErrorKind::Interrupted;
        }
        cause = error.source();
    }
    HttpErrorKind::Request
}
