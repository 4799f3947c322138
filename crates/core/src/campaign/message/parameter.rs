//! What fills the variables of a template.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    component::ButtonKind,
    figure::Figure,
    flow,
    media::{Media, Takes},
    place::Location,
    products::{Product, ProductSection},
};
use crate::fault::read::{Fields, Node};

/// Meta: how long a call button works, in minutes.
const TTL_MINUTES: RangeInclusive<u16> = 1..=43_200;

/// What fills one variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Parameter {
    /// A text.
    Text {
        /// The variable's name, where the template has named variables.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter_name: Option<String>,
        /// The text.
        text: String,
    },
    /// An amount of money; in bodies.
    Currency {
        /// The amount.
        currency: Currency,
    },
    /// A time; in bodies.
    DateTime {
        /// The time.
        date_time: DateTime,
    },
    /// A picture.
    Image {
        /// The file.
        image: Media,
    },
    /// A video.
    Video {
        /// The file.
        video: Media,
    },
    /// A silent video that starts by itself: MP4 up to 3.5 MB, by the Marketing Messages API alone.
    Gif {
        /// The file.
        gif: Media,
    },
    /// A document.
    Document {
        /// The file.
        document: Media,
    },
    /// A place on the map.
    Location {
        /// The place.
        location: Location,
    },
    /// A product of a catalog.
    Product {
        /// The product.
        product: Product,
    },
    /// What comes back when a quick reply is tapped, or with the call of a call button.
    Payload {
        /// The payload.
        payload: String,
    },
    /// How long a call button works.
    TtlMinutes {
        /// In minutes, 1 to 43,200, which are 30 days (Meta: call button messages).
        ttl_minutes: u16,
    },
    /// What a copy-code button copies.
    CouponCode {
        /// The code.
        coupon_code: String,
    },
    /// What a button opens: a flow, a catalog or some products.
    Action {
        /// It.
        action: ButtonAction,
    },
    /// When an offer ends.
    LimitedTimeOffer {
        /// The end.
        limited_time_offer: Offer,
    },
}

/// An amount of money. Today's apps show the text alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Currency {
    /// The amount as it is to be read: `₹ 499.00`.
    pub fallback_value: String,
    /// The currency's three capital letters (ISO 4217).
    pub code: String,
    /// The amount in thousandths: 499000.
    pub amount_1000: Figure,
}

/// A time as it is to be read: apps show this text as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DateTime {
    /// The text.
    pub fallback_value: String,
}

/// When an offer ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Milliseconds since 1970, in UTC.
    pub expiration_time_ms: Figure,
}

/// What a button opens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ButtonAction {
    /// Of a flow: comes back to your endpoint and with the answer; `unused` when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_token: Option<String>,
    /// Of a flow: what its first screen is filled with; attributes may stand in its texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_action_data: Option<Map<String, Value>>,
    /// Of a catalog or of products: the product whose picture is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_product_retailer_id: Option<String>,
    /// Of products: 1 to 10, with at most 30 products in all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<ProductSection>,
}

impl Parameter {
    /// The parameter of a button that needs to be told nothing.
    pub(super) const NO_ACTION: Self = Self::Action {
        action: ButtonAction {
            flow_token: None,
            flow_action_data: None,
            thumbnail_product_retailer_id: None,
            sections: Vec::new(),
        },
    };

    pub(super) fn file(&self) -> Option<(&'static str, &Media)> {
        match self {
            Self::Image { image } => Some(("image", image)),
            Self::Video { video } => Some(("video", video)),
            Self::Gif { gif } => Some(("gif", gif)),
            Self::Document { document } => Some(("document", document)),
            _ => None,
        }
    }

