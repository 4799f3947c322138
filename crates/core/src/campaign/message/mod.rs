//! What a campaign sends: the Cloud API's message shapes, with `{{ attribute }}` wherever a text may vary.

mod choices;
#[cfg(test)]
mod choices_tests;
mod component;
mod contacts;
mod content;
mod figure;
mod flow;
mod interactive;
#[cfg(test)]
mod kinds_tests;
mod marketing;
mod media;
mod parameter;
mod place;
mod products;
mod template;
#[cfg(test)]
mod tests;
mod trial;

use std::ops::RangeInclusive;

use serde::Serialize;

use crate::fault::read::Node;

pub use choices::{ListRow, ListSection, Reply, ReplyButton};
pub use component::{ButtonKind, Card, Component};
pub use contacts::ContactCard;
pub use content::{Content, TextBody};
pub use figure::Figure;
pub use flow::{Flow, FlowName, FlowScreen};
pub use interactive::{Action, CatalogLink, Header, Interactive, LinkButton, Words};
pub use marketing::{MarketingMessages, ProductPolicy};
pub use media::{Media, MediaSource};
pub use parameter::{ButtonAction, Currency, DateTime, Offer, Parameter};
pub use place::{Location, Reaction};
pub use products::{Product, ProductItem, ProductSection};
pub use template::{Category, TemplateMessage};
pub use trial::TrialShare;

/// What a campaign sends: its own message and, in order, what goes out where that cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The message that the campaign is for.
    #[serde(flatten)]
    pub content: Content,
    /// The message of the chat that all of them answer and quote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Templates, in order: the first of them that can be sent goes to whoever the own message cannot go to, because no service
    /// window is open, or because the own template is paused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fallback: Vec<Content>,
    /// The first two templates are on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<TrialShare>,
}

/// The message that one answers and quotes (Meta: contextual replies).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Context {
    /// Its id, such as `{{ last_message_id }}`. The quote is missing where that message was deleted or is older than 30 days
    /// or so; the answer is sent all the same.
    pub message_id: String,
}

/// Which of a campaign's messages: its own, or one that it falls back to. A page carries one of them alone, unless that cannot
/// be sent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice(u8);

/// Most messages that a campaign falls back to.
const MAX_FALLBACKS: usize = 3;
/// Where each message stands in a campaign.
const POINTERS: [&str; MAX_FALLBACKS + 1] =
    ["/message", "/message/fallback/0", "/message/fallback/1", "/message/fallback/2"];

impl Choice {
    /// The campaign's own.
    pub const OWN: Self = Self(0);
    /// The first that it falls back to.
    pub const FALLBACK: Self = Self(1);
    /// How many messages a campaign may have.
    pub const MOST: usize = POINTERS.len();

    /// All that there may be, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::MOST as u8).map(Self)
    }

    /// The choice of this code, as headers of pages have it.
    pub fn from_code(code: u8) -> Option<Self> {
        (usize::from(code) < Self::MOST).then_some(Self(code))
    }

    /// Its code.
    pub fn code(self) -> u8 {
        self.0
    }

    /// Its place among the campaign's messages, the own being the first.
    pub fn place(self) -> usize {
        usize::from(self.0)
    }

    /// Whether it is one that the campaign falls back to.
    pub fn is_fallback(self) -> bool {
        self != Self::OWN
    }

    /// Where the message stands in a campaign, as a JSON pointer.
    pub fn pointer(self) -> &'static str {
        POINTERS[self.place()]
    }
}

impl From<Content> for Message {
    fn from(content: Content) -> Self {
        Self { content, context: None, fallback: Vec::new(), trial: None }
    }
}

impl Message {
    /// The message of that choice, if the campaign has it.
    pub fn of(&self, choice: Choice) -> Option<&Content> {
        match choice.place() {
            0 => Some(&self.content),
            place => self.fallback.get(place - 1),
        }
    }

    /// The message that goes out where `choice` was made.
    pub fn sent_as(&self, choice: Choice) -> &Content {
        self.of(choice).unwrap_or(&self.content)
    }

    /// How many messages it has.
    pub fn count(&self) -> usize {
        1 + self.fallback.len()
    }

    /// All that may be sent.
    pub fn all(&self) -> impl Iterator<Item = (Choice, &Content)> {
        Choice::all().filter_map(|choice| Some((choice, self.of(choice)?)))
    }

    /// The templates among them.
    pub fn templates(&self) -> impl Iterator<Item = (Choice, &TemplateMessage)> {
        self.all().filter_map(|(choice, content)| Some((choice, content.template()?)))
    }

