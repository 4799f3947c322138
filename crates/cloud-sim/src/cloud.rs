//! The simulated platform: one business account with its numbers, templates and media, and the users it writes to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::access::Access;
use crate::belongings::Belongings;
use crate::calls::Calls;
use crate::clock::Clock;
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
use crate::review::{Review, Verdict};
use crate::standing::{self, NumberOrder, Standing, Standings};
use crate::templates::{TemplateOrder, Templates, Told};
use crate::uploads::Uploads;
use crate::users::Users;
use crate::wamid::Mint;
use crate::webhooks::Webhooks;

/// The id of the WhatsApp Business Account; where there are several, of the first.
pub const WABA_ID: &str = "200000000000001";

const FIRST_WABA_ID: u64 = 200_000_000_000_001;

/// The id of the business portfolio that owns the account.
pub const PORTFOLIO_ID: &str = "300000000000001";

/// The id of the app that the token was made for.
pub const APP_ID: &str = "400000000000001";

const FIRST_NUMBER_ID: u64 = 100_000_000_000_001;
const FIRST_DISPLAY_NUMBER: u64 = 15_550_100_001;

/// Everything that a call can read or change.
pub(crate) struct Cloud {
    pub(crate) token: String,
    pub(crate) access: Access,
    app_secret: String,
    pub(crate) mps: u32,
    pub(crate) clock: Clock,
    pub(crate) numbers: Vec<Number>,
    pub(crate) users: Users,
    pub(crate) inbox: Inbox,
    pub(crate) conversations: Conversations,
    pub(crate) totals: Totals,
    pub(crate) templates: Arc<Templates>,
    reviews: Review,
    wabas: usize,
    pub(crate) media: Library,
    pub(crate) uploads: Uploads,
    pub(crate) flow_keys: FlowKeys,
    pub(crate) belongings: Belongings,
    pub(crate) calls: Calls,
    pub(crate) insights: Insights,
    pub(crate) faults: Faults,
    pub(crate) standings: Standings,
    pub(crate) mint: Mint,
    pub(crate) webhooks: Webhooks,
    half_latency: Duration,
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
}

impl Cloud {
    pub(crate) fn new(config: &SimConfig, clock: Clock, numbers: Vec<Number>, webhooks: Webhooks) -> Self {
        Self {
            token: config.token.clone(),
            access: Access::of(config.wabas),
            app_secret: config.app_secret.clone(),
            mps: config.mps,
            numbers,
            users: Users::new(),
            inbox: Inbox::default(),
            conversations: Conversations::default(),
            totals: Totals::default(),
            reviews: Review::new(config.review, &webhooks),
            templates: Arc::new(Templates::of(config.wabas)),
            wabas: config.wabas,
            media: Library::default(),
            uploads: Uploads::default(),
            flow_keys: FlowKeys::default(),
            belongings: Belongings::default(),
            calls: Calls::default(),
            insights: Insights::default(),
            faults: Faults::new(config.faults, config.seed),
            standings: Standings::default(),
            mint: Mint::new(config.seed ^ clock.now_us()),
            half_latency: config.latency / 2,
            clock,
            webhooks,
        }
    }

    /// What an app shows for itself (Meta: access tokens).
    pub(crate) fn app_token(&self) -> String {
        format!("{APP_ID}|{}", self.app_secret)
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

    /// Has a template reviewed.
    pub(crate) fn review(&self, template: u64) {
        self.reviews.begin(Arc::clone(&self.templates), template);
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
        let told = self.templates.order(name, waba.transpose()?, order)?;
        told.into_iter().for_each(|told| self.webhooks.tell(told));
        Ok(())
    }

    /// Makes of one template what is ordered, and tells of it.
    pub(crate) fn obey_template(&self, id: u64, order: &TemplateOrder) {
        let told = self.templates.change(id, |template| template.obey(order));
        told.into_iter().flatten().for_each(|told| self.webhooks.tell(told));
    }

    /// Half of the time that a call takes.
    pub(crate) async fn half_latency(&self) {
        if !self.half_latency.is_zero() {
            tokio::time::sleep(self.half_latency).await;
        }
    }

    /// Replaces the ordered faults, if all of them make sense.
    pub(crate) fn order_faults(&self, order: FaultOrder) -> Result<(), SimError> {
        self.faults.order(order, |id| self.number(id).is_some())
    }

    /// Orders how Meta regards a number.
    pub(crate) fn order_number(&self, id: &str, order: NumberOrder) -> Result<Standing, SimError> {
        let remedy = || format!("`{id}` is not a number of this simulator");
        let number = self.number(id).ok_or_else(|| SimError::Order { field: "number", remedy: remedy() })?;
        let (before, after) = self.standings.order(number.place, order)?;
        number.set_throughput(after.mps.unwrap_or(self.mps));
        let account = |(field, value)| Told { waba: number.waba, field, value };
        standing::told(number, &before, &after).into_iter().map(account).for_each(|told| self.webhooks.tell(told));
        Ok(after)
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
        }
    }

    /// Spends one message of the number's throughput, or says that there is none.
    pub(crate) fn spend(&self, now_us: u64) -> bool {
        let mut throughput = self.throughput.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = throughput.0;
        throughput.1.take(limit, now_us)
    }

    /// From now on it accepts so many messages per second.
    fn set_throughput(&self, mps: u32) {
        self.throughput.lock().unwrap_or_else(PoisonError::into_inner).0 = Limit::per_second(mps);
    }
}
