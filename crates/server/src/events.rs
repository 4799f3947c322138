//! A run's progress while it happens: `GET /v1/runs/{id}/events`, as server-sent events.
//!
//! Each event holds the whole state, so a follower that comes back needs nothing of what it missed: the last id that it
//! saw is taken, and all that it changes is that a closed run that was told to its end is not told again.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use dawncast_core::ids::RunId;
use dawncast_store::run::Run;
use futures::stream;
use serde::Serialize;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

use crate::{
    extract::Id,
    problem::{Kind, Problem},
    runs,
    state::ApiState,
};

/// A run is looked at this often, and told of at most this often.
const LOOK: Duration = Duration::from_secs(1);

/// A comment goes out after as long without an event, so that whoever stands between does not hang up.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A follower has to come back after this long: its key may have been revoked.
const LONGEST: Duration = Duration::from_secs(3600);

/// The id of the last event that a run has.
const END: &str = "end";

/// `GET /v1/runs/{id}/events`: `run` now and at each change, then `report` once the run is closed.
pub(crate) async fn follow(
    State(state): State<ApiState>,
    Id(id): Id<RunId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = runs::find(&state, &id).await?;
    // An EventSource comes back after every end, unless it is answered 204.
    if run.closed_at.is_some() && headers.get("last-event-id").is_some_and(|id| id == END) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = state.followers.clone().try_acquire_owned().map_err(|_| {
        let detail = "This server follows as many runs as it can. Try again, or ask for the run each second.";
        Problem::new(Kind::TooManyRequests, detail)
    })?;
    let follower = Follower::new(state, run, place);
    let events =
        stream::unfold(follower, async |mut follower| Some((Ok::<_, Infallible>(follower.next().await?), follower)));
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    // A proxy that gathers an answer before it passes it on would hold every event back.
    let at_once = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([at_once], events).into_response())
}

/// Somebody who follows a run.
struct Follower {
    state: ApiState,
    run: RunId,
    /// What was told last.
    told: Option<String>,
    /// The run is closed, and only its report is left to tell.
    closed: bool,
    /// Everything was told.
    ended: bool,
    looks: Interval,
    until: Instant,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    fn new(state: ApiState, run: Run, place: OwnedSemaphorePermit) -> Self {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let until = Instant::now() + LONGEST;
        Self { state, run: run.record.id, told: None, closed: false, ended: false, looks, until, _place: place }
    }

    /// The next event, once there is one. None when all is told, when the server stops, or after [`LONGEST`]. While the
    /// storage does not answer there is nothing to tell.
    async fn next(&mut self) -> Option<Event> {
        while !self.ended && Instant::now() < self.until {
            let stopping = self.state.stopping.clone();
            tokio::select! {
                _ = self.looks.tick() => {}
                () = stopping.cancelled() => return None,
            }
            match self.look().await {
                Ok(Some(event)) => return Some(event),
                Err(problem) if problem.status() != StatusCode::SERVICE_UNAVAILABLE => return None,
                Ok(None) | Err(_) => {}
            }
        }
        None
    }

    async fn look(&mut self) -> Result<Option<Event>, Problem> {
        let run = runs::find(&self.state, &self.run).await?;
        if self.closed {
            let report = self.state.store.report(&run, self.state.now(), self.state.explain).await?;
            self.ended = true;
            return Ok(Some(event("report", END, &json(&report))));
        }
        let closed = run.closed_at.is_some();
        let view = json(&runs::view(&self.state, run).await?);
        self.closed = closed;
        if self.told.as_ref() == Some(&view) {
            return Ok(None);
        }
        let event = event("run", &self.state.now().to_string(), &view);
        self.told = Some(view);
        Ok(Some(event))
    }
}

fn event(name: &str, id: &str, data: &str) -> Event {
    Event::default().event(name).id(id).data(data)
}

fn json(view: &impl Serialize) -> String {
    serde_json::to_string(view).expect("answers hold nothing that JSON lacks")
}