    /// Whether it goes only where a service window is open.
    pub fn is_free_form(&self) -> bool {
        self.content.template().is_none()
    }

    /// The message as it goes out: `versions` gives, for each template that it names, those that go out for it, in order. What
    /// there is no room for is left out, at the end.
    #[must_use]
    pub fn rotated(&self, versions: impl Fn(&TemplateMessage) -> Vec<TemplateMessage>) -> Self {
        let expand = |content: &Content| match content {
            Content::Template(template) => versions(template).into_iter().map(Content::Template).collect(),
            other => vec![other.clone()],
        };
        let mut expanded: Vec<Vec<Content>> = self.all().map(|(_, content)| expand(content)).collect();
        // Two on trial stay side by side: what stands behind each comes after both.
        let fronts = if self.trial.is_some() { 1 } else { usize::MAX };
        let behind: Vec<Content> =
            expanded.iter_mut().flat_map(|versions| versions.split_off(versions.len().min(fronts))).collect();
        let mut all: Vec<Content> = Vec::new();
        for content in expanded.into_iter().flatten().chain(behind) {
            if !all.contains(&content) {
                all.push(content);
            }
        }
        self.with_all(all, self.trial)
    }

    /// The same with these in its place, as many as there is room for; with its own where there are none.
    fn with_all(&self, all: Vec<Content>, trial: Option<TrialShare>) -> Self {
        Self { trial, context: self.context.clone(), ..Self::in_order(all).unwrap_or_else(|| self.clone()) }
    }

    /// A message of these, as many as there is room for; none of nothing.
    fn in_order(mut all: Vec<Content>) -> Option<Self> {
        all.truncate(Choice::MOST);
        let fallback = all.split_off(all.len().min(1));
        Some(Self { content: all.pop()?, context: None, fallback, trial: None })
    }

    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let kind = fields.kind("type", &Content::KINDS)?;
            let content = Content::read(kind, fields);
            let own = content.as_ref().and_then(Content::template);
            let fallback = fields.or("fallback", Vec::new(), |node| read_fallback(own, node));
            let trial = fields.maybe("trial", TrialShare::read);
            let context = fields.maybe("context", Context::read);
            if kind == "reaction" && fields.has("context") {
                return fields.fault_at("context", "does not go with a reaction, which names its message itself.");
            }
            let message = Self { content: content?, context: context?, fallback: fallback?, trial: trial? };
            if message.trial.is_some() && message.templates().nth(1).is_none() {
                return fields.fault_at("trial", "needs two templates: give another in `fallback`.");
            }
            Some(message)
        })
    }
}

/// Templates; a name alone stands for the own template's language, category and parameters under another name.
fn read_fallback(own: Option<&TemplateMessage>, node: &Node<'_>) -> Option<Vec<Content>> {
    let templates = node.list(|node| match own {
        Some(own) if node.is_text() => Some(TemplateMessage { name: template::read_name(node)?, ..own.clone() }),
        _ => node.object(|fields| {
            fields.kind("type", &["template"])?;
            TemplateMessage::read(fields)
        }),
    })?;
    if templates.len() > MAX_FALLBACKS {
        return node.fault(format!("holds {} templates; give at most {MAX_FALLBACKS}.", templates.len()));
    }
    let same =
        |one: &TemplateMessage, other: &TemplateMessage| one.name == other.name && one.language == other.language;
    for (n, template) in templates.iter().enumerate() {
        if own.into_iter().chain(&templates[..n]).any(|earlier| same(earlier, template)) {
            return node.fault(format!("names `{}` where it stands already; name others.", template.name));
        }
        // Consent, price and policy go by the category: nobody gets by falling back what they would not have got.
        if let Some(first) = own.or(templates.first()).filter(|first| first.category != template.category) {
            let (name, category) = (&template.name, first.category);
            return node.fault(format!("`{name}` is {}; give templates that are {category} alone.", template.category));
        }
    }
    Some(templates.into_iter().map(Content::Template).collect())
}

impl Context {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { message_id: fields.required("message_id", Node::words)? }))
    }
}

/// Whether so many are as many as Meta takes.
fn in_number(node: &Node<'_>, given: usize, limit: RangeInclusive<usize>, what: &str) -> Option<()> {
    if limit.contains(&given) {
        return Some(());
    }
    node.fault(format!("holds {given} {what}; give {} to {}.", limit.start(), limit.end()))
}
