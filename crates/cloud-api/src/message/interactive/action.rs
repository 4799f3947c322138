//! What can be tapped.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{CatalogLink, Flow, ProductSection};
use crate::message::typed;

/// What can be tapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "action", rename_all = "snake_case")]
pub enum Action {
    /// Buttons that answer.
    Button {
        /// 1 to 3.
        buttons: Vec<ReplyButton>,
    },
    /// A button that opens a list, a row of which answers.
    List {
        /// What the button says: up to 20 characters.
        button: String,
        /// 1 to 10, with at most 10 rows in all.
        sections: Vec<ListSection>,
    },
    /// A button that opens a link.
    CtaUrl(LinkButton),
    /// A button that asks where the user is; the answer is a place.
    #[serde(rename = "location_request_message", serialize_with = "send_location")]
    LocationRequest,
    /// One product of a catalog.
    Product {
        /// The catalog's id.
        catalog_id: String,
        /// The product's id in it.
        product_retailer_id: String,
    },
    /// Several products of a catalog.
    ProductList {
        /// The catalog's id.
        catalog_id: String,
        /// 1 to 10, with at most 30 products in all.
        sections: Vec<ProductSection>,
    },
    /// A button that opens the whole catalog.
    CatalogMessage(CatalogLink),
    /// A button that opens a flow.
    Flow(Flow),
}

/// A button that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyButton {
    /// What comes back in the webhook: up to 256 characters, no two alike.
    pub id: String,
    /// What it says: up to 20 characters, no two alike.
    pub title: String,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListSection {
    /// Up to 24 characters; needed where there are several sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// At least one.
    pub rows: Vec<ListRow>,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListRow {
    /// What comes back in the webhook: up to 200 characters, no two alike.
    pub id: String,
    /// Up to 24 characters.
    pub title: String,
    /// Up to 72 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A button that opens a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkButton {
    /// What it says: up to 20 characters.
    pub display_text: String,
    /// What it opens.
    pub url: String,
}

/// `{"name": name, "parameters": parameters}`; without parameters, the name alone.
pub(super) fn named<S: Serializer>(
    serializer: S,
    name: &str,
    parameters: Option<&impl Serialize>,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("name", name)?;
    if let Some(parameters) = parameters {
        map.serialize_entry("parameters", parameters)?;
    }
    map.end()
}

fn send_location<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    named(serializer, "send_location", None::<&()>)
}

impl Serialize for ReplyButton {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Reply<'a> {
            id: &'a str,
            title: &'a str,
        }
        typed(serializer, "reply", &Reply { id: &self.id, title: &self.title })
    }
}

impl Serialize for LinkButton {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Parameters<'a> {
            display_text: &'a str,
            url: &'a str,
        }
        named(serializer, "cta_url", Some(&Parameters { display_text: &self.display_text, url: &self.url }))
    }
}
