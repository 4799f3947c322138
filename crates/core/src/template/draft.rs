//! A template as a person writes it, before Meta has seen it: in the very shape that Meta's API takes, with its samples.

use serde::Serialize;
use serde_json::Value;

use super::{
    ParameterFormat,
    parts::{self, CodeDraft, OfferDraft},
};
use crate::{
    campaign::Category,
    fault::{
        Faults,
        read::{Fields, Node, document},
        word,
    },
    ids::WabaId,
};

/// A template that may be submitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its name; with the language its identity.
    pub name: String,
    /// Its exact locale.
    pub language: String,
    /// The category that is asked for. Meta may give another.
    pub category: Category,
    /// How its variables are told apart.
    pub parameter_format: ParameterFormat,
    /// Its header.
    pub header: Option<HeaderDraft>,
    /// Its body.
    pub body: TextDraft,
    /// Its footer.
    pub footer: Option<String>,
    /// Its buttons, in order.
    pub buttons: Vec<ButtonDraft>,
    /// Its limited-time offer.
    pub offer: Option<OfferDraft>,
    /// The cards of its carousel.
    pub cards: Vec<Self>,
    /// After how many minutes its one-time code is told to expire.
    pub expires_after: Option<u8>,
    /// What Meta is sent: the document itself.
    pub document: Value,
    /// Where its parts stand in the document.
    pub(super) places: Places,
}

/// What an account said to a template that was submitted to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Submitted {
    /// The account.
    pub waba_id: WabaId,
    /// How the template stands there now: mostly `PENDING`.
    pub status: Option<String>,
    /// Why it was not taken, in Meta's words.
    pub error: Option<String>,
}

/// Where the parts of a draft stand, as JSON pointers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Places {
    /// Of a card: all of it.
    pub(super) whole: String,
    pub(super) offer: String,
    pub(super) cards: String,
    pub(super) header: String,
    pub(super) body: String,
    pub(super) footer: String,
    pub(super) buttons: String,
}

/// A text with variables, and a sample for each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextDraft {
    /// The text.
    pub text: String,
    /// The samples, by the variables' names; by number, where they have none.
    pub samples: Vec<(String, String)>,
}

/// What stands on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderDraft {
    /// A text.
    Text(TextDraft),
    /// A file.
    Media {
        /// Which kind.
        format: MediaFormat,
        /// The sample for it: Meta's `header_handle` of an uploaded file, or `asset:` and the name of an asset of ours, which
        /// is uploaded on submission.
        sample: Option<String>,
    },
    /// A place on the map.
    Location,
}

