//! Webhooks: what is announced comes late, in batches, sometimes twice or in the wrong order, and never not at all.
//!
//! One scheduler task holds every status still to come; it hands each full batch to a courier, which posts it until
//! it is answered 200.

mod courier;
mod payload;
mod plan;
mod scheduler;

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::config::{Receipts, SimConfig};
use crate::dice::{Purpose, dice};
use crate::error::SimError;
use crate::message::{Message, Said};
use crate::odds::Odds;
use crate::templates::Told;
use crate::wa_id::WaId;
use courier::Courier;
pub(crate) use plan::Course;
use plan::{Status, Step};
use scheduler::{Pending, Scheduler};

/// What a user tells a number.
pub(crate) struct Inbound {
    pub(crate) user: WaId,
    pub(crate) number: usize,
    pub(crate) says: Says,
    /// Unix microseconds of the simulator's clock.
    pub(crate) at_us: u64,
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
    inbox: UnboundedSender<Pending>,
    courier: Arc<Courier>,
}

impl Webhooks {
    /// Starts the scheduler, which runs until `stop`.
    pub(crate) fn start(config: &SimConfig, senders: Vec<Sender>, stop: &CancellationToken) -> Result<Self, SimError> {
        let odds = Odds::of(config.faults);
        let url = config.webhook.as_deref().map(webhook_url).transpose()?;
        let courier = Arc::new(Courier::new(config, url));
        let (inbox, waiting) = unbounded_channel();
        let scheduler = Scheduler::new(config, odds, senders, Arc::clone(&courier), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(scheduler.run(waiting)));
        Ok(Self { receipts: config.receipts.clone(), odds, seed: config.seed, inbox, courier })
    }

    /// Plans the receipts of an accepted message, the `nth` to its user: a failure with a code, or success. What becomes of
    /// it is the same whether anybody is told or not.
    pub(crate) fn announce(&self, message: &Arc<Message>, failure: Option<u32>, nth: u32) -> Course {
        if !self.receipts.enabled {
            return Course::default();
        }
        let mut dice = dice(self.seed, message.user, nth, Purpose::Receipts);
        let mut steps = plan::steps(&self.receipts, &self.odds, failure, &mut dice);
        if message.is_reaction {
            // Meta: nobody hears of what becomes of a reaction that was sent.
            steps.retain(|step| !matches!(step.status, Status::Delivered | Status::Read));
        }
        let course = Course::of(&steps, message.at_us);
        self.tell_receipts(message, steps);
        course
    }

    /// The user has just opened the conversation, and read a message of which no receipt would have told that.
    pub(crate) fn read(&self, message: &Arc<Message>, now_us: u64) {
        let happened = Duration::from_micros(now_us.saturating_sub(message.at_us));
        let read = Step { status: Status::Read, happened, announced: Duration::ZERO, priced: false };
        self.tell_receipts(message, vec![read]);
    }

    fn tell_receipts(&self, message: &Arc<Message>, steps: Vec<Step>) {
        if self.courier.is_heard() {
            self.courier.expect(steps.len());
            self.hand_over(Pending::Receipts { message: Arc::clone(message), accepted: Instant::now(), steps });
        }
    }

    /// Sends a user's message on.
    pub(crate) fn inbound(&self, inbound: Inbound) {
        if self.courier.is_heard() {
            self.courier.expect(1);
            self.hand_over(Pending::Inbound(inbound));
        }
    }

    /// Sends on what becomes of an account, a number or a template.
    pub(crate) fn tell(&self, told: Told) {
        self.teller().tell(told);
    }

    /// Tells of such things later.
    pub(crate) fn teller(&self) -> Teller {
        Teller { inbox: self.inbox.clone(), courier: Arc::clone(&self.courier) }
    }

    pub(crate) fn courier(&self) -> &Courier {
        &self.courier
    }

    pub(crate) fn set_url(&self, url: Option<&str>) -> Result<(), SimError> {
        self.courier.set_url(url.map(webhook_url).transpose()?);
        Ok(())
    }

    fn hand_over(&self, pending: Pending) {
        // The scheduler is gone only when the simulator stops, and then so are its webhooks.
        let _ = self.inbox.send(pending);
    }
}

/// Tells of accounts.
#[derive(Clone)]
pub(crate) struct Teller {
    inbox: UnboundedSender<Pending>,
    courier: Arc<Courier>,
}

impl Teller {
    pub(crate) fn tell(&self, told: Told) {
        if self.courier.is_heard() {
            self.courier.expect(1);
            // As with all that is handed over: the scheduler is gone only when the simulator stops.
            let _ = self.inbox.send(Pending::Account(told));
        }
    }
}

fn webhook_url(text: &str) -> Result<Url, SimError> {
    let url = Url::parse(text).map_err(|reason| SimError::WebhookUrl(format!("`{text}`: {reason}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(SimError::WebhookUrl(format!("`{text}` has the scheme {other}"))),
    }
}
