//! Deliveries: who got what. Rows that the freeze dropped come last, with their reason: every recipient submitted is
//! accounted for.

mod history;
mod story;
mod walk;

use std::str::FromStr;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use dawncast_core::{
    ids::{NumberId, RunId},
    phone::Phone,
};
use dawncast_store::{
    StoreError,
    records::Page,
    run::{DeliveryRow, DroppedRow},
};
use futures::{Stream, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use self::walk::{Filter, Position, Walk};
pub(crate) use self::{history::history, story::show};
use crate::{
    extract::{Id, Query, page_limit},
    problem::Problem,
    runs,
    state::ApiState,
    time::rfc3339,
};

/// The query of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    phone: Option<String>,
    recipient_id: Option<String>,
    state: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

impl ListQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let phone = self.phone.as_deref().map(Phone::from_str).transpose();
        let phone = phone.map_err(|error| Problem::malformed(format!("`phone`: {error}.")))?;
        let state = self.state.as_deref().map(walk::known_state).transpose().map_err(Problem::malformed)?;
        Ok(Filter { phone: phone.map(Phone::digits), recipient_id: self.recipient_id.clone(), state })
    }

    fn start(&self) -> Result<Position, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(Position::START) };
        cursor.parse().map_err(|()| Problem::malformed("`cursor` is none that a list gave."))
    }
}

/// A delivery, or a dropped row, as it is answered. A CSV has a column for each field, in this order.
#[derive(Serialize)]
pub(crate) struct View {
    /// `None` for a row that was dropped.
    id: Option<String>,
    phone: String,
    recipient_id: Option<String>,
    tier: Option<String>,
    state: &'static str,
    /// Why it was dropped.
    reason: Option<String>,
    /// The number of the latest attempt; its home number before the first.
    phone_number_id: Option<NumberId>,
    due_at: Option<String>,
    attempts: u8,
    begun_at: Option<String>,
    sent_at: Option<String>,
    delivered_at: Option<String>,
    read_at: Option<String>,
    /// The latest attempt's error code.
    code: Option<u32>,
    /// Messages beyond the first that are known to have got through.
    known_duplicates: u64,
    /// Which row of the audience was dropped, from 1.
    audience_row: Option<u64>,
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl From<DeliveryRow> for View {
    fn from(row: DeliveryRow) -> Self {
        let DeliveryRow { id, recipient, state, record, number, home: _, message: _, deadline_at: _ } = row;
        Self {
            id: Some(id.to_string()),
            phone: format!("+{}", recipient.phone),
            recipient_id: given(recipient.id),
            tier: given(recipient.tier),
            state: state.as_str(),
            reason: None,
            phone_number_id: number,
            due_at: Some(rfc3339(recipient.due)),
            attempts: record.outcomes.used(),
            begun_at: record.first_begun.map(rfc3339),
            sent_at: record.sent_at.map(rfc3339),
            delivered_at: record.delivered_at.map(rfc3339),
            read_at: record.read_at.map(rfc3339),
            code: Some(record.code).filter(|code| *code != 0),
            known_duplicates: record.duplicates(),
            audience_row: None,
        }
    }
}

impl From<DroppedRow> for View {
    fn from(row: DroppedRow) -> Self {
        let reason =
            if row.detail.is_empty() { row.reason.to_string() } else { format!("{}: {}", row.reason, row.detail) };
        Self {
            id: None,
            phone: format!("+{}", row.phone),
            recipient_id: given(row.id),
            tier: None,
            state: walk::DROPPED,
            reason: Some(reason),
            phone_number_id: None,
            due_at: None,
            attempts: 0,
            begun_at: None,
            sent_at: None,
            delivered_at: None,
            read_at: None,
            code: None,
            known_duplicates: 0,
            audience_row: row.row,
        }
    }
}

/// `GET /v1/runs/{id}/deliveries`: a page of JSON, or with `Accept: text/csv` all of it.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Id(id): Id<RunId>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = runs::find(&state, &id).await?;
    let walk = Walk::new(state, run, query.filter()?, query.start()?);
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepts.to_ascii_lowercase().contains("text/csv") {
        return Ok(csv_response(walk));
    }
    let limit = page_limit(query.limit)?;
    Ok(Json(page(walk, limit).await?).into_response())
}

async fn page(mut walk: Walk, limit: usize) -> Result<Page<View>, Problem> {
    let mut found = Vec::new();
    while found.len() <= limit {
        let Some(more) = walk.next().await? else { break };
        found.extend(more);
    }
    let next_cursor = found.get(limit).map(|(position, _)| position.to_string());
    let items = found.into_iter().take(limit).map(|(_, view)| view).collect();
    Ok(Page { items, next_cursor })
}

/// The names of the columns: the fields of [`View`].
const CSV_HEADER: &str = "id,phone,recipient_id,tier,state,reason,phone_number_id,due_at,attempts,begun_at,sent_at,\
                          delivered_at,read_at,code,known_duplicates,audience_row\n";

fn csv_response(walk: Walk) -> Response {
    let header = stream::once(async { Ok(CSV_HEADER.to_owned().into_bytes()) });
    let mut response = Body::from_stream(futures::StreamExt::chain(header, csv_rows(walk))).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    response
}

/// An error after the first byte can only break the answer off; the client sees that it is not complete.
fn csv_rows(walk: Walk) -> impl Stream<Item = Result<Vec<u8>, StoreError>> {
    let rows = stream::try_unfold(walk, async |mut walk| {
        let next = walk.next().await?;
        Ok(next.map(|rows| (rows, walk)))
    });
    rows.map_ok(|rows| {
        let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        for (_, view) in rows {
            csv.serialize(view).expect("a vector takes rows of one shape");
        }
        csv.into_inner().expect("a vector takes everything")
    })
}
