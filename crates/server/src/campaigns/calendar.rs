//! `GET /v1/campaigns/{id}/calendar`: when a campaign goes out next, on two clocks.

use axum::{Json, extract::State};
use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use dawncast_core::{
    UnixMs,
    ids::CampaignId,
    ids::RunId,
    schedule::{Zones, calendar::Entry},
};
use dawncast_store::records::Campaign;
use serde::{Deserialize, Serialize};

use super::find;
use crate::{
    extract::{Id, Query, page_limit},
    problem::Problem,
    state::ApiState,
    time::rfc3339,
};

/// Which part of the calendar, and on which other clock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarQuery {
    limit: Option<usize>,
    cursor: Option<String>,
    timezone: Option<String>,
}

/// The calendar as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    schedule_in_words: Option<String>,
    /// The zone of `local`.
    timezone: &'static str,
    /// The zone of `elsewhere`.
    other_timezone: &'static str,
    items: Vec<Line>,
    next_cursor: Option<String>,
}

/// One occurrence.
#[derive(Serialize)]
struct Line {
    /// Its run; `None` when it is skipped.
    run: Option<RunId>,
    at: String,
    /// What the clock in the campaign's zone shows then.
    local: String,
    /// What the other clock shows then.
    elsewhere: String,
    opens_at: String,
    closes_at: String,
    deadline_at: String,
    /// Why it does not go out.
    skipped: Option<&'static str>,
    /// What is odd about its clock.
    remark: Option<String>,
}

/// The handler.
pub(crate) async fn calendar(
    State(state): State<ApiState>,
    Id(id): Id<CampaignId>,
    Query(query): Query<CalendarQuery>,
) -> Result<Json<View>, Problem> {
    let campaign = find(&state, &id).await?;
    let (limit, other) = (page_limit(query.limit)?, zone(query.timezone.as_deref())?);
    let after = match &query.cursor {
        Some(cursor) => cursor.parse().map_err(|_| Problem::malformed("The `cursor` is none that a calendar gave."))?,
        None => state.now(),
    };
    let zones = state.store.zones_of(&campaign.spec).await?;
    Ok(Json(view((&campaign, &zones), after, limit, other)))
}

fn zone(given: Option<&str>) -> Result<Tz, Problem> {
    let Some(name) = given else { return Ok(Tz::UTC) };
    let unknown =
        |_| Problem::malformed(format!("`{name}` is not a time zone: give an IANA name such as `Asia/Kolkata`."));
    name.parse().map_err(unknown)
}

fn view((campaign, zones): (&Campaign, &Zones), after: UnixMs, limit: usize, other: Tz) -> View {
    let schedule = &campaign.spec.schedule;
    let is_open = campaign.state.is_open();
    // One more than is shown tells whether there is more.
    let mut entries = if is_open { schedule.calendar(campaign.created_at, after, limit + 1) } else { Vec::new() };
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let last = entries.last().map(|entry| entry.occurrence.instant.to_string());
    View {
        schedule_in_words: schedule.in_words(),
        timezone: schedule.zone().name(),
        other_timezone: other.name(),
        next_cursor: last.filter(|_| has_more),
        items: entries.into_iter().map(|entry| line((campaign, zones), entry, other)).collect(),
    }
}

fn line((campaign, zones): (&Campaign, &Zones), Entry { occurrence, skipped, remark }: Entry, other: Tz) -> Line {
    let opening = campaign.spec.opening(&occurrence, zones, campaign.created_at);
    Line {
        run: skipped.is_none().then(|| RunId::of(&campaign.id, occurrence.civil, &occurrence.zone)),
        at: rfc3339(occurrence.instant),
        local: on_the_wall(occurrence.instant, campaign.spec.schedule.zone()),
        elsewhere: on_the_wall(occurrence.instant, other),
        opens_at: rfc3339(opening.opens_at),
        closes_at: rfc3339(opening.closes_at),
        deadline_at: rfc3339(opening.deadline_at),
        skipped,
        remark,
    }
}

/// RFC 3339 with the offset of `zone`.
fn on_the_wall(at: UnixMs, zone: Tz) -> String {
    let at = DateTime::from_timestamp_millis(at).unwrap_or(DateTime::UNIX_EPOCH).with_timezone(&zone);
    at.to_rfc3339_opts(SecondsFormat::Secs, false)
}
