//! What may happen next.

use dawncast_core::{delivery::Standing, desk::Intent};

use super::{
    Setting, Without,
    event::{Event, Fate, Fault, Reply},
    state::{Lane, PAST_GRACE, Phase, Place, State, Worker},
    step::ready,
    truth,
};

const REPLIES: [Reply; 3] = [Reply::Answered, Reply::Lost, Reply::Unasked];

/// All that may happen next, as far as the setting still has mishaps to spare.
pub(crate) fn events(state: &State, setting: &Setting) -> Vec<Event> {
    let mut events = Vec::new();
    (0..state.workers.len()).for_each(|w| of_worker(state, w, setting, &mut events));
    of_meta(state, setting, &mut events);
    of_redis(state, setting, &mut events);
    events.retain(|event| match fault(state, *event) {
        Some(fault) => state.mishaps > 0 && setting.faults.contains(&fault),
        None => true,
    });
    events
}

/// The mishap that an event is. To be told again of a failure is none.
pub(crate) fn fault(state: &State, event: Event) -> Option<Fault> {
    match event {
        Event::Receipt { index, attempt, told }
            if state.messages[usize::from(index)][usize::from(attempt) - 1].failed == Some(told) =>
        {
            None
        }
        _ => event.fault(),
    }
}

fn of_worker(state: &State, w: usize, setting: &Setting, events: &mut Vec<Event>) {
    let worker = &state.workers[w];
    if worker.phase != Phase::Idle {
        events.push(Event::Crash(w));
        events.push(if worker.frozen { Event::Wake(w) } else { Event::Freeze(w) });
    }
    if worker.frozen {
        return;
    }
    match worker.phase {
        // Two idle workers are the same.
        Phase::Idle if w == 0 || state.workers[0].phase != Phase::Idle => {
            if state.redis.lane == Lane::Free {
                events.push(Event::Lease(w));
            }
        }
        Phase::Idle => {}
        Phase::Leased => events.extend(REPLIES.map(|reply| Event::Claim(w, reply))),
        Phase::Working => of_owner(state, w, setting, events),
        Phase::Marked => events.push(Event::LeaveLane(w)),
        Phase::Left => events.push(Event::SecondLook(w)),
    }
}

fn of_owner(state: &State, w: usize, setting: &Setting, events: &mut Vec<Event>) {
    let worker = &state.workers[w];
    if worker.granted.is_some() {
        events.extend([true, false].map(|in_time| Event::Post { worker: w, in_time }));
        return;
    }
    for (index, attempt) in worker.wire.iter().copied() {
        if state.messages[usize::from(index)][usize::from(attempt) - 1].place != Place::Wire {
            events.push(Event::Answer { worker: w, index, attempt, lost: false });
        }
        events.push(Event::Answer { worker: w, index, attempt, lost: true });
    }
    if !worker.told.is_empty() {
        events.extend(REPLIES.map(|reply| Event::Commit(w, reply)));
    }
    if worker.lost {
        if worker.told.is_empty() && worker.wire.is_empty() {
            events.push(Event::Depart(w));
        }
        return;
    }
    events.push(Event::Look(w));
    beginnings(state, w, setting, events);
    if worker.told.is_empty() && worker.wire.is_empty() && worker.doubt.is_empty() && !worker.stale {
        departures(state, w, worker, events);
    }
}

fn beginnings(state: &State, w: usize, setting: &Setting, events: &mut Vec<Event>) {
    let worker = &state.workers[w];
    if worker.stale || worker.late || worker.refusal.is_some() {
        return;
    }
    let mut at_once = state.clone();
    let mut later = state.clone();
    let now = ready(&mut at_once, w, state.now()).into_iter().map(|intent| (intent, false));
    let waited = ready(&mut later, w, PAST_GRACE).into_iter().map(|intent| (intent, true));
    let waited = waited.filter(|(intent, _)| {
        intent.expected == Standing::Unconfirmed && (!setting.prompt || truth::is_all_told(state, intent.index))
    });
    // Grace is longer than a lease: whoever is awake has POSTed by then what it was granted.
    let is_posting = |worker: &Worker| worker.granted.is_some() && !worker.frozen;
    let may_pass = !state.workers.iter().any(is_posting);
    let waited = waited.filter(|_| may_pass);
    // Which number matters only to what was asked for before: that one may be away by now.
    let places = |intent| if worker.doubt.contains(&intent) { 0..2 } else { 0..1 };
    let begin = |(intent, past_grace): (Intent, bool)| {
        let replies = move |place| REPLIES.map(|reply| Event::Begin { worker: w, intent, place, past_grace, reply });
        places(intent).flat_map(replies)
    };
    events.extend(now.chain(waited).flat_map(begin));
    if may_pass && at_once.workers[w].desk != later.workers[w].desk {
        events.push(Event::GiveUp(w));
    }
}

fn departures(state: &State, w: usize, worker: &Worker, events: &mut Vec<Event>) {
    let desk = worker.desk.as_ref().expect("who works has a desk");
    if desk.is_settled(state.gate_of(w)) {
        events.extend(REPLIES.map(|reply| Event::Finish(w, reply)));
    } else if worker.refusal.is_some() && !desk.is_in_flight() {
        events.push(Event::GiveBack(w));
    }
}

fn of_meta(state: &State, setting: &Setting, events: &mut Vec<Event>) {
    for (index, messages) in state.messages.iter().enumerate() {
        for (n, message) in messages.iter().enumerate() {
            let (index, attempt) = (index as u16, n as u8 + 1);
            match message.place {
                Place::Wire => {
                    let fates = [Fate::Taken, Fate::Refused, Fate::RefusedForGood];
                    events.extend(fates.map(|fate| Event::Arrive { index, attempt, fate }));
                }
                Place::Taken => {
                    events.extend(setting.receipts.iter().map(|told| Event::Receipt { index, attempt, told: *told }));
                }
                Place::Nowhere | Place::Refused | Place::RefusedForGood => {}
            }
        }
    }
}

fn of_redis(state: &State, setting: &Setting, events: &mut Vec<Event>) {
    let redis = &state.redis;
    if let Lane::Leased(mark) = redis.lane {
        let renews =
            |worker: &Worker| worker.mark == mark && worker.phase != Phase::Idle && !worker.frozen && !worker.lost;
        if !state.workers.iter().any(renews) {
            events.push(Event::Lapse);
        }
    }
    if state.owed {
        events.extend([Event::PutBack, Event::HandlerDeath]);
    }
    let blind = matches!(setting.without, Without::Reconcile | Without::FinishedMark);
    if !blind && redis.lane == Lane::Out && !redis.page.finished && !redis.cancelled {
        events.push(Event::Reconcile);
    }
    if redis.held {
        events.push(Event::Resume);
    } else {
        events.push(Event::Pause);
    }
    if !redis.cancelled {
        events.push(Event::Cancel);
    }
    if !state.expired {
        events.push(Event::Deadline);
    }
    if setting.faults.contains(&Fault::LostWrites) && state.mishaps > 0 && redis.server == 0 && state.kept.is_none() {
        events.push(Event::Keep);
    }
    if state.kept.is_some() {
        events.push(Event::LoseWrites);
    }
}
