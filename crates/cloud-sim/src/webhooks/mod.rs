//! Webhooks: what is announced comes late, in batches, sometimes twice or in the wrong order, and never not at all.
//!
//! One scheduler task holds every status still to come; it hands each full batch to a courier, which posts it until
//! it is answered 200.

mod apps;
mod courier;
mod history;
mod payload;
mod plan;
mod scheduler;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Receipts, SimConfig};
use crate::dice::{Purpose, dice};
use crate::error::SimError;
use crate::message::{Leg, Message, Said};
use crate::odds::Odds;
use crate::rules::InForce;
use crate::templates::Told;
use crate::wa_id::WaId;
use courier::Courier;
use plan::Step;
use scheduler::{Pending, Post, Scheduler};

pub(crate) use apps::{App, Apps, Route};
pub(crate) use history::{Delivery, Happening, Record, Telling};
pub(crate) use plan::{Course, Status};
pub(crate) use scheduler::Stop;

/// What a user tells a number.
pub(crate) struct Inbound {
    pub(crate) user: WaId,
    /// Whether the phone is shown; the user id is, if it is not.
    pub(crate) shows_phone: bool,
    pub(crate) number: usize,
    pub(crate) says: Says,
    /// Unix microseconds of the simulator's clock.
    pub(crate) at_us: u64,
}

impl Inbound {
    /// Whether it belongs to the field `messages`.
    fn is_message(&self) -> bool {
        !matches!(self.says, Says::Preference { .. })
    }
}

/// What is told.
pub(crate) enum Says {
    /// A message.
    Message(Arc<Said>),
    /// A wish of marketing messages: to have none, or to have them again.
    Preference { stops: bool },
}

/// A number as webhooks name it.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) id: String,
    pub(crate) display: String,
    /// The place of its account.
    pub(crate) waba: usize,
}

/// The way in: announce what happened, and the webhooks follow.
pub(crate) struct Webhooks {
    receipts: Receipts,
    odds: Odds,
    seed: u64,
    /// The account of each number, by their places.
    accounts: Vec<usize>,
    rules: Arc<InForce>,
    inbox: UnboundedSender<Pending>,
    courier: Arc<Courier>,
}

impl Webhooks {
    /// Starts the scheduler, which runs until `stop`.
    pub(crate) fn start(
        config: &SimConfig,
        senders: Vec<Sender>,
        clock: &Clock,
        stop: &CancellationToken,
    ) -> Result<Self, SimError> {
        let odds = Odds::of(config.faults);
        let courier = Arc::new(Courier::new(config, Apps::of(config)?, clock.clone()));
        let accounts = senders.iter().map(|sender| sender.waba).collect();
        let rules = Arc::new(InForce::new(config.rules.clone()));
        let (inbox, waiting) = unbounded_channel();
        let post = Post { senders, rules: Arc::clone(&rules), courier: Arc::clone(&courier) };
        let scheduler = Scheduler::new(config, odds, post, clock.clone(), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(scheduler.run(waiting)));
        Ok(Self { receipts: config.receipts.clone(), odds, seed: config.seed, accounts, rules, inbox, courier })
    }

    /// Plans the receipts of a message that goes out, the `nth` to its user. What becomes of it is the same whether anybody is
    /// told or not.
    pub(crate) fn announce(&self, message: &Arc<Message>, nth: u32) -> Course {
        if !self.receipts.enabled {
            self.expect_nothing_yet(message);
            return Course::default();
        }
        let steps = self.steps(message, nth);
        let course = Course::of(&steps, message.went_out_us);
        self.tell_receipts(message, steps);
        course
    }

    /// The user has just opened the conversation, and read a message of which no receipt would have told that.
    pub(crate) fn read(&self, message: &Arc<Message>, now_us: u64) {
        let happened = Duration::from_micros(now_us.saturating_sub(message.went_out_us));
        let read = Step { status: Status::Read, happened, announced: Duration::ZERO, priced: false };
        self.tell_receipts(message, vec![read]);
    }

