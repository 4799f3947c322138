//! The skeleton of a template message.

use super::{Rule, Skeleton, json};
use crate::campaign::{ButtonKind, Card, Component, Currency, Parameter, TemplateMessage};

/// Meta: a template's body, filled in, has at most 1024 characters; with a limited-time offer 600, on a card 160.
const MAX_BODY: usize = 1024;
const MAX_OFFER_BODY: usize = 600;
const MAX_CARD_BODY: usize = 160;
/// Meta: a template's header text, filled in, has at most 60 characters.
const MAX_HEADER: usize = 60;
/// Meta: a URL has at most 2000 characters.
const MAX_URL: usize = 2000;
/// Meta: a code to copy has at most 20 characters.
const MAX_CODE: usize = 20;
/// Meta: what a call button's call carries has at most 512 characters.
const MAX_CALL_PAYLOAD: usize = 512;
/// Meta: a one-time code has at most 15 characters.
const MAX_ONE_TIME_CODE: usize = 15;

/// How long texts may be, where they stand.
#[derive(Clone, Copy)]
struct Limits {
    body: usize,
    url: usize,
}

impl Limits {
    fn of(template: &TemplateMessage) -> Self {
        match (template.has_code(), template.has_offer()) {
            (true, _) => Self { body: MAX_ONE_TIME_CODE, url: MAX_ONE_TIME_CODE },
            (_, true) => Self { body: MAX_OFFER_BODY, url: MAX_URL },
            _ => Self { body: MAX_BODY, url: MAX_URL },
        }
    }
}

impl Skeleton {
    pub(super) fn template(&mut self, template: &TemplateMessage, place: &str) {
        self.raw(r#"{"name":"#);
        self.string(&template.name);
        self.raw(r#","language":{"code":"#);
        self.string(&template.language);
        self.raw("},");
        self.components(&template.components, Limits::of(template), place);
        self.raw("}");
    }

    fn components(&mut self, components: &[Component], limits: Limits, place: &str) {
        let write = |it: &mut Self, component: &Component, place: &str| it.component(component, limits, place);
        self.list_of("components", components, place, write);
    }

    fn component(&mut self, component: &Component, limits: Limits, place: &str) {
        let (parameters, text) = match component {
            Component::Header { parameters } => {
                self.raw(r#"{"type":"header","#);
                (parameters, Rule::Parameter(MAX_HEADER))
            }
            Component::Body { parameters } => {
                self.raw(r#"{"type":"body","#);
                (parameters, Rule::Parameter(limits.body))
            }
            Component::Button { sub_type, index, parameters } => {
                self.raw(&format!(r#"{{"type":"button","sub_type":"{sub_type}","index":"{index}","#));
                let rule = match sub_type {
                    ButtonKind::QuickReply => Rule::Given,
                    ButtonKind::VoiceCall => Rule::AtMost(MAX_CALL_PAYLOAD),
                    _ => Rule::Parameter(limits.url),
                };
                (parameters, rule)
            }
            Component::LimitedTimeOffer { parameters } => {
                self.raw(r#"{"type":"limited_time_offer","#);
                (parameters, Rule::Given)
            }
            Component::Carousel { cards } => return self.carousel(cards, place),
        };
        let write = |it: &mut Self, parameter: &Parameter, place: &str| it.parameter(parameter, text, place);
        self.list_of("parameters", parameters, place, write);
        self.raw("}");
    }

    fn carousel(&mut self, cards: &[Card], place: &str) {
        let limits = Limits { body: MAX_CARD_BODY, url: MAX_URL };
        self.raw(r#"{"type":"carousel","cards":["#);
        for (n, card) in cards.iter().enumerate() {
            self.raw(if n == 0 { "" } else { "," });
            self.raw(&format!(r#"{{"card_index":{n},"#));
            self.components(&card.components, limits, &format!("{place}/cards/{n}"));
            self.raw("}");
        }
        self.raw("]}");
    }

    fn parameter(&mut self, parameter: &Parameter, rule: Rule, place: &str) {
        let own = &format!("{place}/{}", parameter.kind());
        let open = format!(r#"{{"type":"{0}","{0}":"#, parameter.kind());
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
            Parameter::Currency { currency } => self.currency(currency, rule, own),
            Parameter::DateTime { date_time } => {
                self.raw(&open);
                self.raw("{");
                self.field("fallback_value", &date_time.fallback_value, rule, own);
                self.raw("}");
            }
            Parameter::Image { image: file }
            | Parameter::Video { video: file }
            | Parameter::Gif { gif: file }
            | Parameter::Document { document: file } => self.file_of(parameter.kind(), file, place),
            Parameter::Location { location } => {
                self.raw(&open);
                self.json(location, own, json::of_place);
            }
            Parameter::Product { product } => {
                self.raw(&open);
                self.json(product, own, json::of_action);
            }
            Parameter::Payload { payload } => {
                self.raw(r#"{"type":"payload","#);
                self.field("payload", payload, rule, place);
            }
            Parameter::TtlMinutes { ttl_minutes } => {
                self.raw(&open);
                self.raw(&ttl_minutes.to_string());
            }
            Parameter::CouponCode { coupon_code } => {
                self.raw(r#"{"type":"coupon_code","#);
                self.field("coupon_code", coupon_code, Rule::AtMost(MAX_CODE), place);
            }
            Parameter::Action { action } => {
                self.raw(&open);
                self.json(action, own, json::of_action);
            }
            Parameter::LimitedTimeOffer { limited_time_offer } => {
                self.raw(&open);
                self.json(limited_time_offer, own, json::of_offer);
            }
        }
        self.raw("}");
    }

    fn currency(&mut self, currency: &Currency, rule: Rule, place: &str) {
        self.raw(r#"{"type":"currency","currency":{"#);
        self.field("fallback_value", &currency.fallback_value, rule, place);
        self.raw(",");
        self.field("code", &currency.code, Rule::Currency, place);
        self.raw(r#","amount_1000":"#);
        self.json(&currency.amount_1000, &format!("{place}/amount_1000"), json::of_amount);
        self.raw("}");
    }
}
