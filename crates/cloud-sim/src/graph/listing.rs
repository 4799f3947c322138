//! What all reading calls share: `fields=` and paging by cursor.

use std::collections::HashMap;

use axum::extract::Request;
use axum::http::{Uri, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::query;

/// Meta: objects per page when `limit` is not given.
const PAGE: usize = 25;

/// A kind of object, for the choice of its fields.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Fields shown when none are asked for.
    pub(crate) default: &'static [&'static str],
    /// Fields shown whatever is asked for.
    pub(crate) always: &'static [&'static str],
}

/// The fields of `node` that were asked for, or those of its kind's default, and those that it always has.
pub(crate) fn select(node: &Value, kind: &Kind, asked: Option<&str>) -> Result<Value, GraphError> {
    let names = match asked {
        Some(asked) => top_level(asked),
        None => kind.default.to_vec(),
    };
    let mut shown = Map::new();
    for name in names.iter().chain(kind.always).copied() {
        let value = node.get(name).ok_or_else(|| {
            let node = kind.name;
            GraphError::parameter(format_args!("Tried accessing nonexisting field ({name}) on node type ({node})"))
        })?;
        // What an object does not have is left out, as Graph does.
        if !value.is_null() {
            shown.insert(name.to_owned(), value.clone());
        }
    }
    Ok(Value::Object(shown))
}

/// The field names of `a,b{c,d},e`, nested choices aside.
fn top_level(fields: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let parts = fields.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(|part| part.split('{').next().unwrap_or_default().trim()).filter(|name| !name.is_empty()).collect()
}

/// One page of `nodes`, its cursors, and the address of the next page unless this is the last.
pub(crate) fn page(nodes: &[Value], kind: &Kind, request: &Request) -> Result<Value, GraphError> {
    let parameters = query(request.uri());
    let start = parameters.get("after").map_or(Ok(0), |cursor| place_after(cursor))?;
    let limit = limit(&parameters)?;
    let asked = parameters.get("fields").map(String::as_str);
    let shown: Vec<_> =
        nodes.iter().skip(start).take(limit).map(|node| select(node, kind, asked)).collect::<Result<_, _>>()?;
    let end = start + shown.len();
    let mut answer = json!({ "data": shown });
    if end > start {
        answer["paging"] = json!({ "cursors": { "before": cursor(start), "after": cursor(end) } });
    }
    if end < nodes.len() {
        answer["paging"]["next"] = json!(next_address(request, end));
    }
    Ok(answer)
}

fn limit(parameters: &HashMap<String, String>) -> Result<usize, GraphError> {
    let Some(text) = parameters.get("limit") else { return Ok(PAGE) };
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| GraphError::parameter("Param limit must be an integer above 0"))
}

pub(super) fn cursor(place: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("place:{place}"))
}

fn place_after(cursor: &str) -> Result<usize, GraphError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_default();
    text.strip_prefix("place:").and_then(|place| place.parse().ok()).ok_or_else(|| GraphError::of(131_059))
}

/// This request's address with its cursor moved on; `None` if the client sent no usable `Host`.
fn next_address(request: &Request, end: usize) -> Option<String> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let uri: &Uri = request.uri();
    let mut url = Url::parse(&format!("http://{host}{}", uri.path())).ok()?;
    for (name, value) in query(uri).into_iter().filter(|(name, _)| name != "after") {
        url.query_pairs_mut().append_pair(&name, &value);
    }
    url.query_pairs_mut().append_pair("after", &cursor(end));
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_fields_are_chosen_by_their_outer_name() {
        assert_eq!(top_level("id, throughput{level,x},status"), ["id", "throughput", "status"]);
    }

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        assert_eq!(place_after(&cursor(25)).ok(), Some(25));
        assert_eq!(place_after("what").err().map(|error| error.code), Some(131_059));
    }
}