    /// Its kind, as campaigns spell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Currency { .. } => "currency",
            Self::DateTime { .. } => "date_time",
            Self::Image { .. } => "image",
            Self::Video { .. } => "video",
            Self::Gif { .. } => "gif",
            Self::Document { .. } => "document",
            Self::Location { .. } => "location",
            Self::Product { .. } => "product",
            Self::Payload { .. } => "payload",
            Self::TtlMinutes { .. } => "ttl_minutes",
            Self::CouponCode { .. } => "coupon_code",
            Self::Action { .. } => "action",
            Self::LimitedTimeOffer { .. } => "limited_time_offer",
        }
    }

    /// The parameter of a button.
    pub(super) fn read_of_button(node: &Node<'_>, sub_type: ButtonKind) -> Option<Self> {
        let read = |allowed| Self::read(node, allowed);
        match sub_type {
            ButtonKind::Url => read(&["text"]),
            ButtonKind::QuickReply => read(&["payload"]),
            ButtonKind::CopyCode => read(&["coupon_code"]),
            ButtonKind::VoiceCall => read(&["ttl_minutes", "payload"]),
            ButtonKind::Flow | ButtonKind::Catalog | ButtonKind::Mpm => node.object(|fields| {
                fields.kind("type", &["action"])?;
                let action = fields.required("action", |node| ButtonAction::read(node, sub_type));
                Some(Self::Action { action: action? })
            }),
        }
    }

    pub(super) fn read(node: &Node<'_>, allowed: &[&'static str]) -> Option<Self> {
        let plain = |node: &Node<'_>| Media::read(node, Takes::SOURCE);
        node.object(|fields| match fields.kind("type", allowed)? {
            "image" => Some(Self::Image { image: fields.required("image", plain)? }),
            "video" => Some(Self::Video { video: fields.required("video", plain)? }),
            "gif" => Some(Self::Gif { gif: fields.required("gif", plain)? }),
            "document" => {
                Some(Self::Document { document: fields.required("document", |node| Media::read(node, Takes::NAMED))? })
            }
            "location" => Some(Self::Location { location: fields.required("location", Location::read_header)? }),
            "product" => Some(Self::Product { product: fields.required("product", Product::read)? }),
            "currency" => Some(Self::Currency { currency: fields.required("currency", Currency::read)? }),
            "date_time" => Some(Self::DateTime { date_time: fields.required("date_time", DateTime::read)? }),
            "payload" => Some(Self::Payload { payload: fields.required("payload", Node::words)? }),
            "ttl_minutes" => {
                Some(Self::TtlMinutes { ttl_minutes: fields.required("ttl_minutes", |node| node.whole(TTL_MINUTES))? })
            }
            "coupon_code" => Some(Self::CouponCode { coupon_code: fields.required("coupon_code", Node::words)? }),
            "limited_time_offer" => {
                Some(Self::LimitedTimeOffer { limited_time_offer: fields.required("limited_time_offer", Offer::read)? })
            }
            _ => Self::read_text(fields),
        })
    }

    fn read_text(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let parameter_name = fields.maybe("parameter_name", Node::words);
        let text = fields.required("text", Node::words);
        Some(Self::Text { parameter_name: parameter_name?, text: text? })
    }
}

impl Currency {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let fallback_value = fields.required("fallback_value", Node::words);
            let code = fields.required("code", Node::words);
            let amount_1000 = fields.required("amount_1000", Figure::read);
            Some(Self { fallback_value: fallback_value?, code: code?, amount_1000: amount_1000? })
        })
    }
}

impl DateTime {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { fallback_value: fields.required("fallback_value", Node::words)? }))
    }
}

impl Offer {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { expiration_time_ms: fields.required("expiration_time_ms", Figure::read)? }))
    }
}

impl ButtonAction {
    fn read(node: &Node<'_>, sub_type: ButtonKind) -> Option<Self> {
        node.object(|fields| match sub_type {
            ButtonKind::Flow => {
                let flow_token = fields.maybe("flow_token", Node::words);
                let flow_action_data = fields.maybe("flow_action_data", flow::read_data);
                Some(Self { flow_token: flow_token?, flow_action_data: flow_action_data?, ..Self::default() })
            }
            ButtonKind::Mpm => {
                let thumbnail = fields.required("thumbnail_product_retailer_id", Node::words);
                let sections = fields.required("sections", ProductSection::read_all);
                Some(Self { thumbnail_product_retailer_id: Some(thumbnail?), sections: sections?, ..Self::default() })
            }
            _ => {
                let thumbnail_product_retailer_id = fields.maybe("thumbnail_product_retailer_id", Node::words)?;
                Some(Self { thumbnail_product_retailer_id, ..Self::default() })
            }
        })
    }
}
