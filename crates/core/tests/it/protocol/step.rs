//! What happens when something happens. The ledger's part and the desk's are the code of `core` itself; what the owner
//! does around them is told here as `engine::dispatch` does it.

use dawncast_core::{
    UnixMs,
    delivery::{
        Attempt, Fact, Gate, Outcome,
        page::{AttemptFact, Begun, Finish, Page, Refusal, Renewal, Tenure},
    },
    desk::{Desk, Intent},
    suspect::suspects,
    verdict::Verdict,
};
use rand::{SeedableRng, rngs::SmallRng};

use super::{
    Setting, Without,
    event::{Event, Fate, Reply},
    state::{Lane, PAST_GRACE, PATH, Phase, Place, State, Worker},
    truth,
};

/// Dice that decide nothing: every wait is zero.
fn dice() -> SmallRng {
    SmallRng::seed_from_u64(0)
}

/// Changes `state` by `event`.
///
/// # Errors
/// When the event itself is what must not happen.
pub(crate) fn step(state: &mut State, event: Event, setting: &Setting) -> Result<(), String> {
    match event {
        Event::Lease(w) => lease(state, w),
        Event::Claim(w, reply) => claim(state, w, reply, setting),
        Event::Begin { worker, intent, place, past_grace, reply } => {
            return begin(state, worker, (intent, place), past_grace, reply);
        }
        Event::GiveUp(w) => drop(wait_out(state, w)),
        Event::Post { worker, in_time } => return post(state, worker, in_time),
        Event::Answer { worker, index, attempt, lost } => answer(state, worker, (index, attempt), lost),
        Event::Commit(w, reply) => commit(state, w, reply, setting.without),
        Event::Look(w) => look(state, w, setting),
        Event::Finish(w, reply) => finish(state, w, reply, setting.without),
        Event::LeaveLane(w) => {
            leave_lane(state, w, Lane::Out);
            state.workers[w].phase = Phase::Left;
        }
        Event::SecondLook(w) => second_look(state, w, setting.without),
        Event::GiveBack(w) => {
            leave_lane(state, w, Lane::Free);
            state.workers[w] = Worker::IDLE;
        }
        Event::Depart(w) => {
            recall(state, w);
            state.workers[w] = Worker::IDLE;
        }
        Event::Crash(w) => state.workers[w] = Worker::IDLE,
        Event::Freeze(w) => state.workers[w].frozen = true,
        Event::Wake(w) => state.workers[w].frozen = false,
        Event::Lapse => lapse(state),
        Event::Arrive { index, attempt, fate } => arrive(state, index, attempt, fate),
        Event::Receipt { index, attempt, told } => receipt(state, index, attempt, told, setting.without),
        Event::PutBack => {
            state.owed = false;
            put(state);
        }
        Event::HandlerDeath => state.owed = false,
        Event::Reconcile => put(state),
        Event::Pause => state.redis.held = true,
        Event::Resume => state.redis.held = false,
        Event::Cancel => state.redis.cancelled = true,
        Event::Deadline => state.expired = true,
        Event::Keep => state.kept = Some(Box::new(state.redis.clone())),
        Event::LoseWrites => {
            let server = state.redis.server + 1;
            state.redis = *state.kept.take().expect("only what was kept comes back");
            state.redis.server = server;
        }
    }
    Ok(())
}

/// Into the lane, unless it is there.
fn put(state: &mut State) {
    if state.redis.lane == Lane::Out {
        state.redis.lane = Lane::Free;
    }
}

fn lease(state: &mut State, w: usize) {
    let mark = state.new_mark();
    state.redis.lane = Lane::Leased(mark);
    state.workers[w] = Worker { phase: Phase::Leased, mark, ..Worker::IDLE };
}

/// The end of a lease by its token: without it nothing changes.
fn leave_lane(state: &mut State, w: usize, to: Lane) {
    if state.redis.lane == Lane::Leased(state.workers[w].mark) {
        state.redis.lane = to;
    }
}

