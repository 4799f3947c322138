//! The delivery protocol, explored exhaustively within small bounds.
//!
//! What is real: the ledger's steps (`delivery::page`, which the scripts are held equal to by the store's twin test), the
//! desk that decides what to begin, the suspects and the image of rule 9. What is told here once more, by hand: what an
//! owner does around them (`engine::dispatch`), the lane, reconcile, the receipt handler, and Meta.
//!
//! What may happen: two workers lease, claim, begin, send, commit, renew, finish and leave, each step on its own, and each is
//! killed or frozen between any two; a lease ends; a request or a reply is lost and the call repeated; a POST is taken,
//! refused, refused for good, late, or its response lost; receipts in any order and repetition, and before the answer;
//! grace passes; whoever reopened a page dies before it is in its lane; a person pauses, resumes, cancels; the deadline
//! passes; Redis dies and comes back with an older copy. Whims and mishaps are counted, and a setting has so many of them; a
//! receipt of what is so, or its repetition, is none.
//!
//! What is left out: time. Every wait may be over at once, save what the clocks forbid: a lease does not end while its
//! owner renews it, and grace is longer than a lease. So credit and rates are not here, of numbers two, as far as a begin is repeated on another, several pages are not (no
//! step touches two), nor are tails and message ids. Claim and the marks of suspects are one step, renewal and the look at
//! the ledger another. Of the state, times count only as far as they decide something. Under `resend`, a delivery whose
//! second attempt was lost with the first may use its number again; what its receipts tell is then not held against it.

mod choice;
mod event;
mod state;
mod step;
mod truth;

use dawncast_core::{
    campaign::Then,
    delivery::{Attempt, Outcome},
    desk::Rules,
};

use self::{
    event::{
        Event,
        Fault::{self, *},
    },
    state::State,
};
use crate::explore::{Protocol, explore};

/// A part of the protocol that is taken out, to see that the exploration misses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    /// Facts are about the delivery: its latest attempt.
    OutcomePerAttempt,
    /// An owner leaves when its own desk is empty, and nothing remembers that it has.
    FinishedMark,
    /// A mark that is set stays set.
    Reopening,
    Reconcile,
    /// Who takes over after a loss of writes believes the ledger.
    Suspects,
    /// An owner believes a ledger that shows less than it knows.
    Image,
}

/// What is explored.
#[derive(Debug, Clone)]
struct Setting {
    deliveries: usize,
    max_attempts: Attempt,
    then: Then,
    /// Which mishaps there may be, and how many.
    faults: Vec<Fault>,
    mishaps: u8,
    receipts: Vec<Outcome>,
    /// Every receipt comes within grace.
    prompt: bool,
    without: Without,
}

impl Setting {
    fn rules(&self) -> Rules {
        state::rules(self.then, self.max_attempts)
    }
}

impl Protocol for Setting {
    type State = State;
    type Event = Event;

    fn start(&self) -> State {
        State::new(self)
    }

    fn events(&self, state: &State) -> Vec<Event> {
        choice::events(state, self)
    }

    fn step(&self, state: &State, event: Event) -> Result<State, String> {
        let mut next = state.clone();
        next.mishaps -= u8::from(choice::fault(state, event).is_some());
        step::step(&mut next, event, self)?;
        truth::check(state, &next, self)?;
        Ok(next)
    }

    fn fingerprint(&self, state: &State) -> u64 {
        state.fingerprint()
    }

    fn is_progress(&self, event: Event) -> bool {
        let comes = matches!(event, Event::Receipt { told: Outcome::Delivered, .. });
        event.is_progress() || (self.prompt && comes)
    }

    fn is_settled(&self, state: &State) -> bool {
        truth::is_settled(state, self)
    }
}

const ANY: [Fault; 13] = [
    Crash,
    Freeze,
    Slow,
    LostReply,
    LostResponse,
    Refusal,
    RefusalForGood,
    LateFailure,
    LateFailureForGood,
    HandlerDeath,
    Pause,
    Cancel,
    Deadline,
];

