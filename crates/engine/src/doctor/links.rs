//! Asking for the files that Meta will fetch: by HEAD, and by a GET of one byte where that is refused, since some servers know
//! no HEAD.

use std::{error::Error, sync::OnceLock, time::Duration};

use dawncast_core::doctor::LinkAnswer;
use reqwest::{
    Client, Response,
    header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, RANGE},
    redirect::Policy,
};

/// A file that takes longer to begin is one that Meta may give up on.
const PATIENCE: Duration = Duration::from_secs(3);
const REDIRECTS: usize = 3;

/// Asks servers. Its client is made when it is first needed.
#[derive(Default)]
pub(super) struct Fetcher(OnceLock<Result<Client, String>>);

impl Fetcher {
    /// What the server says of a file, which is not fetched.
    pub(super) async fn ask(&self, url: &str) -> LinkAnswer {
        let http = match self.0.get_or_init(client) {
            Ok(http) => http,
            Err(why) => return LinkAnswer::Silence(why.clone()),
        };
        match http.head(url).send().await {
            Ok(response) if response.status().is_success() => return answer(&response, CONTENT_LENGTH),
            Ok(_) => {}
            // A run may be waiting: who does not answer is not asked twice.
            Err(error) => return LinkAnswer::Silence(innermost(&error)),
        }
        match http.get(url).header(RANGE, "bytes=0-0").send().await {
            Ok(response) if response.status().as_u16() == 206 => answer(&response, CONTENT_RANGE),
            Ok(response) => answer(&response, CONTENT_LENGTH),
            Err(error) => LinkAnswer::Silence(innermost(&error)),
        }
    }
}

fn client() -> Result<Client, String> {
    let builder = || {
        Client::builder()
            .user_agent(concat!("dawncast/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(Policy::limited(REDIRECTS))
            .timeout(PATIENCE)
    };
    // A system without root certificates can still ask by plain HTTP.
    let made = builder().build().or_else(|_| builder().tls_certs_only([]).build());
    made.map_err(|error| innermost(&error))
}

/// What the answer names; of a range, the whole length is behind the slash.
fn answer(response: &Response, length: HeaderName) -> LinkAnswer {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let bytes = text(length).and_then(|length| length.rsplit('/').next()?.parse().ok());
    LinkAnswer::Status { status: response.status().as_u16(), mime: text(CONTENT_TYPE).map(str::to_owned), bytes }
}

/// The deepest cause: the outer layers name the address again.
fn innermost(error: &reqwest::Error) -> String {
    let mut deepest: &dyn Error = error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    deepest.to_string()
}
