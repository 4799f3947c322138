//! What fills headers and bodies.

use serde::{Serialize, Serializer};

use crate::message::{Media, typed};

/// What fills a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// The variable of a text header: up to 60 characters, with the text around it.
    Text(TextParameter),
    /// An image.
    Image(Media),
    /// A video.
    Video(Media),
    /// A document.
    Document(Media),
    /// A silent video that starts by itself: MP4 up to 3.5 MB, and only by
    /// [`send_marketing`](crate::Client::send_marketing).
    Gif(Media),
    /// A place on the map.
    Location(Place),
    /// A product.
    Product {
        /// The catalog's id.
        catalog_id: String,
        /// The product's id in it.
        product_retailer_id: String,
    },
}

/// A place in the header of a template: all of it is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Degrees north, -90 to 90, as decimal text: `12.971599`.
    pub latitude: String,
    /// Degrees east, -180 to 180, as decimal text: `77.594566`.
    pub longitude: String,
    /// What it is called.
    pub name: String,
    /// Its address.
    pub address: String,
}

/// What stands in the place of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A text.
    Text(TextParameter),
    /// An amount of money.
    Currency(Currency),
    /// A time, as it is to be read: apps show this text as it stands (`date_time`).
    DateTime(String),
}

/// A text in the place of a variable: not empty; no line break, tab or run of more than four spaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "text")]
pub struct TextParameter {
    /// The text.
    pub text: String,
    /// The variable's name, for templates with named parameters, and for them only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_name: Option<String>,
}

/// An amount of money. Today's apps show the text alone, so a text does as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Currency {
    /// The amount as it is to be read: `₹ 499.00`.
    pub fallback_value: String,
    /// The currency's three capital letters (ISO 4217).
    pub code: String,
    /// The amount in thousandths: 499000.
    pub amount_1000: i64,
}

impl TextParameter {
    /// A text for the variable of this name.
    pub fn named(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { text: text.into(), parameter_name: Some(name.into()) }
    }
}

impl<T: Into<String>> From<T> for TextParameter {
    fn from(text: T) -> Self {
        Self { text: text.into(), parameter_name: None }
    }
}

impl<T: Into<TextParameter>> From<T> for Parameter {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Product<'a> {
            catalog_id: &'a str,
            product_retailer_id: &'a str,
        }
        match self {
            Self::Text(parameter) => parameter.serialize(serializer),
            Self::Image(media) => typed(serializer, "image", media),
            Self::Video(media) => typed(serializer, "video", media),
            Self::Document(media) => typed(serializer, "document", media),
            Self::Gif(media) => typed(serializer, "gif", media),
            Self::Location(place) => typed(serializer, "location", place),
            Self::Product { catalog_id, product_retailer_id } => {
                typed(serializer, "product", &Product { catalog_id, product_retailer_id })
            }
        }
    }
}

impl Serialize for Parameter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fallback<'a> {
            fallback_value: &'a str,
        }
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Currency(currency) => typed(serializer, "currency", currency),
            Self::DateTime(fallback_value) => typed(serializer, "date_time", &Fallback { fallback_value }),
        }
    }
}
