//! What fills the buttons of a template.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value};

use super::check::filling;
use crate::message::{ProductSection, check::Checks, interactive::check_sections};

/// Meta: longest address of a URL button, variable included, in characters.
const URL_CHARS: usize = 2000;
/// Meta: longest code to copy (15 before December 2025) and longest one-time code, in characters.
const COUPON_CHARS: usize = 20;
const ONE_TIME_CHARS: usize = 15;
/// Meta: how long a call button works, in minutes, and its longest payload, in characters (call button messages).
const TTL_MINUTES: RangeInclusive<u16> = 1..=43_200;
const CALL_PAYLOAD_CHARS: usize = 512;

/// What fills a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// The end of a URL button's address, where the template has a variable. The whole has up to 2000 characters.
    UrlSuffix(String),
    /// What comes back in the webhook when a quick reply is tapped; its label when left out.
    QuickReply(String),
    /// The code to copy, up to 20 characters.
    CopyCode(String),
    /// The code of an authentication template, up to 15 characters: the same as in its body.
    OneTimeCode(String),
    /// Opens a flow.
    Flow {
        /// Comes back to your endpoint and with the answer; `unused` when none.
        flow_token: Option<String>,
        /// What its first screen is filled with: none at all, or not empty.
        flow_action_data: Option<Map<String, Value>>,
    },
    /// Opens the catalog.
    Catalog {
        /// The product whose picture is shown; the catalog's first when none.
        thumbnail_product_retailer_id: Option<String>,
    },
    /// Opens several products (Meta: multi-product message templates).
    Products {
        /// The product whose picture is shown.
        thumbnail_product_retailer_id: String,
        /// 1 to 10, with at most 30 products in all.
        sections: Vec<ProductSection>,
    },
    /// Calls the number on WhatsApp (Meta: call button messages). A template has at most one. Give one of the two at least: a
    /// button that is left out works for as long as the template says, and carries nothing.
    VoiceCall {
        /// How long the button works, in minutes: 1 to 43,200, which are 30 days. 10,080, which are 7, when left out.
        ttl_minutes: Option<u16>,
        /// Comes back in the webhooks of the call (`cta_payload`), up to 512 characters.
        payload: Option<String>,
    },
}

impl Button {
    pub(super) const fn sub_type(&self) -> &'static str {
        match self {
            Self::UrlSuffix(_) | Self::OneTimeCode(_) => "url",
            Self::QuickReply(_) => "quick_reply",
            Self::CopyCode(_) => "copy_code",
            Self::Flow { .. } => "flow",
            Self::Catalog { .. } => "catalog",
            Self::Products { .. } => "mpm",
            Self::VoiceCall { .. } => "voice_call",
        }
    }

    /// Goes on from the button.
    pub(super) fn check(&self, checks: &mut Checks) {
        match self {
            Self::VoiceCall { ttl_minutes, payload } => check_call(checks, *ttl_minutes, payload.as_deref()),
            _ => checks.within("parameters[0]", |checks| self.check_parameter(checks)),
        }
    }

    /// Goes on from the button's only parameter.
    fn check_parameter(&self, checks: &mut Checks) {
        match self {
            Self::UrlSuffix(suffix) => {
                filling(checks, "text", suffix);
                checks.chars("text", suffix, 0..=URL_CHARS);
            }
            Self::QuickReply(payload) => checks.filled("payload", payload),
            Self::CopyCode(code) => checks.chars("coupon_code", code, 1..=COUPON_CHARS),
            Self::OneTimeCode(code) => checks.chars("text", code, 1..=ONE_TIME_CHARS),
            Self::Flow { flow_action_data, .. } => {
                if flow_action_data.as_ref().is_some_and(Map::is_empty) {
                    let limit = "no data at all, or at least one member";
                    checks.refuse("action.flow_action_data", limit, "an empty object");
                }
            }
            Self::Catalog { thumbnail_product_retailer_id } => {
                let id = thumbnail_product_retailer_id.as_deref();
                checks.filled_if_given("action.thumbnail_product_retailer_id", id);
            }
            Self::Products { thumbnail_product_retailer_id, sections } => checks.within("action", |checks| {
                checks.filled("thumbnail_product_retailer_id", thumbnail_product_retailer_id);
                check_sections(checks, sections);
            }),
            Self::VoiceCall { .. } => {}
        }
    }
}

fn check_call(checks: &mut Checks, ttl_minutes: Option<u16>, payload: Option<&str>) {
    if ttl_minutes.is_none() && payload.is_none() {
        checks.refuse("parameters", "`ttl_minutes`, `payload` or both", "none");
    }
    if let Some(minutes) = ttl_minutes.filter(|minutes| !TTL_MINUTES.contains(minutes)) {
        let limit = format!("{} to {} minutes", TTL_MINUTES.start(), TTL_MINUTES.end());
        checks.refuse("parameters[0].ttl_minutes", limit, minutes.to_string());
    }
    let place = usize::from(ttl_minutes.is_some());
    checks.optional(&format!("parameters[{place}].payload"), payload, CALL_PAYLOAD_CHARS);
}

#[derive(Default, Serialize)]
pub(super) struct Action<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_action_data: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_product_retailer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sections: Option<&'a [ProductSection]>,
}

/// A parameter, as Meta reads it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Filled<'a> {
    Text { text: &'a str },
    Payload { payload: &'a str },
    CouponCode { coupon_code: &'a str },
    TtlMinutes { ttl_minutes: u16 },
    Action { action: Action<'a> },
}

impl Button {
    /// What it is filled with: one parameter, but for call buttons.
    pub(super) fn parameters(&self) -> Vec<Filled<'_>> {
        let action = match self {
            Self::UrlSuffix(text) | Self::OneTimeCode(text) => return vec![Filled::Text { text }],
            Self::QuickReply(payload) => return vec![Filled::Payload { payload }],
            Self::CopyCode(coupon_code) => return vec![Filled::CouponCode { coupon_code }],
            Self::VoiceCall { ttl_minutes, payload } => {
                let ttl = ttl_minutes.map(|ttl_minutes| Filled::TtlMinutes { ttl_minutes });
                let payload = payload.as_deref().map(|payload| Filled::Payload { payload });
                return ttl.into_iter().chain(payload).collect();
            }
            Self::Flow { flow_token, flow_action_data } => Action {
                flow_token: flow_token.as_deref(),
                flow_action_data: flow_action_data.as_ref(),
                ..Action::default()
            },
            Self::Catalog { thumbnail_product_retailer_id } => {
                Action { thumbnail_product_retailer_id: thumbnail_product_retailer_id.as_deref(), ..Action::default() }
            }
            Self::Products { thumbnail_product_retailer_id, sections } => Action {
                thumbnail_product_retailer_id: Some(thumbnail_product_retailer_id),
                sections: Some(sections),
                ..Action::default()
            },
        };
        vec![Filled::Action { action }]
    }
}
