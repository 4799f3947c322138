//! The request body of a message with everything fixed written out and slots for the rest.

use std::mem;

use crate::{
    campaign::{Component, Media, MediaSource, Message, Parameter, TemplateMessage, TextBody},
    fault::Faults,
};

use super::{rule::Rule, text::Text, write_json};

/// Meta: a free-form text has at most 4096 characters.
const MAX_TEXT: usize = 4096;
/// Meta: a template's body, filled in, has at most 1024 characters.
const MAX_BODY: usize = 1024;
/// Meta: a template's header text, filled in, has at most 60 characters.
const MAX_HEADER: usize = 60;
/// Meta: a URL has at most 2000 characters.
const MAX_URL: usize = 2000;
/// Meta: a code to copy has at most 20 characters.
const MAX_CODE: usize = 20;

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
    /// The sending number's media id of this asset.
    Asset { name: Text, place: String },
}

impl Segment {
    /// The text that fills the slot.
    pub(super) fn text(&self) -> Option<&Text> {
        match self {
            Self::Value { text, .. } | Self::Asset { name: text, .. } => Some(text),
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
    /// The segments of `message`.
    pub(super) fn of(message: &Message) -> Result<Vec<Segment>, Faults> {
        let mut skeleton = Self::default();
        skeleton.raw(r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"#);
        skeleton.slot(Segment::To);
        match message {
            Message::Template(template) => skeleton.template(template),
            Message::Text { text } => skeleton.free_text(text),
        }
        skeleton.raw(r#","biz_opaque_callback_data":"#);
        skeleton.slot(Segment::Callback);
        skeleton.raw("}");
        skeleton.flush();
        skeleton.faults.into_result(skeleton.done)
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
            None => self.slot(Segment::Value { text, rule, place }),
            Some(fixed) => match rule.check(fixed) {
                Ok(()) => self.string(fixed),
                Err(why) => self.faults.add(place, why.to_string()),
            },
        }
    }

    fn free_text(&mut self, text: &TextBody) {
        self.raw(r#","type":"text","text":{"body":"#);
        self.value(&text.body, Rule::AtMost(MAX_TEXT), "/message/text/body".to_owned());
        self.raw(if text.preview_url { r#","preview_url":true}"# } else { r#","preview_url":false}"# });
    }

    fn template(&mut self, template: &TemplateMessage) {
        self.raw(r#","type":"template","template":{"name":"#);
        self.string(&template.name);
        self.raw(r#","language":{"code":"#);
        self.string(&template.language);
        self.raw(r#"},"components":["#);
        for (n, component) in template.components.iter().enumerate() {
            self.raw(if n == 0 { "" } else { "," });
            self.component(component, &format!("/message/components/{n}"));
        }
        self.raw("]}");
    }

    fn component(&mut self, component: &Component, place: &str) {
        let (parameters, text) = match component {
            Component::Header { parameters } => {
                self.raw(r#"{"type":"header","parameters":["#);
                (parameters, Rule::Parameter(MAX_HEADER))
            }
            Component::Body { parameters } => {
                self.raw(r#"{"type":"body","parameters":["#);
                (parameters, Rule::Parameter(MAX_BODY))
            }
            Component::Button { sub_type, index, parameters } => {
                self.raw(&format!(r#"{{"type":"button","sub_type":"{sub_type}","index":"{index}","parameters":["#));
                (parameters, Rule::Parameter(MAX_URL))
            }
        };
        for (n, parameter) in parameters.iter().enumerate() {
            self.raw(if n == 0 { "" } else { "," });
            self.parameter(parameter, text, &format!("{place}/parameters/{n}"));
        }
        self.raw("]}");
    }

    fn parameter(&mut self, parameter: &Parameter, rule: Rule, place: &str) {
        match parameter {
            Parameter::Text { parameter_name, text } => {
                self.raw(r#"{"type":"text","#);
                if let Some(name) = parameter_name {
                    self.raw(r#""parameter_name":"#);
                    self.string(name);
                    self.raw(",");
                }
                self.field("text", text, rule, place);
            }
            Parameter::Image { image } => self.media("image", image, place),
            Parameter::Video { video } => self.media("video", video, place),
            Parameter::Document { document } => self.media("document", document, place),
            Parameter::Payload { payload } => {
                self.raw(r#"{"type":"payload","#);
                self.field("payload", payload, Rule::Given, place);
            }
            Parameter::CouponCode { coupon_code } => {
                self.raw(r#"{"type":"coupon_code","#);
                self.field("coupon_code", coupon_code, Rule::AtMost(MAX_CODE), place);
            }
        }
        self.raw("}");
    }

    fn field(&mut self, name: &str, source: &str, rule: Rule, place: &str) {
        self.raw(&format!("\"{name}\":"));
        self.value(source, rule, format!("{place}/{name}"));
    }

    fn media(&mut self, kind: &str, media: &Media, place: &str) {
        let place = format!("{place}/{kind}");
        self.raw(&format!(r#"{{"type":"{kind}","{kind}":{{"#));
        match &media.source {
            MediaSource::Link(link) => self.field("link", link, Rule::Link, &place),
            MediaSource::Id(id) => self.field("id", id, Rule::Given, &place),
            MediaSource::Asset(name) => {
                let place = format!("{place}/asset");
                self.raw("\"id\":");
                if let Some(name) = self.compile(name, &place) {
                    self.slot(Segment::Asset { name, place });
                }
            }
        }
        if let Some(filename) = &media.filename {
            self.raw(",");
            self.field("filename", filename, Rule::Given, &place);
        }
        self.raw("}");
    }
}
