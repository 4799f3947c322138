//! Template messages.

mod button;
mod check;
mod kind;
mod parameter;

use serde::{Serialize, Serializer};

pub use button::Button;
pub use parameter::{Currency, Header, Parameter, Place, TextParameter};

/// A template and what fills it (Meta: template messages).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Template {
    /// Its name: 1 to 512 small letters, digits and `_`.
    pub name: String,
    /// Its language.
    pub language: TemplateLanguage,
    /// Only the parts that take parameters. A media header must be given at every send.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

/// The exact locale of a template, such as `en_US`: there is no fallback from one to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateLanguage {
    /// The locale.
    pub code: String,
}

impl<T: Into<String>> From<T> for TemplateLanguage {
    fn from(code: T) -> Self {
        Self { code: code.into() }
    }
}

/// What fills one part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// The header.
    Header(Header),
    /// The body: in the order of `{{1}}`, `{{2}}`; in any order when named. With everything filled in it has at most 1024
    /// characters, with a limited-time offer 600, on a card 160.
    Body(Vec<Parameter>),
    /// One button.
    Button {
        /// Its place among all buttons of the template, 0 to 9.
        index: u8,
        /// What fills it.
        button: Button,
    },
    /// When an offer ends (Meta: limited-time offer templates). Where the offer has a code, the button that copies it has
    /// index 0 and the link index 1.
    LimitedTimeOffer {
        /// Milliseconds since 1970, in UTC.
        expiration_time_ms: u64,
    },
    /// Cards: 2 to 10, as many as the template has, each with the same parts.
    Carousel(Vec<Card>),
}

/// A card of a carousel; its place in the list is its index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Its header (image, video or product), body and up to 2 buttons.
    pub components: Vec<Component>,
}

impl Template {
    /// A template that takes no parameters, or not yet.
    pub fn new(name: impl Into<String>, language: impl Into<TemplateLanguage>) -> Self {
        Self { name: name.into(), language: language.into(), components: Vec::new() }
    }

    /// A template that carries a one-time code, for copy-code, one-tap and zero-tap alike (Meta: authentication templates):
    /// the code, up to 15 characters, stands in the body and in the button. It goes to phone numbers only.
    pub fn authentication(
        name: impl Into<String>,
        language: impl Into<TemplateLanguage>,
        code: impl Into<String>,
    ) -> Self {
        let code = code.into();
        let body = Component::Body(vec![code.as_str().into()]);
        Self::new(name, language).with(body).with(Component::Button { index: 0, button: Button::OneTimeCode(code) })
    }

    /// The same with one more part filled.
    #[must_use]
    pub fn with(mut self, component: Component) -> Self {
        self.components.push(component);
        self
    }

    pub(super) fn has_gif(&self) -> bool {
        self.components.iter().any(|part| matches!(part, Component::Header(Header::Gif(_))))
    }
}

#[derive(Serialize)]
struct Part<P> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<String>,
    parameters: P,
}

impl<P> Part<P> {
    const fn of(r#type: &'static str, parameters: P) -> Self {
        Self { r#type, sub_type: None, index: None, parameters }
    }
}

impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Header(header) => Part::of("header", [header]).serialize(serializer),
            Self::Body(parameters) => Part::of("body", parameters).serialize(serializer),
            Self::Button { index, button } => Part {
                r#type: "button",
                sub_type: Some(button.sub_type()),
                index: Some(index.to_string()),
                parameters: button.parameters(),
            }
            .serialize(serializer),
            Self::LimitedTimeOffer { expiration_time_ms } => {
                Part::of("limited_time_offer", [Offer::until(*expiration_time_ms)]).serialize(serializer)
            }
            Self::Carousel(cards) => carousel(serializer, cards),
        }
    }
}

#[derive(Serialize)]
struct Offer {
    r#type: &'static str,
    limited_time_offer: Ends,
}

#[derive(Serialize)]
struct Ends {
    expiration_time_ms: u64,
}

impl Offer {
    const fn until(expiration_time_ms: u64) -> Self {
        Self { r#type: "limited_time_offer", limited_time_offer: Ends { expiration_time_ms } }
    }
}

fn carousel<S: Serializer>(serializer: S, cards: &[Card]) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Numbered<'a> {
        card_index: usize,
        components: &'a [Component],
    }
    #[derive(Serialize)]
    struct Carousel<'a> {
        r#type: &'static str,
        cards: Vec<Numbered<'a>>,
    }
    let cards = cards.iter().enumerate();
    let cards = cards.map(|(card_index, card)| Numbered { card_index, components: &card.components });
    Carousel { r#type: "carousel", cards: cards.collect() }.serialize(serializer)
}