/// The lease ends; whoever held it knows by its own clock when it comes to look.
fn lapse(state: &mut State) {
    let lane = state.redis.lane;
    state.redis.lane = Lane::Free;
    let holders = state.workers.iter_mut().filter(|worker| Lane::Leased(worker.mark) == lane);
    holders.for_each(|worker| worker.late = worker.phase != Phase::Idle);
}

fn claim(state: &mut State, w: usize, reply: Reply, setting: &Setting) {
    let claimed = match reply {
        Reply::Unasked => None,
        _ => Some(state.redis.page.claim([state.workers[w].mark; 8])),
    };
    let Some(tenure) = claimed.flatten().filter(|_| reply == Reply::Answered) else {
        if reply == Reply::Answered {
            leave_lane(state, w, Lane::Out);
        }
        // Its lease ends by itself.
        state.workers[w] = Worker::IDLE;
        return;
    };
    let (now, server, rules) = (state.now(), state.redis.server, setting.rules());
    let page = &mut state.redis.page;
    let moved = page.server != [server; 8];
    let until = page.doubt.max(moved.then(|| now - 1));
    suspect(page, tenure, setting, until, now);
    let desk = Desk::new(&page.records, &vec![0; page.records.len()], rules, now);
    let (version, worker) = (page.version, &mut state.workers[w]);
    (worker.phase, worker.tenure, worker.desk, worker.version) = (Phase::Working, tenure, Some(desk), version);
    (worker.server, worker.until) = (server, until);
}

/// Marks what may have been begun though the ledger does not know of it.
fn suspect(page: &mut Page, tenure: Tenure, setting: &Setting, until: Option<UnixMs>, now: UnixMs) {
    let Some(until) = until.filter(|_| setting.without != Without::Suspects) else { return };
    let named = suspects(&page.records, &vec![0; page.records.len()], &setting.rules(), until);
    let marked = page.suspect(tenure, &named, now, [now as u8 / 2; 8], Some(until));
    marked.expect("it is its owner that marks");
}

/// Tells the ledger what it has lost of what a worker knows.
fn recall(state: &mut State, w: usize) {
    let (gate, page, worker) = (state.gate(), &mut state.redis.page, &state.workers[w]);
    let Some(desk) = &worker.desk else { return };
    let missing = desk.missing(&page.records);
    if !missing.is_empty() {
        state.owed |= page.recall(worker.tenure, &missing, gate).reopened;
    }
}

fn desk(state: &mut State, w: usize) -> &mut Desk {
    state.workers[w].desk.as_mut().expect("who works has a desk")
}

/// What the desk would begin at this moment.
pub(crate) fn ready(state: &mut State, w: usize, now: i64) -> Vec<Intent> {
    let gate = state.gate_of(w);
    desk(state, w).ready(now, &PATH, gate, usize::MAX)
}

/// Grace passes. It is longer than a lease: whoever has slept through it knows that by its clock.
fn wait_out(state: &mut State, w: usize) -> Vec<Intent> {
    state.workers.iter_mut().filter(|worker| worker.frozen).for_each(|worker| worker.late = true);
    ready(state, w, PAST_GRACE)
}

fn begin(
    state: &mut State,
    w: usize,
    (intent, place): (Intent, u8),
    past_grace: bool,
    reply: Reply,
) -> Result<(), String> {
    let now = state.now();
    if past_grace {
        wait_out(state, w);
        // All that were POSTed: the one before the loss of writes, too, which may bear the same number.
        let posted =
            state.messages[usize::from(intent.index)].iter_mut().filter(|message| message.place != Place::Nowhere);
        posted.for_each(|message| message.waited_out = true);
    }
    let (tenure, gate) = (state.workers[w].tenure, state.gate());
    let begun = match reply {
        Reply::Unasked => None,
        _ => Some(state.redis.page.begin(tenure, &[(intent, place)], gate, now)),
    };
    let worker = &mut state.workers[w];
    let begun = begun.filter(|_| reply == Reply::Answered);
    // What is refused tells nothing of the one before it: what was in doubt still is.
    let is_granted = matches!(&begun, Some(Begun::Granted { granted, .. }) if granted[0]);
    if is_granted || begun.is_none() {
        worker.doubt.retain(|doubted| *doubted != intent);
    }
    match begun {
        None => {
            worker.doubt.push(intent);
            worker.doubt.sort_unstable_by_key(|doubted| doubted.index);
        }
        Some(Begun::Granted { .. }) if is_granted => worker.granted = Some((intent, place)),
        Some(Begun::Granted { .. }) => worker.stale = true,
        Some(Begun::Refused(refusal)) => match refusal {
            Refusal::Outranked | Refusal::Foreign | Refusal::Finished => worker.lost = true,
            other => worker.refusal = Some(other),
        },
    }
    let named = state.redis.page.records[usize::from(intent.index)].number;
    if is_granted && named != place {
        return Err(format!("number {place} may send what the ledger says number {named} does"));
    }
    Ok(())
}

