//! A campaign as users submit it: what to send, to whom, when, from which numbers, under which policy.

mod audience;
mod jitter;
mod load;
mod message;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    UnixMs,
    canary::Canary,
    fault::{
        Fault, Faults,
        read::{Node, document},
        word,
    },
    ids::PoolId,
    quiet::Stretch,
    retry::RetryPolicy,
    schedule::{Occurrence, Schedule},
    window::{Opening, Span, Window},
};

pub use audience::{AudienceRef, Segment};
pub use jitter::Jitter;
pub use load::Load;
pub use message::{
    Action, ButtonAction, ButtonKind, Card, CatalogLink, Category, Choice, Component, ContactCard, Content, Context,
    Currency, DateTime, Figure, Flow, FlowName, FlowScreen, Header, Interactive, LinkButton, ListRow, ListSection,
    Location, MarketingMessages, Media, MediaSource, Message, Offer, Parameter, Product, ProductItem, ProductPolicy,
    ProductSection, Reaction, Reply, ReplyButton, TemplateMessage, TextBody, TrialShare, Words,
};

/// Most tiers that a campaign may order.
const MAX_TIERS: usize = 100;

/// A campaign, every default filled in.
///
/// Reads from JSON through [`CampaignSpec::parse`] only, `serde` included, so that one reading holds for what users
/// send and for what was stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct CampaignSpec {
    /// What people call it; the template's name unless given.
    pub name: String,
    /// The numbers that it goes out from.
    pub pool: PoolId,
    /// Who is served first when numbers are scarce.
    pub priority: Priority,
    /// What is sent.
    pub message: Message,
    /// To whom.
    pub audience: AudienceRef,
    /// When.
    pub schedule: Schedule,
    /// How long before and after.
    pub window: Window,
    /// How the window is filled.
    pub jitter: Jitter,
    /// Who goes out first, to see whether the rest shall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// Which recipients come first; tiers not listed go last.
    pub tiers: Vec<String>,
    /// How refused sends are repeated.
    pub retry: RetrySpec,
    /// What follows a send of which nobody knows whether it arrived.
    pub unconfirmed: UnconfirmedSpec,
    /// The share of defective rows, 0 to 1, above which a run is held before it opens.
    pub max_defects: f64,
    /// What is promised.
    pub sla: Sla,
    /// Whether it is taken although it cannot keep its promise: it then uses the time up to the deadline, and beyond.
    pub force: bool,
}

word! {
    /// Who is served first when numbers are scarce; greater goes first.
    pub enum Priority {
        /// Waits for everyone.
        Bulk = "bulk",
        /// The usual.
        Normal = "normal",
        /// Waits for nobody.
        Critical = "critical",
    }
}

/// How sends that certainly failed are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RetrySpec {
    /// Sends in all, the first included: 1 to 8.
    pub max_attempts: u8,
    /// The wait before the first repeat, doubled each time.
    pub base: Span,
    /// The longest wait.
    pub cap: Span,
}

word! {
    /// What follows when a send stays unconfirmed past its grace.
    pub enum Then {
        /// Another send, which may be a second message.
        Resend = "resend",
        /// Nothing: rather no message than two.
        GiveUp = "give_up",
    }
}

/// What follows a send of which nobody knows whether it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UnconfirmedSpec {
    /// What is done.
    pub then: Then,
    /// How long a receipt is waited for first.
    pub grace: Span,
}

word! {
    /// How far a delivery must have come to count; greater is further.
    pub enum Counts {
        /// Meta took it.
        Accepted = "accepted",
        /// Meta sent it on.
        Sent = "sent",
        /// It is on the recipient's phone.
        Delivered = "delivered",
        /// The recipient opened it.
        Read = "read",
    }
}

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sla {
    /// The share of eligible deliveries, 0 to 1, that must make it by the deadline.
    pub objective: f64,
    /// How far they must have come.
    pub counts: Counts,
}

