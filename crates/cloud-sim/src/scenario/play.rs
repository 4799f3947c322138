//! Playing a scenario.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::file::Script;
use super::step::{Deed, Step};
use crate::access::TokenOrder;
use crate::clock::micros;
use crate::cloud::Cloud;
use crate::error::SimError;
use crate::faults::FaultOrder;
use crate::rules::Rules;
use crate::standing::NumberOrder;
use crate::templates::TemplateOrder;
use crate::webhooks::Stop;

/// The scenario of a simulator, and how far it is.
#[derive(Default)]
pub(crate) struct Scenario {
    played: OnceLock<Played>,
}

struct Played {
    file: String,
    script: Script,
    started_us: u64,
    /// By the place of the step.
    states: Mutex<Vec<State>>,
}

/// Where a step stands.
enum State {
    ToCome,
    /// It has begun, and this takes it back.
    Active(Undo),
    Done,
    /// It could not be done.
    Failed(String),
}

/// What takes a step back.
enum Undo {
    Fault,
    Down,
    Latency(Duration),
    Number(String, NumberOrder),
    Templates(Vec<(u64, TemplateOrder)>),
    Token(TokenOrder),
    Rules(Arc<Rules>),
    /// It ends by itself, or stays.
    Nothing,
}

impl Played {
    fn lock(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cloud {
    /// Plays a scenario from now on.
    pub(crate) fn play(&self, path: &Path, script: Script) {
        let started_us = self.clock.now_us();
        // At one time, what ends does so before anything begins.
        let mut moments: Vec<(Duration, bool, usize)> = Vec::new();
        for (place, step) in script.steps.iter().enumerate() {
            moments.push((step.at, true, place));
            moments.extend(step.ends().map(|ends| (ends, false, place)));
        }
        moments.sort_unstable();
        let states = Mutex::new(script.steps.iter().map(|_| State::ToCome).collect());
        let order = FaultOrder { faults: script.faults.clone() };
        self.order_faults(order).expect("the file was checked");
        let played = Played { file: path.display().to_string(), script, started_us, states };
        assert!(self.scenario.played.set(played).is_ok(), "a simulator plays one scenario, from its start");
        for (at, begins, place) in moments {
            let at_us = started_us.saturating_add(micros(at));
            self.agenda.at(at_us, move |cloud| if begins { cloud.begin_step(place) } else { cloud.end_step(place) });
        }
    }

    fn begin_step(&self, place: usize) {
        let Some(played) = self.scenario.played.get() else { return };
        let step = &played.script.steps[place];
        let state = match self.perform(place, step) {
            Ok(undo) if step.span.is_some() => State::Active(undo),
            Ok(_) => State::Done,
            Err(reason) => {
                tracing::warn!(step = place, %reason, "a step of the scenario could not be done");
                State::Failed(reason.to_string())
            }
        };
        played.lock()[place] = state;
    }

    fn end_step(&self, place: usize) {
        let Some(played) = self.scenario.played.get() else { return };
        let state = std::mem::replace(&mut played.lock()[place], State::Done);
        match state {
            State::Active(undo) => self.undo(place, undo),
            failed => played.lock()[place] = failed,
        }
    }

    fn perform(&self, place: usize, step: &Step) -> Result<Undo, SimError> {
        let deeds = step.deeds();
        let [deed] = &deeds[..] else { unreachable!("the file was checked") };
        Ok(match deed {
            Deed::Fault(rule) if rule.is_down() => {
                self.faults.go_down(rule.fault, step.span);
                Undo::Down
            }
            Deed::Fault(rule) => {
                self.faults.begin(place, rule.clone());
                Undo::Fault
            }
            Deed::Latency(latency) => Undo::Latency(self.set_latency(*latency)),
            Deed::Webhooks(stop) => {
                let until_us = self.scenario.moment(step.ends().unwrap_or(step.at));
                self.webhooks.stop(Stop { until_us, shuffled: stop.shuffled });
                Undo::Nothing
            }
            Deed::Number(number) => {
                let before = self.standings.of(self.known_number(&number.name)?.place);
                self.order_number(&number.name, number.order.clone())?;
                Undo::Number(number.name.clone(), before.as_before(&number.order, self.mps))
            }
            Deed::Template(template) => {
                let waba = template.order.waba.as_deref().and_then(|id| self.waba(id));
                let before = self.templates.as_before(&template.name, waba, &template.order);
                self.order_template(&template.name, &template.order)?;
                Undo::Templates(before)
            }
            Deed::Token(token) => {
                let before = self.access.grant();
                self.access.order((*token).clone())?;
                Undo::Token(before.into())
            }
            Deed::Rules(rules) => Undo::Rules(self.rules.order(rules)?),
            Deed::User(user) => {
                let phone = user.name.parse().expect("the file was checked");
                self.order_user(phone, &user.order).map(|()| Undo::Nothing)?
            }
            Deed::Reply(reply) => self.write((*reply).clone()).map(|_| Undo::Nothing)?,
            Deed::Block(block) => self.block(block).map(|()| Undo::Nothing)?,
            Deed::Preference(wish) => self.prefer(wish).map(|()| Undo::Nothing)?,
        })
    }

    fn undo(&self, place: usize, undo: Undo) {
        let done = match undo {
            Undo::Fault => return self.faults.end(place),
            Undo::Down => return self.faults.come_back(),
            Undo::Latency(latency) => {
                self.set_latency(latency);
                return;
            }
            Undo::Number(id, before) => self.order_number(&id, before).map(drop),
            Undo::Templates(before) => {
                return before.iter().for_each(|(id, order)| {
                    self.obey_template(*id, order);
                    order.pacing.into_iter().for_each(|pacing| self.pace(*id, pacing));
                });
            }
            Undo::Token(before) => self.access.order(before).map(drop),
            Undo::Rules(before) => return self.rules.restore(before),
            Undo::Nothing => return,
        };
        if let Err(reason) = done {
            tracing::warn!(step = place, %reason, "a step of the scenario could not be taken back");
        }
    }
}

impl Scenario {
    /// A time since the start, by the simulator's clock.
    fn moment(&self, at: Duration) -> u64 {
        self.played.get().map_or(0, |played| played.started_us.saturating_add(micros(at)))
    }

    /// What `GET /_sim/scenario` shows: every step with its state, and what is next.
    pub(crate) fn shown(&self, now_us: u64) -> Value {
        let Some(played) = self.played.get() else { return json!({ "steps": [] }) };
        let elapsed = Duration::from_micros(now_us.saturating_sub(played.started_us));
        let states = played.lock();
        let steps = played.script.steps.iter().zip(states.iter()).map(|(step, state)| {
            let mut shown = json!(step);
            shown["state"] = json!(state.name());
            if let State::Failed(reason) = state {
                shown["problem"] = json!(reason);
            }
            shown
        });
        let next = played.script.steps.iter().enumerate().filter(|(place, _)| matches!(states[*place], State::ToCome));
        let next = next
            .min_by_key(|(_, step)| step.at)
            .map(|(place, step)| json!({ "step": place, "in_ms": millis(step.at.saturating_sub(elapsed)) }));
        json!({
            "file": played.file, "about": played.script.about, "elapsed_ms": millis(elapsed), "next": next,
            "steps": steps.collect::<Vec<_>>(),
        })
    }
}

fn millis(span: Duration) -> u64 {
    micros(span) / 1000
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::ToCome => "to_come",
            Self::Active(_) => "active",
            Self::Done => "done",
            Self::Failed(_) => "failed",
        }
    }
}
