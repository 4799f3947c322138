//! Why a request got no usable answer.

use std::{error::Error, fmt, io};

/// A failure of transport, in words for people; [`kind`](Cause::kind) is for machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What failed.
    pub kind: CauseKind,
    /// What the layers below said. Holds no address, token or body.
    pub detail: String,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CauseKind {
    /// The host name could not be resolved.
    Dns,
    /// No connection: refused, unreachable.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// No connection, TLS included, within the connect timeout.
    ConnectTimeout,
    /// The request could not even be built.
    Request,
    /// No complete answer within the timeout.
    Timeout,
    /// The connection broke before the answer was complete.
    Disconnected,
    /// An HTTP error without an error body of the Graph API.
    Status(u16),
    /// A success that cannot be read, or without the id that it should carry.
    Unreadable,
}

impl CauseKind {
    /// A short stable name, fit for a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::ConnectTimeout => "connect_timeout",
            Self::Request => "request",
            Self::Timeout => "timeout",
            Self::Disconnected => "disconnected",
            Self::Status(_) => "status",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether the request certainly never left: not a byte of it was written.
    #[must_use]
    pub const fn is_never_written(self) -> bool {
        matches!(self, Self::Dns | Self::Connect | Self::Tls | Self::ConnectTimeout | Self::Request)
    }
}

impl Cause {
    pub(crate) fn new(kind: CauseKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::new(CauseKind::Status(status), format!("HTTP {status} without an error body of the Graph API"))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.detail)
    }
}

impl Error for Cause {}

impl From<reqwest::Error> for Cause {
    fn from(error: reqwest::Error) -> Self {
        Self::new(kind(&error), innermost(&error).to_string())
    }
}

/// Only what failed while connecting counts as never written. A request that was queued on a connection that closed at
/// that moment may be untouched too, but the layers below cannot always tell, so it counts as disconnected.
fn kind(error: &reqwest::Error) -> CauseKind {
    match () {
        () if error.is_builder() => CauseKind::Request,
        () if error.is_connect() && error.is_dns() => CauseKind::Dns,
        () if error.is_connect() && error.is_timeout() => CauseKind::ConnectTimeout,
        () if error.is_connect() && innermost(error).is::<rustls::Error>() => CauseKind::Tls,
        () if error.is_connect() => CauseKind::Connect,
        () if error.is_timeout() => CauseKind::Timeout,
        () => CauseKind::Disconnected,
    }
}

/// The deepest cause: the outer layers name the URL and say little else. `io::Error` hides what it wraps from
/// `source`, hence the second step.
fn innermost(error: &reqwest::Error) -> &(dyn Error + 'static) {
    let mut deepest: &(dyn Error + 'static) = error;
    loop {
        let wrapped = deepest.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| deepest.source()) {
            Some(next) => deepest = next,
            None => return deepest,
        }
    }
}
