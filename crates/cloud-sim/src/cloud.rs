//! The simulated platform: one business account with its numbers, templates and media, and the users it writes to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::access::Access;
use crate::agenda::Agenda;
use crate::belongings::Belongings;
use crate::calls::Calls;
use crate::clock::{Clock, micros};
use crate::config::SimConfig;
use crate::conversations::Conversations;
use crate::error::SimError;
use crate::faults::{FaultOrder, Faults};
use crate::flows::FlowKeys;
use crate::inbox::Inbox;
use crate::insights::Insights;
use crate::ledger::{self, LedgerSnapshot, Tally, Totals};
use crate::limits::{Bucket, Limit};
use crate::media::Library;
use crate::pacing::Pacing;
use crate::quality::Quality;
use crate::review::{Review, Verdict};
use crate::rules::InForce;
use crate::scenario::Scenario;
use crate::standing::Standings;
use crate::templates::{TemplateOrder, Templates};
use crate::uploads::Uploads;
use crate::users::Users;
use crate::wamid::Mint;
use crate::webhooks::{Apps, Webhooks};

/// The id of the WhatsApp Business Account; where there are several, of the first.
pub const WABA_ID: &str = "200000000000001";

const FIRST_WABA_ID: u64 = 200_000_000_000_001;

/// The id of the business portfolio that owns the account.
pub const PORTFOLIO_ID: &str = "300000000000001";

/// The id of the app that the token was made for; a second app has the next.
pub const APP_ID: &str = "400000000000001";

const FIRST_NUMBER_ID: u64 = 100_000_000_000_001;
const FIRST_DISPLAY_NUMBER: u64 = 15_550_100_001;

/// Everything that a call can read or change.
pub(crate) struct Cloud {
    pub(crate) access: Access,
    pub(crate) mps: u32,
    pub(crate) clock: Clock,
    pub(crate) agenda: Agenda<Cloud>,
    pub(crate) numbers: Vec<Number>,
    pub(crate) users: Users,
    pub(crate) inbox: Inbox,
    pub(crate) conversations: Conversations,
    pub(crate) totals: Totals,
    pub(crate) templates: Templates,
    reviews: Review,
    wabas: usize,
    pub(crate) media: Library,
    pub(crate) uploads: Uploads,
    pub(crate) flow_keys: FlowKeys,
    pub(crate) belongings: Belongings,
    pub(crate) calls: Calls,
    pub(crate) insights: Insights,
    pub(crate) faults: Faults,
    pub(crate) scenario: Scenario,
    pub(crate) rules: Arc<InForce>,
    pub(crate) quality: Quality,
    pub(crate) pacing: Pacing,
    pub(crate) seed: u64,
    pub(crate) standings: Standings,
    pub(crate) mint: Mint,
    pub(crate) webhooks: Webhooks,
    half_latency_us: AtomicU64,
}

/// The id of the account at a place.
pub(crate) fn waba_id(place: usize) -> String {
    (FIRST_WABA_ID + place as u64).to_string()
}

/// A business phone number.
pub(crate) struct Number {
    pub(crate) place: usize,
    pub(crate) id: String,
    /// Digits without `+`.
    pub(crate) display: String,
    /// The place of its account.
    pub(crate) waba: usize,
    pub(crate) tally: Tally,
    throughput: Mutex<(Limit, Bucket)>,
    /// A month, and how many messages to users who wrote were free of charge in it.
    free: Mutex<(i64, u32)>,
}

impl Cloud {
    pub(crate) fn new(config: &SimConfig, clock: Clock, numbers: Vec<Number>, webhooks: Webhooks) -> Self {
        Self {
            access: Access::of(config.wabas),
            mps: config.mps,
            agenda: Agenda::default(),
            numbers,
            users: Users::new(),
            inbox: Inbox::default(),
            conversations: Conversations::default(),
            totals: Totals::default(),
            reviews: Review::new(config.review),
            templates: Templates::of(config.wabas),
            wabas: config.wabas,
            media: Library::default(),
            uploads: Uploads::default(),
            flow_keys: FlowKeys::default(),
            belongings: Belongings::default(),
            calls: Calls::default(),
            insights: Insights::default(),
            faults: Faults::new(config.faults, config.seed),
            scenario: Scenario::default(),
            rules: Arc::clone(webhooks.rules()),
            quality: Quality::default(),
            pacing: Pacing::default(),
            seed: config.seed,
            standings: Standings::new(config.mps),
            mint: Mint::new(config.seed ^ clock.now_us()),
            half_latency_us: AtomicU64::new(micros(config.latency / 2)),
            clock,
            webhooks,
        }
    }

    /// The apps that hear of the accounts.
    pub(crate) fn apps(&self) -> &Apps {
        self.webhooks.courier().apps()
    }

    /// Every account has the first app among its subscribed ones from now on, or none has.
    pub(crate) fn subscribe_first(&self, subscribed: bool) {
        (0..self.wabas).for_each(|waba| self.apps().first().subscribe(waba, subscribed));
    }