    /// What lies ahead of a message that is held back is not known yet.
    pub(crate) fn expect_nothing_yet(&self, message: &Message) {
        self.courier.history().expect(message, &[], &Vec::new());
    }

    fn tell_receipts(&self, message: &Arc<Message>, steps: Vec<Step>) {
        let (apps, waba, number) = (self.courier.apps(), self.accounts[message.number], Some(message.number));
        let hears = apps.hear(waba, number);
        let audience = if hears { apps.audience(waba, number) } else { Vec::new() };
        self.courier.history().expect(message, &steps, &audience);
        if hears {
            self.courier.expect(steps.len());
            self.hand_over(Pending::Receipts { message: Arc::clone(message), steps });
        }
    }

    /// When the message arrives and is read, after it goes out, if it does.
    pub(crate) fn arrival(&self, message: &Message, nth: u32) -> [Option<Duration>; 2] {
        let steps = self.steps(message, nth);
        let first = |status| steps.iter().filter(|step| step.status == status).map(|step| step.happened).min();
        let is_read = first(Status::Read);
        // Read at the moment of delivery, it was delivered as well.
        [first(Status::Delivered).or(is_read), is_read]
    }

    /// The receipts of a message, the last to be announced first. The same for the same message.
    fn steps(&self, message: &Message, nth: u32) -> Vec<Step> {
        let mut dice = dice(self.seed, message.user, nth, Purpose::Receipts);
        let mut steps = plan::steps(&self.receipts, &self.odds, message.failure, &mut dice);
        if let Some(code) = message.fails_late.filter(|_| message.failure.is_none()) {
            plan::fail_late(&mut steps, code);
        }
        let arrives = |step: &Step| matches!(step.status, Status::Delivered | Status::Read);
        match message.leg {
            // Meta: nobody hears of what becomes of a reaction that was sent.
            _ if message.is_reaction => steps.retain(|step| !arrives(step)),
            Leg::Whole => {}
            Leg::Sending => steps.retain(|step| !arrives(step)),
            Leg::Arrival => steps.retain(arrives),
        }
        steps
    }

    /// Sends a user's message on.
    pub(crate) fn inbound(&self, inbound: Inbound) {
        let heard_as = inbound.is_message().then_some(inbound.number);
        if self.courier.apps().hear(self.accounts[inbound.number], heard_as) {
            self.courier.expect(1);
            self.hand_over(Pending::Inbound(inbound));
        }
    }

    /// Sends on what becomes of an account, a number or a template.
    pub(crate) fn tell(&self, told: Told) {
        if self.courier.apps().hear(told.waba, None) {
            self.courier.expect(1);
            self.hand_over(Pending::Account(told));
        }
    }

    /// Posts nothing until a time, repeated posts included; then everything at once.
    pub(crate) fn stop(&self, stop: Stop) {
        self.courier.stop_until(stop.until_us);
        self.hand_over(Pending::Stop(stop));
    }

    /// The rules by which bodies are written, which are those of the whole simulator.
    pub(crate) fn rules(&self) -> &Arc<InForce> {
        &self.rules
    }

    pub(crate) fn courier(&self) -> &Courier {
        &self.courier
    }

    pub(crate) fn set_url(&self, url: Option<&str>) -> Result<(), SimError> {
        self.courier.apps().first().set_url(url.map(webhook_url).transpose()?);
        Ok(())
    }

    fn hand_over(&self, pending: Pending) {
        // The scheduler is gone only when the simulator stops, and then so are its webhooks.
        let _ = self.inbox.send(pending);
    }
}

fn webhook_url(text: &str) -> Result<Url, SimError> {
    let url = Url::parse(text).map_err(|reason| SimError::WebhookUrl(format!("`{text}`: {reason}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(SimError::WebhookUrl(format!("`{text}` has the scheme {other}"))),
    }
}
