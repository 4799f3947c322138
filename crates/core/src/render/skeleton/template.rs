//! The skeleton of a template message.

use super::{Rule, Skeleton};
use crate::campaign::{Component, Parameter, TemplateMessage};

/// Meta: a template's body, filled in, has at most 1024 characters.
const MAX_BODY: usize = 1024;
/// Meta: a template's header text, filled in, has at most 60 characters.
const MAX_HEADER: usize = 60;
/// Meta: a URL has at most 2000 characters.
const MAX_URL: usize = 2000;
/// Meta: a code to copy has at most 20 characters.
const MAX_CODE: usize = 20;

impl Skeleton {
    pub(super) fn template(&mut self, template: &TemplateMessage, place: &str) {
        self.raw(r#"{"name":"#);
        self.string(&template.name);
        self.raw(r#","language":{"code":"#);
        self.string(&template.language);
        self.raw(r#"},"components":["#);
        for (n, component) in template.components.iter().enumerate() {
            self.raw(if n == 0 { "" } else { "," });
            self.component(component, &format!("{place}/components/{n}"));
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
            Parameter::Image { image } => self.file_of("image", image, place),
            Parameter::Video { video } => self.file_of("video", video, place),
            Parameter::Document { document } => self.file_of("document", document, place),
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
}
