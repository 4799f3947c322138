//! One delivery with its whole story: what was planned, each attempt with its reason and its answer, what is still
//! awaited, how it ended.

use axum::{Json, extract::State};
use dawncast_core::{
    UnixMs,
    campaign::Then,
    delivery::{DeliveryState, Gate, Outcome},
    ids::{DeliveryId, NumberId, RunId},
    report::Explained,
};
use dawncast_store::run::{DeliveryRow, Run, Story};
use serde::Serialize;

use super::View;
use crate::{extract::Id, problem::Problem, state::ApiState, time::rfc3339};

/// A delivery with its whole story.
#[derive(Serialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    view: View,
    run: RunId,
    /// The number that it was planned on, chosen by the hash of the phone among the run's active numbers.
    home_number: Option<NumberId>,
    /// What is sent to it.
    message: String,
    /// It gets that because no service window was open when the run was frozen.
    fallback: bool,
    deadline_at: String,
    story: Vec<Attempt>,
    awaits: Option<Awaits>,
    ended: Option<Ended>,
}

/// One attempt as it is answered.
#[derive(Serialize)]
struct Attempt {
    attempt: u8,
    /// `due`; `retry` after an attempt that failed; `resend` after one of which nobody knew.
    because: &'static str,
    outcome: &'static str,
    phone_number_id: Option<NumberId>,
    /// It was not sent by its home number.
    stand_in: bool,
    begun_at: Option<String>,
    /// After its due time, the first one; the others after the attempt before.
    after_ms: Option<i64>,
    message_id: Option<String>,
    code: Option<u32>,
    class: Option<&'static str>,
    /// What the code means, and what to do.
    meaning: Option<&'static str>,
    /// When a receipt told of it after the next attempt had been begun.
    late_at: Option<String>,
}

/// What is awaited.
#[derive(Serialize)]
struct Awaits {
    /// `due_time`, `turn`, `next_attempt`, `answer` or `receipt`.
    what: &'static str,
    /// The earliest moment at which something else follows.
    until: Option<String>,
    /// What follows an unsure send: `resend`, `give_up`, or `nothing` once nothing may begin any more.
    then: Option<&'static str>,
    /// Why nothing begins meanwhile.
    held_by: Vec<&'static str>,
}

/// Why nothing more is done.
#[derive(Serialize)]
struct Ended {
    /// `refused`, `attempts_used_up`, `deadline`, `never_left` (every attempt was taken back, or found no connection, before
    /// the deadline came), `cancelled` or `closed`.
    why: &'static str,
    at: Option<String>,
}

/// `GET /v1/deliveries/{id}`.
pub(crate) async fn show(State(state): State<ApiState>, Id(id): Id<DeliveryId>) -> Result<Json<Whole>, Problem> {
    let (now, unknown) = (state.now(), || Problem::no_such("delivery", &id.to_string()));
    let run = state.store.run(&id.page.run).await?.ok_or_else(unknown)?;
    let (row, story) = state.store.delivery(&id, now).await?.ok_or_else(unknown)?;
    let befores = std::iter::once(None).chain(story.iter().map(Some));
    let message = &run.record.spec.message;
    let told = story.iter().zip(befores).map(|(it, before)| attempt(&row, before, it, state.explain));
    Ok(Json(Whole {
        story: told.collect(),
        home_number: row.home.clone(),
        message: message.sent_as(row.message).name(),
        fallback: message.falls_back(row.message),
        deadline_at: rfc3339(row.deadline_at),
        awaits: awaits(&run, &row, now),
        ended: ended(&run, &row),
        run: run.record.id,
        view: row.into(),
    }))
}

fn attempt(row: &DeliveryRow, before: Option<&Story>, it: &Story, explain: fn(u32) -> Explained) -> Attempt {
    let known = Some(it.code).filter(|code| *code != 0).map(explain).filter(|code| code.meaning.is_some());
    let since = before.map_or(Some(row.recipient.due), |before| before.begun_at);
    Attempt {
        attempt: it.attempt,
        because: because(before),
        outcome: it.outcome.as_str(),
        phone_number_id: it.number.clone(),
        stand_in: it.number.is_some() && it.number != row.home,
        begun_at: it.begun_at.map(rfc3339),
        after_ms: it.begun_at.zip(since).map(|(begun, since)| begun - since),
        message_id: it.message_id.clone(),
        code: Some(it.code).filter(|code| *code != 0),
        class: known.map(|code| code.class),
        meaning: known.and_then(|code| code.meaning),
        late_at: it.late_at.map(rfc3339),
    }
}

/// Why an attempt was begun after `before`. What became known of that one later was not known then.
fn because(before: Option<&Story>) -> &'static str {
    match before {
        None => "due",
        Some(before) if before.late_at.is_none() && before.outcome == Outcome::FailedRetryable => "retry",
        Some(_) => "resend",
    }
}

fn awaits(run: &Run, row: &DeliveryRow, now: UnixMs) -> Option<Awaits> {
    let awaits = |what, until: Option<UnixMs>| Awaits { what, until: until.map(rfc3339), then: None, held_by: vec![] };
    match row.state {
        DeliveryState::Planned => {
            let held_by = run.holds.iter().map(|hold| hold.as_str()).collect();
            let due = row.recipient.due;
            let waiting = match row.record.outcomes.used() {
                0 if due > now => awaits("due_time", Some(due)),
                0 => awaits("turn", None),
                _ => awaits("next_attempt", None),
            };
            Some(Awaits { held_by, ..waiting })
        }
        DeliveryState::Sending => Some(awaits("answer", None)),
        DeliveryState::Unconfirmed => Some(unconfirmed(run, row, now)),
        DeliveryState::Accepted | DeliveryState::Sent if run.closed_at.is_none() => Some(awaits("receipt", None)),
        _ => None,
    }
}

fn unconfirmed(run: &Run, row: &DeliveryRow, now: UnixMs) -> Awaits {
    let (spec, record) = (&run.record.spec.unconfirmed, &row.record);
    let (until, then) = match run.gate_of(row.deadline_at, now) {
        Gate::Open if spec.then == Then::Resend && record.attempts_remain(&run.terms()) => {
            (record.last_begun.map(|begun| begun + spec.grace.ms()), "resend")
        }
        Gate::Open => (record.last_begun.map(|begun| begun + spec.grace.ms()), "give_up"),
        Gate::Expired | Gate::Cancelled => (None, "nothing"),
    };
    Awaits { what: "receipt", until: until.map(rfc3339), then: Some(then), held_by: vec![] }
}

fn ended(run: &Run, row: &DeliveryRow) -> Option<Ended> {
    let (record, over_at) = (&row.record, run.begin_until().map(|_| row.deadline_at).or(run.closed_at));
    let over = if run.begin_until().is_some() { "deadline" } else { "closed" };
    let never_left = record.code == 0 && record.throttled == record.outcomes.used();
    let (why, at) = match row.state {
        DeliveryState::Cancelled => ("cancelled", run.cancelled_at),
        DeliveryState::Expired => (over, over_at),
        DeliveryState::Failed if record.outcomes.iter().any(|outcome| outcome == Outcome::Failed) => ("refused", None),
        DeliveryState::Failed if !record.attempts_remain(&run.terms()) => ("attempts_used_up", None),
        DeliveryState::Failed if never_left => ("never_left", over_at),
        DeliveryState::Failed => (over, over_at),
        _ => return None,
    };
    Some(Ended { why, at: at.map(rfc3339) })
}