    /// Whether every account has the first app among its subscribed ones.
    pub(crate) fn is_first_subscribed(&self) -> bool {
        (0..self.wabas).all(|waba| self.apps().first().is_subscribed(waba))
    }

    pub(crate) fn number(&self, id: &str) -> Option<&Number> {
        let place = id.parse::<u64>().ok()?.checked_sub(FIRST_NUMBER_ID)?;
        self.numbers.get(usize::try_from(place).ok()?).filter(|number| number.id == id)
    }

    /// The place of an account.
    pub(crate) fn waba(&self, id: &str) -> Option<usize> {
        let place = usize::try_from(id.parse::<u64>().ok()?.checked_sub(FIRST_WABA_ID)?).ok()?;
        (place < self.wabas && waba_id(place) == id).then_some(place)
    }

    /// How many accounts there are.
    pub(crate) fn accounts(&self) -> usize {
        self.wabas
    }

    /// Does what was due until now.
    pub(crate) fn catch_up(&self) {
        self.agenda.catch_up(self, self.clock.now_us());
    }

    /// Moves the clock forward, and does what is due by then.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.catch_up();
    }

    /// Has something done after a while, by the simulator's clock.
    pub(crate) fn after(&self, span: Duration, deed: impl FnOnce(&Self) + Send + 'static) {
        self.agenda.at(self.clock.now_us().saturating_add(micros(span)), deed);
    }

    /// Has a template reviewed: the verdict is the one that holds when the review begins.
    pub(crate) fn review(&self, template: u64) {
        if let Some((takes, order)) = self.reviews.begin() {
            self.after(takes, move |cloud| cloud.obey_template(template, &order));
        }
    }

    /// What reviews come to from now on.
    pub(crate) fn order_reviews(&self, verdict: Verdict) -> Result<(), SimError> {
        self.reviews.order(verdict)
    }

    /// Orders what Meta makes of a template.
    pub(crate) fn order_template(&self, name: &str, order: &TemplateOrder) -> Result<(), SimError> {
        let waba = order.waba.as_deref().map(|id| {
            let remedy = format!("`{id}` is not an account of this simulator");
            self.waba(id).ok_or(SimError::Order { field: "waba", remedy })
        });
        let (ids, told) = self.templates.order(name, waba.transpose()?, order, self.clock.now_us())?;
        told.into_iter().for_each(|told| self.webhooks.tell(told));
        for id in ids {
            self.end_pause_later(id);
            order.pacing.into_iter().for_each(|pacing| self.pace(id, pacing));
        }
        Ok(())
    }

    /// Makes of one template what is ordered, and tells of it.
    pub(crate) fn obey_template(&self, id: u64, order: &TemplateOrder) {
        let now_us = self.clock.now_us();
        let told = self.templates.change(id, |template| template.obey(order, now_us)).filter(|_| !order.silent);
        told.into_iter().flatten().for_each(|told| self.webhooks.tell(told));
        self.end_pause_later(id);
    }

    /// Half of the time that a call takes.
    pub(crate) async fn half_latency(&self) {
        match self.half_latency_us.load(Ordering::Relaxed) {
            0 => {}
            half => tokio::time::sleep(Duration::from_micros(half)).await,
        }
    }

    /// From now on a call takes so long; how long it took before.
    pub(crate) fn set_latency(&self, latency: Duration) -> Duration {
        let before = self.half_latency_us.swap(micros(latency / 2), Ordering::Relaxed);
        Duration::from_micros(before * 2)
    }

    /// Replaces the ordered faults, if all of them make sense.
    pub(crate) fn order_faults(&self, order: FaultOrder) -> Result<(), SimError> {
        self.faults.order(order, |id| self.number(id).is_some())
    }

    pub(crate) fn ledger(&self) -> LedgerSnapshot {
        ledger::snapshot(&self.users, &self.totals, |place| self.numbers[place].id.clone())
    }
}

impl Number {
    pub(crate) fn new(place: usize, wabas: usize, mps: u32, now_us: u64) -> Self {
        let limit = Limit::per_second(mps);
        Self {
            place,
            id: (FIRST_NUMBER_ID + place as u64).to_string(),
            display: (FIRST_DISPLAY_NUMBER + place as u64).to_string(),
            waba: place % wabas,
            tally: Tally::default(),
            throughput: Mutex::new((limit, Bucket::full(limit, now_us))),
            free: Mutex::default(),
        }
    }

    /// Spends one message of the number's throughput, or says that there is none.
    pub(crate) fn spend(&self, now_us: u64) -> bool {
        let mut throughput = self.throughput.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = throughput.0;
        throughput.1.take(limit, now_us)
    }

    /// Spends one of the messages that are free of charge in a month, if any is left.
    pub(crate) fn spends_free(&self, month: i64, most: u32) -> bool {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.0 != month {
            *free = (month, 0);
        }
        let is_free = free.1 < most;
        free.1 += u32::from(is_free);
        is_free
    }

    /// From now on it accepts so many messages per second.
    pub(crate) fn set_throughput(&self, mps: u32) {
        self.throughput.lock().unwrap_or_else(PoisonError::into_inner).0 = Limit::per_second(mps);
    }
}
