//! One step of a scenario: when, for how long, and what.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access::TokenOrder;
use crate::crowd::{Block, Preference, Reply, UserOrder};
use crate::duration_text;
use crate::faults::{Fault, FaultMatch, FaultRule};
use crate::standing::NumberOrder;
use crate::templates::TemplateOrder;

/// As it stands in the file. Exactly one of the last group is given.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Since the simulator started.
    #[serde(with = "duration_text")]
    pub(crate) at: Duration,
    /// Then what it changed is as it was before. Without it the change stays.
    #[serde(default, rename = "for", with = "duration_text::perhaps", skip_serializing_if = "Option::is_none")]
    pub(crate) span: Option<Duration>,
    /// For people who read the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,

    /// With a fault alone: which calls it is for.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub(crate) matches: Option<FaultMatch>,
    /// With a fault alone: how often at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u32>,
    /// With a fault alone: how likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) probability: Option<f64>,

    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<Fault>,
    #[serde(default, with = "duration_text::perhaps", skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhooks: Option<WebhookStop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<Named<NumberOrder>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<Named<TemplateOrder>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<TokenOrder>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Named<UserOrder>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply: Option<Reply>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) block: Option<Block>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) preference: Option<Preference>,
}

/// The words for what a step can do.
pub(crate) const DEEDS: &str =
    "fault, latency, webhooks, number, template, token, rules, user, reply, block, preference";

/// No webhook is posted meanwhile.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookStop {
    /// True, to say what it does.
    pub(crate) stop: bool,
    /// Whether all that was held back comes in any order.
    #[serde(default)]
    pub(crate) shuffled: bool,
}

/// An order with the `id` of a number, the `name` of a template or the `phone` of a user beside it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
#[serde(bound(serialize = "Self: Clone + Into<Map<String, Value>>", deserialize = "T: Target"))]
pub(crate) struct Named<T> {
    pub(crate) name: String,
    pub(crate) order: T,
}

/// What can be ordered of something that has a name.
pub(crate) trait Target: Clone + Serialize + for<'de> Deserialize<'de> {
    /// The key of its name.
    const KEY: &'static str;
}

impl Target for NumberOrder {
    const KEY: &'static str = "id";
}

impl Target for TemplateOrder {
    const KEY: &'static str = "name";
}

impl Target for UserOrder {
    const KEY: &'static str = "phone";
}

impl<T: Target> TryFrom<Map<String, Value>> for Named<T> {
    type Error = String;

    fn try_from(mut given: Map<String, Value>) -> Result<Self, String> {
        let key = T::KEY;
        let name = given.remove(key).and_then(|name| name.as_str().map(str::to_owned));
        let name = name.ok_or_else(|| format!("`{key}` is missing: give it as a text"))?;
        let order = serde_json::from_value(Value::Object(given)).map_err(|reason| reason.to_string())?;
        Ok(Self { name, order })
    }
}

impl<T: Target> From<Named<T>> for Map<String, Value> {
    fn from(Named { name, order }: Named<T>) -> Self {
        let mut all = Map::from_iter([(T::KEY.to_owned(), Value::String(name))]);
        let order = serde_json::to_value(order).unwrap_or_default();
        let given = order.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        all.extend(given.map(|(name, value)| (name.clone(), value.clone())));
        all
    }
}

/// What a step does.
pub(crate) enum Deed<'a> {
    Fault(FaultRule),
    Latency(Duration),
    Webhooks(WebhookStop),
    Number(&'a Named<NumberOrder>),
    Template(&'a Named<TemplateOrder>),
    Token(&'a TokenOrder),
    Rules(&'a Map<String, Value>),
    User(&'a Named<UserOrder>),
    Reply(&'a Reply),
    Block(&'a Block),
    Preference(&'a Preference),
}

impl Step {
    /// Everything that it does; a good step does one thing.
    pub(crate) fn deeds(&self) -> Vec<Deed<'_>> {
        let fault = self.fault.map(|fault| {
            let (matches, times, probability) =
                (self.matches.clone().unwrap_or_default(), self.times, self.probability);
            Deed::Fault(FaultRule { matches, fault, times, probability })
        });
        let all = [
            fault,
            self.latency.map(Deed::Latency),
            self.webhooks.map(Deed::Webhooks),
            self.number.as_ref().map(Deed::Number),
            self.template.as_ref().map(Deed::Template),
            self.token.as_ref().map(Deed::Token),
            self.rules.as_ref().map(Deed::Rules),
            self.user.as_ref().map(Deed::User),
            self.reply.as_ref().map(Deed::Reply),
            self.block.as_ref().map(Deed::Block),
            self.preference.as_ref().map(Deed::Preference),
        ];
        all.into_iter().flatten().collect()
    }

    /// When it is over, if it ends.
    pub(crate) fn ends(&self) -> Option<Duration> {
        self.span.map(|span| self.at.saturating_add(span))
    }
}
