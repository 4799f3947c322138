//! What must be so whatever happens: the ledger against what Meta did.

use dawncast_core::{
    campaign::Then,
    delivery::{Attempt, DeliveryState, Gate, Outcome, Record, Tallies},
};

use super::{
    Setting, Without,
    state::{ATTEMPTS, Lane, Message, Phase, Place, State},
};

/// True while the message got through or may yet, as far as anybody was told.
fn may_get_through(message: &Message) -> bool {
    matches!(message.place, Place::Wire | Place::Taken) && message.failed.is_none()
}

/// Whether this POST may be made.
///
/// # Errors
/// When the recipient may get the message twice, and nobody has chosen to risk it.
pub(crate) fn check_post(state: &State, index: u16, attempt: Attempt) -> Result<(), String> {
    let messages = &state.messages[usize::from(index)];
    let own = &messages[usize::from(attempt) - 1];
    if own.place != Place::Nowhere && own.waited_out && state.redis.server > 0 {
        return Ok(());
    }
    if messages[usize::from(attempt) - 1].place != Place::Nowhere {
        return Err(format!("attempt {attempt} of delivery {index} is POSTed twice"));
    }
    let is_double = |message: &Message| may_get_through(message) && !message.waited_out;
    match messages.iter().position(is_double) {
        None => Ok(()),
        Some(other) => Err(format!(
            "delivery {index} is POSTed as attempt {attempt} though attempt {} got through, or may, and was not waited out",
            other + 1
        )),
    }
}

/// True when no receipt about the delivery is outstanding: what prompt receipts mean when grace is over.
pub(crate) fn is_all_told(state: &State, index: u16) -> bool {
    let outcomes = state.redis.page.records[usize::from(index)].outcomes;
    let told = |(n, message): (usize, &Message)| match message.place {
        Place::Wire => false,
        Place::Taken => outcomes.get(n as u8 + 1) > Outcome::Accepted,
        _ => true,
    };
    state.messages[usize::from(index)].iter().enumerate().all(told)
}

/// Whether the state is as it must be.
///
/// # Errors
/// What is not.
pub(crate) fn check(before: &State, after: &State, setting: &Setting) -> Result<(), String> {
    let page = &after.redis.page;
    let mut tallies = Tallies::default();
    page.records.iter().for_each(|record| tallies.add(record, &page.terms));
    if tallies != page.tallies.without_resends() {
        return Err(format!("the tallies say {:?}, the records {tallies:?}", page.tallies));
    }
    for (index, record) in page.records.iter().enumerate() {
        if after.redis.server == before.redis.server {
            check_rise(index, &before.redis.page.records[index], record)?;
        }
        check_ledger(index, record, &after.messages[index], after.redis.server > 0)?;
    }
    if setting.prompt && after.messages.iter().any(is_double) {
        return Err("a recipient is served twice though every receipt came within grace".to_owned());
    }
    Ok(())
}

fn is_double(messages: &[Message; ATTEMPTS]) -> bool {
    messages.iter().filter(|message| message.place == Place::Taken && message.failed.is_none()).count() > 1
}

fn check_rise(index: usize, before: &Record, after: &Record) -> Result<(), String> {
    match (1..=ATTEMPTS as Attempt).find(|n| after.outcomes.get(*n) < before.outcomes.get(*n)) {
        Some(n) => Err(format!("the outcome of attempt {n} of delivery {index} falls")),
        None => Ok(()),
    }
}

/// What the ledger says did happen.
fn check_ledger(index: usize, record: &Record, messages: &[Message; ATTEMPTS], is_lossy: bool) -> Result<(), String> {
    for (n, message) in (1..).zip(messages).filter(|(_, message)| !message.again) {
        let (outcome, place) = (record.outcomes.get(n), message.place);
        let is_true = match outcome {
            Outcome::None => place == Place::Nowhere || is_lossy,
            Outcome::Begun | Outcome::Unsure => true,
            // Without a POST it was withdrawn.
            Outcome::FailedRetryable | Outcome::Failed => !may_get_through(message),
            _ => place == Place::Taken,
        };
        if !is_true {
            return Err(format!(
                "the ledger says {outcome:?} of attempt {n} of delivery {index}, which is {message:?}"
            ));
        }
    }
    Ok(())
}

/// True when everything has come to an end, and everybody is told the truth about it.
pub(crate) fn is_settled(state: &State, setting: &Setting) -> bool {
    let (redis, page) = (&state.redis, &state.redis.page);
    let gate = match () {
        () if redis.cancelled => Gate::Cancelled,
        () if state.expired => Gate::Expired,
        () if redis.held => return false,
        () => Gate::Open,
    };
    // The pages of a cancelled run need no mark, and without the mark there is none to wait for.
    let is_marked = page.finished || redis.cancelled || setting.without == Without::FinishedMark;
    let is_quiet = redis.lane == Lane::Out && !state.owed && state.workers.iter().all(|w| w.phase == Phase::Idle);
    let records = page.records.iter().zip(&state.messages);
    is_marked && is_quiet && records.into_iter().all(|(record, messages)| is_told(record, messages, gate, setting))
}

/// True when what the delivery is said to be is final, and so.
fn is_told(record: &Record, messages: &[Message; ATTEMPTS], gate: Gate, setting: &Setting) -> bool {
    let rules = setting.rules();
    let got_through = messages.iter().any(|message| message.place == Place::Taken && message.failed.is_none());
    let refused = record.outcomes.iter().any(|outcome| outcome == Outcome::Failed);
    match DeliveryState::of(record.standing(&rules.terms), gate) {
        DeliveryState::Planned | DeliveryState::Sending => false,
        // Nobody is left so whom the policy would serve again. An attempt that was withdrawn after all counts: it may
        // become known when the delivery has been left.
        DeliveryState::Unconfirmed => {
            let may_go_out = gate == Gate::Open && !refused && record.outcomes.used() < rules.terms.max_attempts;
            !(may_go_out && setting.then == Then::Resend)
        }
        DeliveryState::Accepted | DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read => {
            messages.iter().any(|message| message.place == Place::Taken)
        }
        DeliveryState::Failed | DeliveryState::Expired | DeliveryState::Cancelled => !got_through,
    }
}
