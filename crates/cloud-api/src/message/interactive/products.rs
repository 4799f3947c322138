//! Products of a catalog.

use serde::{Serialize, Serializer};

use super::action::named;
use crate::message::check::Checks;

/// Meta: most sections of products, in a message and in a template's button.
const SECTIONS: usize = 10;
/// Meta: most products over all sections.
const PRODUCTS: usize = 30;
/// Meta: longest title of a section, in characters.
const TITLE_CHARS: usize = 24;

/// Some products under a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductSection {
    /// Up to 24 characters; needed where there are several sections.
    pub title: Option<String>,
    /// The products' ids in the catalog; at least one.
    pub products: Vec<String>,
}

/// A button that opens the whole catalog (Meta: catalog messages).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogLink {
    /// The product whose picture is shown; the catalog's first when none.
    pub thumbnail_product_retailer_id: Option<String>,
}

impl Serialize for ProductSection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Item<'a> {
            product_retailer_id: &'a str,
        }
        #[derive(Serialize)]
        struct Section<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            title: Option<&'a str>,
            product_items: Vec<Item<'a>>,
        }
        let items = self.products.iter().map(|id| Item { product_retailer_id: id });
        Section { title: self.title.as_deref(), product_items: items.collect() }.serialize(serializer)
    }
}

impl Serialize for CatalogLink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Parameters<'a> {
            thumbnail_product_retailer_id: &'a str,
        }
        let thumbnail = self.thumbnail_product_retailer_id.as_deref();
        let parameters = thumbnail.map(|id| Parameters { thumbnail_product_retailer_id: id });
        named(serializer, "catalog_message", parameters.as_ref())
    }
}

/// The field is `sections` wherever products are listed.
pub(in crate::message) fn check_sections(checks: &mut Checks, sections: &[ProductSection]) {
    checks.count("sections", sections.len(), 1..=SECTIONS, "section");
    let products = sections.iter().map(|section| section.products.len()).sum();
    checks.count("sections", products, 1..=PRODUCTS, "product");
    checks.each("sections", sections, |checks, section| {
        section_title(checks, section.title.as_deref(), sections.len(), TITLE_CHARS);
        checks.some("product_items", section.products.len(), "product");
        checks.each("product_items", &section.products, |checks, id| checks.filled("product_retailer_id", id));
    });
}

/// A title is needed where there are several sections.
pub(super) fn section_title(checks: &mut Checks, title: Option<&str>, sections: usize, most: usize) {
    match title {
        None if sections > 1 => checks.chars("title", "", 1..=most),
        title => checks.optional("title", title, most),
    }
}
