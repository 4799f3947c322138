//! Interactive messages: a text with buttons, a list, a link, products, a flow. How many of what Meta takes is seen to here; how long texts
//! may be, once they are filled in.

use serde::Serialize;

use super::{
    choices::{ListSection, ReplyButton, read_buttons, read_options, read_sections},
    flow::Flow,
    media::{Media, Takes},
    products::{Product, ProductSection},
};
use crate::fault::read::{Fields, Node};

/// What there is to tap, as campaigns spell it.
const KINDS: [&str; 9] = [
    "button",
    "list",
    "options",
    "cta_url",
    "location_request_message",
    "product",
    "product_list",
    "catalog_message",
    "flow",
];

/// A text with something to tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interactive {
    /// What can be tapped.
    #[serde(flatten)]
    pub action: Action,
    /// Above the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The text; only a product may go without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Words>,
    /// Below it, in small letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<Words>,
}

/// A part that is a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// The text.
    pub text: String,
}

/// What stands above the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Header {
    /// A line.
    Text {
        /// It.
        text: String,
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
    /// A document.
    Document {
        /// The file.
        document: Media,
    },
}

/// What can be tapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "action", rename_all = "snake_case")]
pub enum Action {
    /// One of up to three buttons, which answers.
    Button {
        /// The buttons, in order.
        buttons: Vec<ReplyButton>,
    },
    /// A button that opens a list, a row of which answers.
    List {
        /// What the button says.
        button: String,
        /// The list.
        sections: Vec<ListSection>,
    },
    /// A button that opens a link.
    CtaUrl {
        /// Meta's name for it.
        name: &'static str,
        /// The button.
        parameters: LinkButton,
    },
    /// A button that asks where the recipient is; the answer is a place.
    LocationRequestMessage {
        /// Meta's name for it.
        name: &'static str,
    },
    /// One product of a catalog.
    Product(Product),
    /// Several products of a catalog.
    ProductList {
        /// The catalog's id.
        catalog_id: String,
        /// 1 to 10, with at most 30 products in all.
        sections: Vec<ProductSection>,
    },
    /// A button that opens the whole catalog.
    CatalogMessage {
        /// Meta's name for it.
        name: &'static str,
        /// The picture, if it is not the catalog's first.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameters: Option<CatalogLink>,
    },
    /// A button that opens a flow.
    Flow {
        /// Meta's name for it.
        name: &'static str,
        /// The flow.
        parameters: Box<Flow>,
    },
}

/// A button that opens the whole catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CatalogLink {
    /// The product whose picture is shown.
    pub thumbnail_product_retailer_id: String,
}

/// A button that opens a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkButton {
    /// What it says.
    pub display_text: String,
    /// What it opens.
    pub url: String,
}

impl Interactive {
    /// The file above the text, as [`super::Content::files`] tells of it.
    pub(super) fn file(&self) -> Option<(&'static str, String, &Media)> {
        let (kind, file) = match self.header.as_ref()? {
            Header::Text { .. } => return None,
            Header::Image { image } => ("image", image),
            Header::Video { video } => ("video", video),
            Header::Document { document } => ("document", document),
        };
        Some((kind, format!("/interactive/header/{kind}"), file))
    }

    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let kind = fields.kind("type", &KINDS)?;
            let action = fields.required("action", |node| Action::read(node, kind));
            // What `options` have become says what may stand above.
            let kind = action.as_ref().map_or(kind, Action::kind);
            let header = Header::of(fields, kind);
            let body = match kind {
                "product" => fields.maybe("body", Words::read),
                _ => fields.required("body", Words::read).map(Some),
            };
            let footer = fields.maybe("footer", Words::read);
            Some(Self { action: action?, header: header?, body: body?, footer: footer? })
        })
    }
}

impl Words {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { text: fields.required("text", Node::words)? }))
    }
}

impl Header {
    /// What stands above a message of that kind (Meta: interactive messages).
    #[expect(clippy::option_option, reason = "as `Fields::maybe` has it")]
    fn of(fields: &mut Fields<'_, '_>, kind: &str) -> Option<Option<Self>> {
        match kind {
            "product_list" => fields.required("header", |node| Self::read(node, &["text"])).map(Some),
            "list" => fields.maybe("header", |node| Self::read(node, &["text"])),
            "product" | "catalog_message" | "location_request_message" => {
                fields.maybe("header", |node| node.fault(format!("does not go with `{kind}`; leave it out.")))
            }
            _ => fields.maybe("header", |node| Self::read(node, &["text", "image", "video", "document"])),
        }
    }

    fn read(node: &Node<'_>, allowed: &[&'static str]) -> Option<Self> {
        let file = |node: &Node<'_>| Media::read(node, Takes::SOURCE);
        node.object(|fields| match fields.kind("type", allowed)? {
            "image" => Some(Self::Image { image: fields.required("image", file)? }),
            "video" => Some(Self::Video { video: fields.required("video", file)? }),
            "document" => Some(Self::Document { document: fields.required("document", file)? }),
            _ => Some(Self::Text { text: fields.required("text", Node::words)? }),
        })
    }
}

impl Action {
    /// Meta's word for the kind of message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Button { .. } => "button",
            Self::List { .. } => "list",
            Self::CtaUrl { .. } => "cta_url",
            Self::LocationRequestMessage { .. } => "location_request_message",
            Self::Product(_) => "product",
            Self::ProductList { .. } => "product_list",
            Self::CatalogMessage { .. } => "catalog_message",
            Self::Flow { .. } => "flow",
        }
    }

    fn read(node: &Node<'_>, kind: &str) -> Option<Self> {
        node.object(|fields| match kind {
            "button" => Some(Self::Button { buttons: fields.required("buttons", read_buttons)? }),
            "list" => {
                let button = fields.required("button", Node::words);
                let sections = fields.required("sections", read_sections);
                Some(Self::List { button: button?, sections: sections? })
            }
            "options" => read_options(fields),
            "product" => Product::read_fields(fields).map(Self::Product),
            "product_list" => {
                let catalog_id = fields.required("catalog_id", Node::words);
                let sections = fields.required("sections", ProductSection::read_all);
                Some(Self::ProductList { catalog_id: catalog_id?, sections: sections? })
            }
            "catalog_message" => {
                let name = fields.kind("name", &["catalog_message"]);
                let parameters = fields.maybe("parameters", CatalogLink::read);
                Some(Self::CatalogMessage { name: name?, parameters: parameters? })
            }
            "location_request_message" => {
                Some(Self::LocationRequestMessage { name: fields.kind("name", &["send_location"])? })
            }
            "flow" => {
                let name = fields.kind("name", &["flow"]);
                let parameters = fields.required("parameters", Flow::read);
                Some(Self::Flow { name: name?, parameters: Box::new(parameters?) })
            }
            _ => {
                let name = fields.kind("name", &["cta_url"]);
                let parameters = fields.required("parameters", LinkButton::read);
                Some(Self::CtaUrl { name: name?, parameters: parameters? })
            }
        })
    }
}

impl CatalogLink {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let thumbnail_product_retailer_id = fields.required("thumbnail_product_retailer_id", Node::words)?;
            Some(Self { thumbnail_product_retailer_id })
        })
    }
}

impl LinkButton {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let display_text = fields.required("display_text", Node::words);
            let url = fields.required("url", Node::words);
            Some(Self { display_text: display_text?, url: url? })
        })
    }
}
