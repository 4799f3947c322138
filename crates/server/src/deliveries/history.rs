//! One phone across runs: `GET /v1/deliveries?phone=`. No index by phone is kept, since it would cost memory for every
//! message: the runs' pages are walked, the latest run first, so many at a call.

use std::{fmt, str::FromStr};

use axum::{Json, extract::State};
use dawncast_core::{
    UnixMs,
    ids::{CampaignId, RunId},
    phone::Phone,
};
use dawncast_store::{records::Page, run::Run};
use serde::{Deserialize, Serialize};

use super::{
    View,
    walk::{Filter, Position, Walk},
};
use crate::{
    extract::{Query, page_limit},
    problem::Problem,
    state::ApiState,
    time::rfc3339,
    waits::{Wait, waits},
};

/// Pages that are looked at in one call, of all runs together: 256 deliveries each.
const PAGES: usize = 512;
/// Runs whose ids are read at once.
const RUNS: usize = 64;

/// The query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    phone: String,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// A delivery, or a dropped row, and the run that it is of.
#[derive(Serialize)]
pub(crate) struct Told {
    run: RunId,
    campaign: CampaignId,
    opens_at: String,
    #[serde(flatten)]
    view: View,
}

/// A page of the history, and what the phone waits for now.
#[derive(Serialize)]
pub(crate) struct Answer {
    #[serde(flatten)]
    page: Page<Told>,
    waits: Vec<Wait>,
}

/// A place in the history; written, it is a cursor.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    opens_at: UnixMs,
    run: RunId,
    position: Position,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.opens_at, self.run, self.position)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or(());
        let (opens_at, run, position) = (part()?, part()?, part()?);
        let (opens_at, run) = (opens_at.parse().map_err(drop)?, run.parse().map_err(drop)?);
        Ok(Self { opens_at, run, position: position.parse()? })
    }
}

/// A history under way.
struct History {
    state: ApiState,
    phone: u64,
    limit: usize,
    /// Pages that may still be looked at.
    left: usize,
    items: Vec<Told>,
}

/// `GET /v1/deliveries?phone=`: the latest run first. A page may hold fewer than were asked for, or none, and still not be
/// the last.
pub(crate) async fn history(
    State(state): State<ApiState>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Answer>, Problem> {
    let phone = query.phone.parse::<Phone>().map_err(|error| Problem::malformed(format!("`phone`: {error}.")))?;
    let start = query.cursor.as_deref().map(str::parse::<Place>).transpose();
    let start = start.map_err(|()| Problem::malformed("`cursor` is none that this list gave."))?;
    let limit = page_limit(query.limit)?;
    let waits = waits(&state, phone).await?;
    let mut history = History { state, phone: phone.digits(), limit, left: PAGES, items: Vec::new() };
    let next = history.go(start).await?;
    let page = Page { items: history.items, next_cursor: next.map(|place| place.to_string()) };
    Ok(Json(Answer { page, waits }))
}

impl History {
    /// Walks on from `start`; where to go on the next time.
    async fn go(&mut self, start: Option<Place>) -> Result<Option<Place>, Problem> {
        let mut from = start.as_ref().map(|place| (place.opens_at, place.run.clone()));
        let mut position = start.map(|place| place.position);
        loop {
            let runs = self.state.store.runs_from(from.as_ref(), RUNS + 1).await?;
            for (opens_at, id) in runs.iter().take(RUNS) {
                let begin = position.take().unwrap_or(Position::START);
                let place = |position| Place { opens_at: *opens_at, run: id.clone(), position };
                if self.left == 0 {
                    return Ok(Some(place(begin)));
                }
                let Some(run) = self.state.store.run(id).await? else { continue };
                if let Some(position) = self.look_into(run, begin).await? {
                    return Ok(Some(place(position)));
                }
            }
            match runs.into_iter().nth(RUNS) {
                Some(next) => from = Some(next),
                None => return Ok(None),
            }
        }
    }

    /// What a run has of the phone; where to go on, when that is enough for one call.
    async fn look_into(&mut self, run: Run, begin: Position) -> Result<Option<Position>, Problem> {
        let filter = Filter { phone: Some(self.phone), ..Filter::default() };
        let mut walk = Walk::new(self.state.clone(), run.clone(), filter, begin);
        while let Some(rows) = walk.next().await? {
            self.left = self.left.saturating_sub(1);
            if rows.iter().any(|(position, _)| matches!(position, Position::Delivery { .. })) {
                // A phone is in a run once; its other rows were dropped.
                walk.skip_to_dropped();
            }
            for (position, view) in rows {
                if self.items.len() == self.limit {
                    return Ok(Some(position));
                }
                self.items.push(Told {
                    run: run.record.id.clone(),
                    campaign: run.record.campaign.clone(),
                    opens_at: rfc3339(run.record.opening.opens_at),
                    view,
                });
            }
            if self.left == 0 && walk.at() != Position::End {
                return Ok(Some(walk.at()));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_written() {
        let run: RunId = "cmp_x-20261123T060000-Asia_Kolkata".parse().expect("an id");
        let place = Place { opens_at: 1_795_393_770_000, run, position: Position::Dropped(3) };
        assert_eq!(place.to_string().parse(), Ok(place));
        for bad in ["", "1", "1:run", "x:run:p0.0", "1:run:end"] {
            assert_eq!(bad.parse::<Place>(), Err(()), "{bad:?}");
        }
    }
}
