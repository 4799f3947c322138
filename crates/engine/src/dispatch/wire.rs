//! Send: one POST, and its answer. No retry here: what becomes of an attempt is the desk's to decide.

use std::time::Instant;

use bytes::Bytes;
use dawncast_cloud_api::{Client, SendOutcome, Token, Way};
use dawncast_core::{delivery::Attempt, health::Counts, ids::NumberId, verdict::Verdict};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    answer::{self, Rest},
    meters::{Sends, count_error},
    points::{Point, reach},
};

/// A POST to be made.
pub(super) struct Posting {
    pub(super) index: u16,
    pub(super) attempt: Attempt,
    /// The number's place in the run's table.
    pub(super) place: usize,
    pub(super) number: NumberId,
    /// Counts the number's attempts.
    pub(super) sends: Sends,
    pub(super) token: Token,
    pub(super) body: Bytes,
    /// It goes out by the Marketing Messages API.
    pub(super) by_marketing_messages: bool,
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
    /// What it was made with.
    pub(super) token: Token,
    /// When the POST was begun.
    pub(super) started: Instant,
    /// How the number must rest now.
    pub(super) rest: Option<Rest>,
    /// What it counts for the number.
    pub(super) counts: Counts,
    pub(super) message_id: Option<String>,
}

/// Makes the POST, unless its time is over: looked at last of all, since the process may have been frozen since.
pub(super) async fn post(client: Client, posting: Posting) -> Answer {
    reach(Point::PostBefore);
    let started = Instant::now();
    let Posting { index, attempt, place, until, token, .. } = posting;
    if started >= until {
        posting.sends.count(Verdict::Withdrawn);
        let (verdict, counts) = (Verdict::Withdrawn, Counts::default());
        return Answer { index, attempt, place, verdict, token, started, rest: None, counts, message_id: None };
    }
    let number = posting.number.as_str();
    let outcome = if posting.by_marketing_messages {
        client.send_marketing_body(number, &token, posting.body).await
    } else {
        client.send_body(number, &token, posting.body).await
    };
    reach(Point::PostAfter);
    drop(posting.permit);
    let verdict = answer::verdict(&outcome);
    posting.sends.took(started.elapsed());
    posting.sends.count(verdict);
    if let SendOutcome::Refused(error) = &outcome {
        let class = answer::class_word(error.entry().class(Way::Response));
        count_error(posting.number.as_str(), error.code, class);
    }
    let (rest, counts) = (answer::rest(&outcome), answer::counts(&outcome, verdict));
    let message_id = match outcome {
        SendOutcome::Accepted { wamid, .. } => Some(wamid),
        _ => None,
    };
    Answer { index, attempt, place, verdict, token, started, rest, counts, message_id }
}
