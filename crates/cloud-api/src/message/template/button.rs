//! What fills the buttons of a template.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::check::filling;
use crate::message::{ProductSection, check::Checks, interactive::check_sections, typed};

/// Meta: longest address of a URL button, variable included, in characters.
const URL_CHARS: usize = 2000;
/// Meta: longest code to copy (15 before December 2025) and longest one-time code, in characters.
const COUPON_CHARS: usize = 20;
const ONE_TIME_CHARS: usize = 15;

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
        }
    }

    /// Goes on from the button's only parameter.
    pub(super) fn check(&self, checks: &mut Checks) {
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
        }
    }
}

#[derive(Default, Serialize)]
struct Action<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_action_data: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_product_retailer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sections: Option<&'a [ProductSection]>,
}

impl Serialize for Button {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let action = match self {
            Self::UrlSuffix(text) | Self::OneTimeCode(text) => return typed(serializer, "text", text),
            Self::QuickReply(payload) => return typed(serializer, "payload", payload),
            Self::CopyCode(code) => return typed(serializer, "coupon_code", code),
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
        typed(serializer, "action", &action)
    }
}