word! {
    /// A header's file.
    pub enum MediaFormat {
        /// A picture.
        Image = "IMAGE",
        /// A video.
        Video = "VIDEO",
        /// A document.
        Document = "DOCUMENT",
    }
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ButtonDraft {
    /// What it says; a copy-code button says what Meta says.
    pub text: Option<String>,
    /// What it does.
    pub action: ActionDraft,
}

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionDraft {
    /// Answers.
    QuickReply,
    /// Opens a link.
    Url {
        /// The link, the end of which may be a variable.
        url: String,
        /// A sample of the whole link, or of its end.
        sample: Option<String>,
    },
    /// Calls.
    PhoneNumber {
        /// Whom.
        phone_number: String,
    },
    /// Copies a code.
    CopyCode {
        /// A sample of it.
        sample: Option<String>,
    },
    /// Hands a one-time code over.
    OneTimeCode(CodeDraft),
}

/// What a sample begins with that is an asset of ours.
const ASSET: &str = "asset:";

/// The kinds of part that a draft may have.
const PARTS: [&str; 6] = ["HEADER", "BODY", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL"];
const FORMATS: [&str; 5] = ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"];
const BUTTONS: [&str; 5] = ["QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "OTP"];

impl Draft {
    /// Reads a draft from Meta's shape: `name`, `language`, `category`, `components`, perhaps `parameter_format`.
    ///
    /// # Errors
    /// Every fault of its shape. What Meta would say to the content is [`Draft::review`]'s to find.
    pub fn read(json: &Value) -> Result<Self, Faults> {
        document(json, |node| node.object(|fields| Self::read_fields(fields, json)))
    }

    fn read_fields(fields: &mut Fields<'_, '_>, json: &Value) -> Option<Self> {
        let name = fields.required("name", Node::words);
        let language = fields.required("language", Node::words);
        let category = fields.required("category", |node| {
            let text = node.text()?;
            Category::from_any_case(text).map_err(|why| node.fault::<()>(why.to_string())).ok()
        });
        let format = fields.or("parameter_format", ParameterFormat::Positional, Node::parse);
        for known in ["message_send_ttl_seconds", "cta_url_link_tracking_opted_out", "sub_category"] {
            fields.maybe(known, |_| Some(()));
        }
        let components = fields.required("components", |node| node.list(Part::read))?;
        let mut draft = Self {
            name: name?,
            language: language?,
            category: category?,
            parameter_format: format?,
            header: None,
            body: TextDraft::default(),
            footer: None,
            buttons: Vec::new(),
            offer: None,
            cards: Vec::new(),
            expires_after: None,
            document: json.clone(),
            places: Places::default(),
        };
        let mut seen = Vec::new();
        for (n, part) in components.into_iter().enumerate() {
            let (kind, place) = (part.kind(), format!("/components/{n}"));
            if seen.contains(&kind) {
                return fields.fault_at("components", format!("holds {kind} twice; give each part once."));
            }
            seen.push(kind);
            draft.put(part, place);
        }
        if !seen.contains(&"BODY") {
            return fields.fault_at("components", "holds no BODY; every template has one.");
        }
        Some(draft)
    }

    /// The asset of ours that is to be the sample of its header, and what kind of file that has to be.
    pub fn asset(&self) -> Option<(&str, MediaFormat)> {
        match &self.header {
            Some(HeaderDraft::Media { format, sample: Some(sample) }) => Some((sample.strip_prefix(ASSET)?, *format)),
            _ => None,
        }
    }

    /// Where the sample of its header stands.
    pub fn sample_place(&self) -> String {
        format!("{}/example/header_handle/0", self.places.header)
    }

    /// What Meta is sent, with the handle of the file that was uploaded as the sample of its header.
    #[must_use]
    pub fn document_with(&self, handle: &str) -> Value {
        let mut document = self.document.clone();
        if let Some(sample) = document.pointer_mut(&self.sample_place()) {
            *sample = handle.into();
        }
        document
    }

    fn put(&mut self, part: Part, place: String) {
        match part {
            Part::Header(header) => (self.header, self.places.header) = (Some(header), place),
            Part::Body(body) => (self.body, self.places.body) = (body, place),
            Part::Footer(footer) => (self.footer, self.places.footer) = (Some(footer), place),
            Part::Buttons(buttons) => (self.buttons, self.places.buttons) = (buttons, format!("{place}/buttons")),
            Part::Offer(offer) => (self.offer, self.places.offer) = (Some(offer), place),
            Part::Expiry(minutes) => (self.expires_after, self.places.footer) = (Some(minutes), place),
            Part::Cards(cards) => {
                let place = format!("{place}/cards");
                self.cards = (0..).zip(cards).map(|(n, parts)| self.card(parts, &format!("{place}/{n}"))).collect();
                self.places.cards = place;
            }
        }
    }

    /// A card, as a template of its own.
    fn card(&self, parts: Vec<Part>, place: &str) -> Self {
        let (header, footer, offer, expires_after) = (None, None, None, None);
        let mut card = Self {
            header,
            footer,
            offer,
            expires_after,
            body: TextDraft::default(),
            buttons: Vec::new(),
            cards: Vec::new(),
            places: Places { whole: place.to_owned(), ..Places::default() },
            ..self.clone()
        };
        (0..).zip(parts).for_each(|(n, part)| card.put(part, format!("{place}/components/{n}")));
        card
    }
}

/// One part, as it is read.
pub(super) enum Part {
    Header(HeaderDraft),
    Body(TextDraft),
    Footer(String),
    Buttons(Vec<ButtonDraft>),
    Offer(OfferDraft),
    /// A footer that says when a code expires.
    Expiry(u8),
    Cards(Vec<Vec<Part>>),
}

impl Part {
    fn kind(&self) -> &'static str {
        match self {
            Self::Header(_) => "HEADER",
            Self::Body(_) => "BODY",
            Self::Footer(_) | Self::Expiry(_) => "FOOTER",
            Self::Buttons(_) => "BUTTONS",
            Self::Offer(_) => "LIMITED_TIME_OFFER",
            Self::Cards(_) => "CAROUSEL",
        }
    }

    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| match fields.kind_in_any_case("type", &PARTS)? {
            "HEADER" => HeaderDraft::read(fields).map(Self::Header),
            "BODY" => TextDraft::read(fields, "body_text").map(Self::Body),
            "FOOTER" if fields.has("code_expiration_minutes") => parts::read_expiry(fields).map(Self::Expiry),
            "FOOTER" => fields.required("text", Node::words).map(Self::Footer),
            "LIMITED_TIME_OFFER" => OfferDraft::read(fields).map(Self::Offer),
            "CAROUSEL" => parts::read_cards(fields).map(Self::Cards),
            _ => fields.required("buttons", |node| node.list(ButtonDraft::read)).map(Self::Buttons),
        })
    }
}

