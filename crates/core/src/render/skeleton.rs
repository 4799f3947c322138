//! The request body of a message with everything fixed written out and slots for the rest.

mod free_form;
mod json;
mod template;

use std::mem;

use crate::{
    campaign::{Content, Context, MarketingMessages, Media, MediaSource},
    fault::Faults,
};

use super::{
    rule::{Rule, whole},
    text::Text,
    write_json,
};

/// Meta: a caption has at most 1024 characters.
const MAX_CAPTION: usize = 1024;

/// Where campaigns say what their messages answer.
const CONTEXT: &str = "/message/context";

/// A stretch of the request body.
#[derive(Debug)]
pub(super) enum Segment {
    /// The same for all.
    Literal(Vec<u8>),
    /// The recipient's phone.
    To,
    /// The callback data.
    Callback,
    /// A text of the recipient's own.
    Value { text: Text, rule: Rule, place: String },
    /// A number of the recipient's own.
    Number { text: Text, rule: Rule, place: String },
    /// The sending number's media id of this asset.
    Asset { name: Text, place: String },
}

impl Segment {
    /// The text that fills the slot.
    pub(super) fn text(&self) -> Option<&Text> {
        match self {
            Self::Value { text, .. } | Self::Number { text, .. } | Self::Asset { name: text, .. } => Some(text),
            Self::Literal(_) | Self::To | Self::Callback => None,
        }
    }
}

/// A request body in the making.
#[derive(Default)]
pub(super) struct Skeleton {
    done: Vec<Segment>,
    literal: Vec<u8>,
    faults: Faults,
}

impl Skeleton {
    /// The segments of a message that stands at `place` in its campaign.
    pub(super) fn of(message: &Content, context: Option<&Context>, place: &str) -> Result<Vec<Segment>, Faults> {
        let mut skeleton = Self::default();
        skeleton.raw(r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"#);
        skeleton.slot(Segment::To);
        if let Some(context) = context {
            skeleton.raw(r#","context":{"#);
            skeleton.field("message_id", &context.message_id, Rule::Given, CONTEXT);
            skeleton.raw("}");
        }
        skeleton.raw(&format!(r#","type":"{0}","{0}":"#, message.kind()));
        skeleton.content(message, place);
        skeleton.raw(r#","biz_opaque_callback_data":"#);
        skeleton.slot(Segment::Callback);
        if let Some(marketing) = message.template().and_then(|template| template.marketing_messages) {
            skeleton.marketing(marketing);
        }
        skeleton.raw("}");
        skeleton.flush();
        skeleton.faults.into_result(skeleton.done)
    }

    /// What only the Marketing Messages API asks.
    fn marketing(&mut self, marketing: MarketingMessages) {
        if let Some(policy) = marketing.product_policy {
            self.raw(&format!(r#","product_policy":"{policy}""#));
        }
        if let Some(sharing) = marketing.message_activity_sharing {
            self.raw(&format!(r#","message_activity_sharing":{sharing}"#));
        }
    }

    /// The object that is named like the message's type.
    fn content(&mut self, message: &Content, place: &str) {
        let own = format!("{place}/{}", message.kind());
        match message {
            // Its fields stand beside its type.
            Content::Template(template) => self.template(template, place),
            Content::Text { text } => self.free_text(text, &own),
            Content::Interactive { interactive } => self.interactive(interactive, &own),
            Content::Location { location } => self.json(location, &own, json::of_place),
            Content::Contacts { contacts } => self.json(contacts, &own, json::of_card),
            Content::Reaction { reaction } => self.json(reaction, &own, json::of_reaction),
            Content::Image { image: file }
            | Content::Video { video: file }
            | Content::Audio { audio: file }
            | Content::Document { document: file }
            | Content::Sticker { sticker: file } => self.file(file, &own),
        }
    }

    fn raw(&mut self, json: &str) {
        self.literal.extend_from_slice(json.as_bytes());
    }

    fn string(&mut self, text: &str) {
        write_json(text, &mut self.literal);
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.done.push(Segment::Literal(mem::take(&mut self.literal)));
        }
    }

    fn slot(&mut self, segment: Segment) {
        self.flush();
        self.done.push(segment);
    }

    fn compile(&mut self, source: &str, place: &str) -> Option<Text> {
        let syntax = |why: minijinja::Error| {
            let detail = why.detail().unwrap_or("it cannot be read").to_owned();
            format!("is not a valid template: {detail}. Write an attribute as `{{{{ first_name }}}}`.")
        };
        Text::compile(source).map_err(|why| self.faults.add(place, syntax(why))).ok()
    }

    /// A JSON string made from `source`; written out at once if it is the same for all.
    fn value(&mut self, source: &str, rule: Rule, place: String) {
        let Some(text) = self.compile(source, &place) else { return };
        match text.constant() {
            None if matches!(rule, Rule::Whole(_)) => self.slot(Segment::Number { text, rule, place }),
            None => self.slot(Segment::Value { text, rule, place }),
            Some(fixed) => match (rule.check(fixed), rule) {
                (Ok(()), Rule::Whole(_)) => self.raw(&whole(fixed).unwrap_or_default().to_string()),
                (Ok(()), _) => self.string(fixed),
                (Err(why), _) => self.faults.add(place, why.to_string()),
            },
        }
    }

    fn field(&mut self, name: &str, source: &str, rule: Rule, place: &str) {
        self.raw(&format!("\"{name}\":"));
        self.value(source, rule, format!("{place}/{name}"));
    }

    /// A field that may be left out, after others.
    fn more(&mut self, name: &str, source: Option<&String>, rule: Rule, place: &str) {
        if let Some(source) = source {
            self.raw(",");
            self.field(name, source, rule, place);
        }
    }

    /// An object of type `kind` that holds a file, but for its closing brace.
    fn file_of(&mut self, kind: &str, media: &Media, place: &str) {
        self.raw(&format!(r#"{{"type":"{kind}","{kind}":"#));
        self.file(media, &format!("{place}/{kind}"));
    }

    /// The object of a file that stands at `place`.
    fn file(&mut self, media: &Media, place: &str) {
        self.raw("{");
        match &media.source {
            MediaSource::Link(link) => self.field("link", link, Rule::Link, place),
            MediaSource::Id(id) => self.field("id", id, Rule::Given, place),
            MediaSource::Asset(name) => {
                let place = format!("{place}/asset");
                self.raw("\"id\":");
                if let Some(name) = self.compile(name, &place) {
                    self.slot(Segment::Asset { name, place });
                }
            }
        }
        self.more("caption", media.caption.as_ref(), Rule::AtMost(MAX_CAPTION), place);
        self.more("filename", media.filename.as_ref(), Rule::Given, place);
        self.raw(if media.voice { r#","voice":true}"# } else { "}" });
    }
}