impl CampaignSpec {
    /// Reads a campaign and fills in the defaults.
    ///
    /// # Errors
    /// Every fault that can be seen without a clock and in one field alone: broken JSON, unknown and missing fields,
    /// wrong types, values out of range. See [`CampaignSpec::check`] for the others.
    pub fn parse(json: &[u8]) -> Result<Self, Faults> {
        let value: Value = serde_json::from_slice(json).map_err(|why| {
            Faults::from(Fault { pointer: String::new(), detail: format!("is not JSON: {why}. Mend the text there.") })
        })?;
        document(&value, Self::read)
    }

    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let name = fields.maybe("name", Node::words);
            let pool = fields.required("pool", Node::parse);
            let priority = fields.or("priority", Priority::Normal, Node::parse);
            let message = fields.required("message", Message::read);
            let audience = fields.required("audience", AudienceRef::read);
            let mut schedule = fields.required("schedule", Schedule::read);
            let window = fields.or("window", Window::default(), Window::read);
            if let (Some(schedule), Some(window)) = (&mut schedule, &window) {
                schedule.skip(&window.blackout);
            }
            let jitter = fields.or("jitter", Jitter::Uniform, Jitter::read);
            let canary = fields.maybe("canary", Canary::read);
            let tiers = fields.or("tiers", default_tiers(), |node| node.list(Node::words));
            let retry = fields.or("retry", RetrySpec::default(), RetrySpec::read);
            // Read even without a message, whose fault must not hide others.
            let then = default_then(message.as_ref());
            let unconfirmed = fields.maybe("unconfirmed", |node| UnconfirmedSpec::read(node, then));
            let max_defects = fields.or("max_defects", 0.01, |node| node.number(0.0..=1.0));
            let sla = fields.or("sla", Sla::default(), Sla::read);
            let force = fields.or("force", false, Node::flag);
            let message = message?;
            Some(Self {
                name: name?.unwrap_or_else(|| default_name(&message)),
                pool: pool?,
                priority: priority?,
                message,
                audience: audience?,
                schedule: schedule?,
                window: window?,
                jitter: jitter?,
                canary: canary?,
                tiers: tiers?,
                retry: retry?,
                unconfirmed: unconfirmed?.unwrap_or(UnconfirmedSpec::usual(then)),
                max_defects: max_defects?,
                sla: sla?,
                force: force?,
            })
        })
    }

    /// When a window that closes at `closes_at` would, were the time in which its canary is watched taken off its end:
    /// whether recipients fit is reckoned with that.
    pub fn without_watch(&self, closes_at: UnixMs) -> UnixMs {
        closes_at - self.canary.map_or(0, |canary| canary.pause_ms())
    }

    /// What its canary takes of a window, to be said where something does not fit; nothing without one.
    pub fn canary_takes(&self) -> String {
        self.canary.as_ref().map(Canary::takes).unwrap_or_default()
    }

    /// What fields together, or the clock at `now`, make wrong.
    pub fn check(&self, now: UnixMs) -> Faults {
        let mut faults = self.schedule.check(now);
        let past = !faults.is_empty();
        // A schedule in the past closes its window too: one fault is enough.
        let seen_at = if past { UnixMs::MIN } else { now };
        if let Some(Occurrence { civil, instant, .. }) = self.schedule.first(now) {
            faults.append(self.window.check(instant, seen_at));
            let Opening { opens_at, closes_at, .. } = self.window.around(instant, seen_at);
            let open = Stretch { from: opens_at, until: closes_at };
            faults.append(self.window.check_blackout(self.schedule.zone(), civil.date(), open));
        }
        if self.schedule.is_per_recipient() && self.message.is_free_form() {
            let detail =
                "cannot be with a free-form message, whose service windows end a day after they open: send a template.";
            faults.add("/schedule/per_recipient", detail);
        }
        if let Some(canary) = &self.canary {
            canary.check(&self.window, &mut faults);
            if self.schedule.is_per_recipient() {
                let detail = "cannot be with a schedule by each recipient's own clock: leave one of them out.";
                faults.add("/canary", detail);
            }
        }
        if self.retry.base > self.retry.cap {
            let detail =
                format!("{} is less than the base of {}: make it that or more.", self.retry.cap, self.retry.base);
            faults.add("/retry/cap", detail);
        }
        for (n, tier) in self.tiers.iter().enumerate() {
            if self.tiers[..n].contains(tier) {
                faults.add(format!("/tiers/{n}"), format!("`{tier}` is listed already; list each tier once."));
            }
        }
        if self.tiers.len() > MAX_TIERS {
            faults.add("/tiers", format!("lists more than {MAX_TIERS} tiers; leave out those that may go last."));
        }
        faults
    }
}

