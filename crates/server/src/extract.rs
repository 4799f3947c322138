//! What handlers take from a request, with problems where axum has texts.

use std::{fmt::Display, str::FromStr};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::{FromRequestParts, Path, Query as AxumQuery},
    http::{HeaderMap, header, request::Parts},
};
use futures::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::problem::{Kind, Problem};

/// The largest JSON body, in bytes.
pub(crate) const JSON_LIMIT: usize = 1024 * 1024;

/// How much more of a refused body is read, in bytes.
const DRAIN: usize = 16 * 1024 * 1024;

/// The `{id}` of a path. What cannot be an id is the id of nothing.
pub(crate) struct Id<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Id<T>
where
    T: FromStr<Err: Display> + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = path.map_err(|error| Problem::new(Kind::NotFound, error.body_text()))?;
        text.parse().map(Self).map_err(|error: T::Err| Problem::new(Kind::NotFound, format!("{error}.")))
    }
}

/// The query. Unknown parameters are refused by the types: a misspelt filter must not widen a list.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = AxumQuery::<T>::from_request_parts(parts, state).await;
        query.map(|AxumQuery(query)| Self(query)).map_err(|error| Problem::malformed(error.body_text()))
    }
}

/// Where a page of a list starts and how long it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    limit: Option<usize>,
    pub(crate) cursor: Option<String>,
}

/// Items on a page unless told otherwise.
const DEFAULT_LIMIT: usize = 50;

/// Items on a page at most.
const MAX_LIMIT: usize = 500;

impl PageQuery {
    /// How many items; a problem when it is none or too many.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        page_limit(self.limit)
    }
}

/// The `limit` of a list.
pub(crate) fn page_limit(given: Option<usize>) -> Result<usize, Problem> {
    match given.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        limit => Err(Problem::malformed(format!("`limit` is {limit}; give 1 to {MAX_LIMIT}."))),
    }
}

/// The body, up to `limit` bytes.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Kind::TooLarge, format!("The body is larger than {limit} bytes."));
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let (mut bytes, mut stream) = (Vec::with_capacity(length.unwrap_or_default().min(limit)), body.into_data_stream());
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| Problem::malformed("The connection ended before the body did."))?;
        if bytes.len() + piece.len() > limit {
            drain(stream).await;
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}

/// Reads on for a while and forgets it: a connection that is closed on a client while it sends loses the answer.
pub(crate) async fn drain(mut stream: BodyDataStream) {
    let mut left = DRAIN;
    while let Some(Ok(piece)) = stream.next().await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            return;
        }
    }
}

/// A JSON body that may be left out: nothing is an object without fields.
pub(crate) async fn read_body_or_nothing(headers: &HeaderMap, body: Body) -> Result<(Bytes, Value), Problem> {
    let bytes = read_body(headers, body, JSON_LIMIT).await?;
    if bytes.is_empty() {
        return Ok((bytes, Value::Object(serde_json::Map::new())));
    }
    let value = parse(&bytes)?;
    match value.is_object() {
        true => Ok((bytes, value)),
        false => Err(Problem::malformed("The body must be a JSON object, or left out.")),
    }
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::malformed(format!("The body is not JSON: {error}. Mend the text there.")))
}

/// A JSON body, not yet looked into.
pub(crate) async fn read_json(headers: &HeaderMap, body: Body) -> Result<(Bytes, Value), Problem> {
    let bytes = read_body(headers, body, JSON_LIMIT).await?;
    let value = parse(&bytes)?;
    Ok((bytes, value))
}