/// One delivery, two attempts, any two mishaps.
fn setting() -> Setting {
    Setting {
        deliveries: 1,
        max_attempts: 2,
        then: Then::Resend,
        faults: ANY.to_vec(),
        mishaps: 2,
        receipts: vec![Outcome::Delivered, Outcome::FailedRetryable, Outcome::Failed],
        prompt: false,
        without: Without::Nothing,
    }
}

fn check(setting: &Setting) {
    match explore(setting) {
        // Shown with --no-capture: the figures of ADR 0008.
        Ok(explored) => println!("{explored:?}"),
        Err(violation) => panic!("{violation}"),
    }
}

/// How it comes out that a part is missing.
fn check_missed(setting: &Setting, what: &str) {
    let violation = explore(setting).expect_err("something is missing");
    println!("{violation}");
    assert!(violation.what.contains(what), "{violation}");
    assert!(!violation.trace.is_empty());
}

#[test]
fn a_delivery_survives_any_two_mishaps() {
    check(&setting());
}

#[test]
fn nobody_is_served_twice_under_give_up() {
    check(&Setting { then: Then::GiveUp, ..setting() });
}

#[test]
fn nobody_is_served_twice_under_resend_while_receipts_come_within_grace() {
    check(&Setting { prompt: true, ..setting() });
}

#[test]
fn every_receipt_may_come_at_any_time() {
    let receipts = Outcome::ALL[4..].to_vec();
    check(&Setting { receipts, mishaps: 1, ..setting() });
}

#[test]
fn two_deliveries_do_not_disturb_each_other() {
    check(&Setting { deliveries: 2, mishaps: 1, ..setting() });
}

#[test]
fn two_deliveries_survive_two_lost_words() {
    let (faults, receipts) = (vec![Crash, LostReply, LostResponse, Refusal], vec![Outcome::Delivered]);
    check(&Setting { deliveries: 2, faults, receipts, ..setting() });
}

/// Redis loses writes, and something else goes wrong.
fn lossy(then: Then, mishap: Vec<Fault>) -> Setting {
    let receipts = vec![Outcome::Delivered, Outcome::FailedRetryable];
    Setting { then, faults: [vec![LostWrites], mishap].concat(), receipts, ..setting() }
}

#[test]
fn lost_writes_serve_nobody_twice_under_give_up() {
    check(&lossy(Then::GiveUp, vec![LateFailure, LostReply, LostResponse, Refusal, HandlerDeath]));
}

#[test]
fn lost_writes_and_lost_workers_serve_nobody_twice_under_give_up() {
    check(&lossy(Then::GiveUp, vec![Crash, Freeze, Slow]));
}

#[test]
fn lost_writes_under_resend_repeat_only_what_was_waited_out() {
    check(&lossy(Then::Resend, vec![Crash, LostReply, LostResponse, Refusal]));
}

#[test]
#[ignore = "millions of states: run it when the protocol changes"]
fn a_delivery_survives_any_three_mishaps() {
    check(&Setting { mishaps: 3, ..setting() });
    check(&Setting { mishaps: 3, then: Then::GiveUp, ..setting() });
    check(&Setting { mishaps: 3, ..lossy(Then::GiveUp, vec![Freeze, Slow]) });
}

#[test]
fn one_outcome_per_delivery_would_not_do() {
    check_missed(&Setting { without: Without::OutcomePerAttempt, ..setting() }, "the ledger says");
}

#[test]
fn without_the_finished_mark_somebody_is_lost() {
    check_missed(&Setting { without: Without::FinishedMark, mishaps: 1, ..setting() }, "no truthful settled state");
}

#[test]
fn without_the_reopening_somebody_is_lost() {
    check_missed(&Setting { without: Without::Reopening, mishaps: 1, ..setting() }, "no truthful settled state");
}

#[test]
fn without_reconcile_somebody_is_lost() {
    check_missed(&Setting { without: Without::Reconcile, ..setting() }, "no truthful settled state");
}

#[test]
fn without_suspects_lost_writes_serve_somebody_twice() {
    check_missed(&Setting { without: Without::Suspects, ..lossy(Then::GiveUp, vec![Crash]) }, "POSTed twice");
}

#[test]
fn without_the_image_lost_writes_serve_somebody_twice() {
    check_missed(&Setting { without: Without::Image, ..lossy(Then::GiveUp, vec![Crash]) }, "POSTed twice");
}