impl TryFrom<Value> for CampaignSpec {
    type Error = Faults;
    fn try_from(value: Value) -> Result<Self, Faults> {
        document(&value, Self::read)
    }
}

fn default_name(message: &Message) -> String {
    let content = &message.content;
    content.template().map_or_else(|| content.kind().to_owned(), |template| template.name.clone())
}

fn default_tiers() -> Vec<String> {
    ["pro", "standard"].map(str::to_owned).to_vec()
}

/// A passcode that never comes does more harm than one that comes twice; with an advertisement, be it only what is fallen
/// back to, it is the reverse.
fn default_then(message: Option<&Message>) -> Then {
    let promotes = |message: &Message| message.templates().any(|(_, it)| it.category == Category::Marketing);
    if message.is_some_and(promotes) { Then::GiveUp } else { Then::Resend }
}

impl Default for RetrySpec {
    fn default() -> Self {
        Self { max_attempts: 3, base: Span::seconds(1), cap: Span::seconds(30) }
    }
}

impl RetrySpec {
    /// The policy in the terms of [`crate::retry`].
    pub fn policy(self) -> RetryPolicy {
        let ms = |span: Span| span.ms().unsigned_abs();
        RetryPolicy { max_attempts: self.max_attempts, base_ms: ms(self.base), cap_ms: ms(self.cap) }
    }

    fn read(node: &Node<'_>) -> Option<Self> {
        let default = Self::default();
        node.object(|fields| {
            let max_attempts = fields.or("max_attempts", default.max_attempts, |node| node.whole(1..=8));
            let base = fields.or("base", default.base, read_some_time);
            let cap = fields.or("cap", default.cap, read_some_time);
            Some(Self { max_attempts: max_attempts?, base: base?, cap: cap? })
        })
    }
}

pub(crate) fn read_some_time(node: &Node<'_>) -> Option<Span> {
    let span: Span = node.parse()?;
    if span.ms() > 0 { Some(span) } else { node.fault("must be longer than nothing, such as `1s`.") }
}

impl UnconfirmedSpec {
    fn usual(then: Then) -> Self {
        Self { then, grace: Span::seconds(30) }
    }

    fn read(node: &Node<'_>, then: Then) -> Option<Self> {
        let default = Self::usual(then);
        node.object(|fields| {
            let then = fields.or("then", default.then, Node::parse);
            let grace = fields.or("grace", default.grace, read_some_time);
            Some(Self { then: then?, grace: grace? })
        })
    }
}

impl Default for Sla {
    fn default() -> Self {
        Self { objective: 0.99, counts: Counts::Sent }
    }
}

impl Sla {
    fn read(node: &Node<'_>) -> Option<Self> {
        let default = Self::default();
        node.object(|fields| {
            let objective = fields.or("objective", default.objective, |node| node.number(0.0..=1.0));
            let counts = fields.or("counts", default.counts, Node::parse);
            Some(Self { objective: objective?, counts: counts? })
        })
    }
}

#[cfg(test)]
mod tests;