impl MediaFormat {
    /// Whether Meta takes a file of this type as its sample (Meta: resumable upload).
    pub fn takes(self, mime: &str) -> bool {
        let types: &[&str] = match self {
            Self::Image => &["image/jpeg", "image/png"],
            Self::Video => &["video/mp4"],
            Self::Document => &["application/pdf"],
        };
        types.contains(&mime)
    }
}

impl HeaderDraft {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let format = fields.kind_in_any_case("format", &FORMATS)?;
        let media = |fields: &mut Fields<'_, '_>, format| {
            let sample = fields.or("example", None, |node| {
                node.object(|fields| fields.required("header_handle", |node| node.list(Node::words)))
                    .map(|handles| handles.into_iter().next())
            });
            Some(Self::Media { format, sample: sample? })
        };
        match format {
            "TEXT" => TextDraft::read(fields, "header_text").map(Self::Text),
            "IMAGE" => media(fields, MediaFormat::Image),
            "VIDEO" => media(fields, MediaFormat::Video),
            "DOCUMENT" => media(fields, MediaFormat::Document),
            _ => Some(Self::Location),
        }
    }
}

impl TextDraft {
    /// A text and its samples: `example: {"body_text": [["a"]]}`, of a header `{"header_text": ["a"]}`, and for both
    /// `{"…_named_params": [{"param_name", "example"}]}`.
    fn read(fields: &mut Fields<'_, '_>, samples: &'static str) -> Option<Self> {
        // A one-time code's text is Meta's, with a warning if wanted.
        let is_metas = fields.has("add_security_recommendation") && !fields.has("text");
        fields.maybe("add_security_recommendation", Node::flag)?;
        let text = if is_metas { Some(String::new()) } else { fields.required("text", Node::words) };
        let given = fields.or("example", Vec::new(), |node| node.object(|fields| read_samples(fields, samples)));
        Some(Self { text: text?, samples: given? })
    }
}

fn read_samples(fields: &mut Fields<'_, '_>, positional: &'static str) -> Option<Vec<(String, String)>> {
    let named = if positional == "body_text" { "body_text_named_params" } else { "header_text_named_params" };
    let by_name = fields.or(named, Vec::new(), |node| {
        node.list(|node| {
            node.object(|fields| {
                let (name, sample) =
                    (fields.required("param_name", Node::words), fields.required("example", Node::words));
                Some((name?, sample?))
            })
        })
    })?;
    let by_place = fields.or(positional, Vec::new(), |node| match positional {
        "body_text" => Some(node.list(|row| row.list(Node::words))?.into_iter().next().unwrap_or_default()),
        _ => node.list(Node::words),
    })?;
    let numbered = by_place.into_iter().enumerate().map(|(n, sample)| ((n + 1).to_string(), sample));
    Some(by_name.into_iter().chain(numbered).collect())
}

impl ButtonDraft {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let kind = fields.kind_in_any_case("type", &BUTTONS)?;
            let text = match kind {
                "COPY_CODE" | "OTP" => fields.maybe("text", Node::words),
                _ => fields.required("text", Node::words).map(Some),
            };
            let action = match kind {
                "QUICK_REPLY" => ActionDraft::QuickReply,
                "URL" => {
                    let url = fields.required("url", Node::words);
                    let sample = fields.or("example", None, first_sample);
                    ActionDraft::Url { url: url?, sample: sample? }
                }
                "PHONE_NUMBER" => {
                    ActionDraft::PhoneNumber { phone_number: fields.required("phone_number", Node::words)? }
                }
                "OTP" => ActionDraft::OneTimeCode(CodeDraft::read(fields)?),
                _ => ActionDraft::CopyCode { sample: fields.or("example", None, first_sample)? },
            };
            Some(Self { text: text?, action })
        })
    }
}

/// A sample, alone or as the first of a list: Meta takes both.
#[expect(clippy::option_option, reason = "the outer says whether reading went well, the inner what was read")]
fn first_sample(node: &Node<'_>) -> Option<Option<String>> {
    if node.is_text() {
        return node.words().map(Some);
    }
    Some(node.list(Node::words)?.into_iter().next())
}
