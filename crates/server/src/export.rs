//! `GET /v1/audiences/{id}/export`: the current rows, chunk by chunk in constant memory, in a form that an import takes.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use dawncast_core::ids::AudienceId;
use dawncast_store::{
    StoreError,
    records::{AudienceVersion, Recipient, RowReader},
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::{extract::Id, imports::KNOWN, problem::Problem, state::ApiState};

/// How the rows are written.
#[derive(Clone, Copy)]
enum Form {
    Csv,
    Ndjson,
}

impl Form {
    /// What the client takes: CSV, unless it says otherwise.
    fn of(headers: &HeaderMap) -> Self {
        let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        if accepts.to_ascii_lowercase().contains("application/x-ndjson") { Self::Ndjson } else { Self::Csv }
    }

    fn mime(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        })
    }
}

/// One row as an object: its known columns, then its attributes.
#[derive(Serialize)]
struct Line<'a> {
    phone: String,
    #[serde(flatten)]
    others: BTreeMap<&'a str, &'a str>,
}

/// `GET /v1/audiences/{id}/export`: CSV, or with `Accept: application/x-ndjson` an object on each line.
pub(crate) async fn export(
    State(state): State<ApiState>,
    Id(id): Id<AudienceId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if state.store.audience(&id).await?.is_none() {
        return Err(Problem::no_such("audience", id.as_str()));
    }
    let form = Form::of(&headers);
    let body = match state.store.read_audience(&id).await? {
        Some((version, rows)) => whole(form, &version, rows),
        // Before the first import there are no rows; the columns that every audience has are named all the same.
        None => Body::from(head(form, &columns([]))),
    };
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, form.mime());
    Ok(response)
}

/// The columns of a CSV: those that every audience may have, then the attributes.
fn columns<'a>(attributes: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let attributes = attributes.into_iter().map(String::as_str).filter(|name| !KNOWN.contains(name));
    KNOWN.into_iter().chain(attributes).map(str::to_owned).collect()
}

fn head(form: Form, columns: &[String]) -> Vec<u8> {
    match form {
        Form::Csv => csv_lines(std::iter::once(columns.iter().map(String::as_str).collect())),
        Form::Ndjson => Vec::new(),
    }
}

/// An error after the first byte can only break the answer off; the client sees that it is not complete.
fn whole(form: Form, version: &AudienceVersion, rows: RowReader) -> Body {
    let columns = columns(&version.columns);
    let head = head(form, &columns);
    let chunks = stream::try_unfold(rows, async |mut rows| {
        let next = rows.next().await?;
        Ok::<_, StoreError>(next.map(|chunk| (chunk, rows)))
    });
    let lines = chunks.map_ok(move |chunk| match form {
        Form::Csv => csv_rows(&columns, &chunk),
        Form::Ndjson => json_lines(&chunk),
    });
    Body::from_stream(stream::once(async { Ok(head) }).chain(lines))
}

/// What stands in one of the columns that every audience may have.
fn known<'a>(row: &'a Recipient, column: &str) -> Option<&'a str> {
    match column {
        "timezone" => row.timezone.as_deref(),
        "consent" => row.consent.as_deref(),
        "user_id" => row.user_id.as_deref(),
        _ => row.value(column),
    }
}

fn csv_rows(columns: &[String], rows: &[Recipient]) -> Vec<u8> {
    let phones: Vec<String> = rows.iter().map(|row| format!("+{}", row.phone)).collect();
    csv_lines(rows.iter().zip(&phones).map(|(row, phone)| {
        let others = columns.iter().skip(1).map(|column| known(row, column).unwrap_or_default());
        std::iter::once(phone.as_str()).chain(others).collect()
    }))
}

fn csv_lines<'a>(lines: impl Iterator<Item = Vec<&'a str>>) -> Vec<u8> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for line in lines {
        csv.write_record(line).expect("a vector takes every line");
    }
    csv.into_inner().expect("a vector takes everything")
}

fn json_lines(rows: &[Recipient]) -> Vec<u8> {
    let mut lines = Vec::new();
    for row in rows {
        let fields = KNOWN.into_iter().skip(1).filter_map(|name| Some((name, known(row, name)?)));
        let attributes = row.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let line = Line { phone: format!("+{}", row.phone), others: fields.chain(attributes).collect() };
        serde_json::to_writer(&mut lines, &line).expect("a vector takes every line");
        lines.push(b'\n');
    }
    lines
}