/// What was granted goes out, if it still may; else it is taken back.
fn post(state: &mut State, w: usize, in_time: bool) -> Result<(), String> {
    let (intent, place) = state.workers[w].granted.take().expect("it was granted");
    let in_time = in_time && !state.workers[w].late && state.gate_of(w) == Gate::Open;
    let now = state.now();
    desk(state, w).begun(&intent, place, now);
    if !in_time {
        settle(state, w, (intent.index, intent.attempt), Verdict::Withdrawn);
        return Ok(());
    }
    truth::check_post(state, intent.index, intent.attempt)?;
    let message = state.message(intent.index, intent.attempt);
    message.again = message.place != Place::Nowhere;
    if message.place != Place::Taken {
        message.place = Place::Wire;
    }
    let wire = &mut state.workers[w].wire;
    wire.push((intent.index, intent.attempt));
    wire.sort_unstable();
    Ok(())
}

/// Tells the desk, and later the ledger.
fn settle(state: &mut State, w: usize, (index, attempt): (u16, Attempt), verdict: Verdict) {
    let now = state.now();
    let fact = desk(state, w).answered(index, attempt, verdict, now, &mut dice());
    tell(&mut state.workers[w], index, fact);
}

fn tell(worker: &mut Worker, index: u16, fact: Fact) {
    worker.told.push((index, fact));
    worker.told.sort_by_key(|(index, fact)| (*index, fact.attempt));
}

fn arrive(state: &mut State, index: u16, attempt: Attempt, fate: Fate) {
    state.message(index, attempt).place = match fate {
        Fate::Taken => Place::Taken,
        Fate::Refused => Place::Refused,
        Fate::RefusedForGood => Place::RefusedForGood,
    };
}

fn answer(state: &mut State, w: usize, post: (u16, Attempt), lost: bool) {
    state.workers[w].wire.retain(|on_wire| *on_wire != post);
    let verdict = match state.message(post.0, post.1).place {
        _ if lost => Verdict::Unknown,
        Place::Taken => Verdict::Accepted,
        Place::Refused => Verdict::Transient(0),
        Place::RefusedForGood => Verdict::Rejected(0),
        Place::Nowhere | Place::Wire => unreachable!("it is answered when it has arrived"),
    };
    settle(state, w, post, verdict);
}

fn commit(state: &mut State, w: usize, reply: Reply, without: Without) {
    if reply == Reply::Unasked {
        return;
    }
    let (tenure, told) = (state.workers[w].tenure, state.workers[w].told.clone());
    let reopened = record(state, Some(tenure), &told, without);
    if reply == Reply::Answered {
        state.owed |= reopened;
        state.workers[w].told.clear();
    }
}

fn receipt(state: &mut State, index: u16, attempt: Attempt, told: Outcome, without: Without) {
    if matches!(told, Outcome::FailedRetryable | Outcome::Failed) {
        state.message(index, attempt).failed = Some(told);
    }
    let fact = Fact { attempt, outcome: told, throttled: false, code: 0, at: 0 };
    state.owed |= record(state, None, &[(index, fact)], without);
}

