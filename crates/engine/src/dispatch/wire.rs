//! Send: one POST, and its answer. No retry here: what becomes of an attempt is the desk's to decide.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use dawncast_cloud_api::{Client, ErrorEntry, SendOutcome, Token, Way};
use dawncast_core::{delivery::Attempt, ids::NumberId, verdict::Verdict};
use metrics::{counter, histogram};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    answer::{self, Rest},
    metrics::{SEND_ATTEMPTS, SEND_DURATION, SEND_ERRORS},
    points::{Point, reach},
};

/// A POST to be made.
pub(super) struct Posting {
    pub(super) index: u16,
    pub(super) attempt: Attempt,
    /// The number's place in the run's table.
    pub(super) place: usize,
    pub(super) number: NumberId,
    pub(super) token: Token,
    pub(super) body: Bytes,
    pub(super) permit: OwnedSemaphorePermit,
    /// Not made any more from this moment on.
    pub(super) until: Instant,
}

/// What came of it.
pub(super) struct Answer {
    pub(super) index: u16,
    pub(super) attempt: Attempt,
    pub(super) place: usize,
    pub(super) verdict: Verdict,
    /// When the POST was begun.
    pub(super) started: Instant,
    /// How the number must rest now.
    pub(super) rest: Option<Rest>,
    pub(super) message_id: Option<String>,
}

/// Makes the POST, unless its time is over: looked at last of all, since the process may have been frozen since.
pub(super) async fn post(client: Client, posting: Posting) -> Answer {
    reach(Point::PostBefore);
    let started = Instant::now();
    let Posting { index, attempt, place, until, .. } = posting;
    if started >= until {
        return Answer { index, attempt, place, verdict: Verdict::Withdrawn, started, rest: None, message_id: None };
    }
    let outcome = client.send_body(posting.number.as_str(), &posting.token, posting.body).await;
    reach(Point::PostAfter);
    drop(posting.permit);
    let verdict = answer::verdict(&outcome);
    observe(&posting.number, verdict, started);
    let rest = answer::rest(&outcome);
    let message_id = match outcome {
        SendOutcome::Accepted { wamid, .. } => Some(wamid),
        _ => None,
    };
    Answer { index, attempt, place, verdict, started, rest, message_id }
}

fn observe(number: &NumberId, verdict: Verdict, started: Instant) {
    let id: Arc<str> = Arc::from(number.as_str());
    histogram!(SEND_DURATION, "phone_number_id" => Arc::clone(&id)).record(started.elapsed().as_secs_f64());
    counter!(SEND_ATTEMPTS, "phone_number_id" => Arc::clone(&id), "verdict" => verdict.as_str()).increment(1);
    if verdict.code() != 0 {
        let class =
            ErrorEntry::of(i64::from(verdict.code())).map_or("unknown", |entry| entry.class(Way::Response).as_str());
        let code = verdict.code().to_string();
        counter!(SEND_ERRORS, "phone_number_id" => id, "code" => code, "class" => class).increment(1);
    }
}