/// Facts reach the ledger. True when they have reopened the page.
fn record(state: &mut State, owner: Option<Tenure>, facts: &[(u16, Fact)], without: Without) -> bool {
    let gate = state.gate();
    let page = &mut state.redis.page;
    let fact = |(index, fact): &(u16, Fact)| {
        let attempt = match without {
            Without::OutcomePerAttempt => page.records[usize::from(*index)].outcomes.used().max(1),
            _ => fact.attempt,
        };
        AttemptFact { index: *index as u8, fact: Fact { attempt, ..*fact }, message_id: None }
    };
    let facts: Vec<AttemptFact> = facts.iter().map(fact).collect();
    let reopened = match owner {
        Some(owner) => page.commit(owner, &facts, gate),
        None => page.receipt(&facts, gate),
    }
    .reopened;
    if reopened && without == Without::Reopening {
        page.finished = true;
        return false;
    }
    reopened
}

/// Renews, and reads the ledger when there is need.
fn look(state: &mut State, w: usize, setting: &Setting) {
    let (now, gate, open) = (state.now(), state.gate(), state.gate_of(w) == Gate::Open);
    let server = state.redis.server;
    if state.workers[w].server != server && setting.without != Without::Image {
        recall(state, w);
    }
    let (page, lane, worker) = (&mut state.redis.page, state.redis.lane, &mut state.workers[w]);
    let moved = worker.server != server;
    if moved && worker.late {
        // Somebody else may have had the page without this server's knowledge.
        worker.lost = true;
        return;
    }
    match page.renew(worker.tenure, gate, now) {
        Renewal::Owned { version, gate, .. } if lane == Lane::Leased(worker.mark) => {
            worker.stale |= version != worker.version;
            (worker.version, worker.refusal, worker.late) = (version, gate, false);
        }
        _ => {
            worker.lost = true;
            return;
        }
    }
    worker.stale |= !worker.doubt.is_empty() && (worker.refusal.is_some() || !open);
    if !moved && (!worker.stale || !worker.told.is_empty()) {
        return;
    }
    if moved {
        let _ = page.suspect(worker.tenure, &[], now, [server; 8], None);
        worker.server = server;
    }
    suspect(page, worker.tenure, setting, worker.until, now);
    let desk = worker.desk.as_mut().expect("who works has a desk");
    desk.observe(&page.records, now, &mut dice());
    let is_begun =
        |intent: &Intent| page.records[usize::from(intent.index)].outcomes.get(intent.attempt) == Outcome::Begun;
    let doubt = std::mem::take(&mut worker.doubt);
    let withdraw = |intent: &Intent| {
        (intent.index, desk.answered(intent.index, intent.attempt, Verdict::Withdrawn, now, &mut dice()))
    };
    let withdrawn: Vec<(u16, Fact)> = doubt.iter().filter(|intent| is_begun(intent)).map(withdraw).collect();
    worker.stale = !withdrawn.is_empty();
    withdrawn.into_iter().for_each(|(index, fact)| tell(worker, index, fact));
}

fn finish(state: &mut State, w: usize, reply: Reply, without: Without) {
    let (tenure, gate, known) = (state.workers[w].tenure, state.gate(), state.gate_of(w));
    let left: Vec<u8> = desk(state, w).left(known).map(|index| index as u8).collect();
    let finish = match (without, reply) {
        (_, Reply::Unasked) => return,
        (Without::FinishedMark, _) => Finish::Finished,
        _ => state.redis.page.finish(tenure, &left, gate),
    };
    let worker = &mut state.workers[w];
    match finish {
        _ if reply == Reply::Lost => {}
        Finish::Finished => worker.phase = Phase::Marked,
        Finish::Unsettled(_) => worker.stale = true,
        Finish::Lost(_) => worker.lost = true,
    }
}

fn second_look(state: &mut State, w: usize, without: Without) {
    let renewal = state.redis.page.renew(state.workers[w].tenure, state.gate(), state.now());
    let reopened = matches!(renewal, Renewal::Owned { finished: false, .. });
    if reopened && without != Without::FinishedMark {
        put(state);
    }
    state.workers[w] = Worker::IDLE;
}
