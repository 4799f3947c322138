//! Products of a catalog, in messages and in the buttons and headers of templates.

use serde::Serialize;

use super::in_number;
use crate::fault::read::{Fields, Node};

/// Meta: most sections of products, in a message and in a template's button.
const MAX_SECTIONS: usize = 10;
/// Meta: most products over all sections.
const MAX_PRODUCTS: usize = 30;

/// A product of a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// The catalog's id.
    pub catalog_id: String,
    /// The product's id in it.
    pub product_retailer_id: String,
}

/// Some products under a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductSection {
    /// Up to 24 characters; needed where there are several sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// At least one.
    pub product_items: Vec<ProductItem>,
}

/// A product of the catalog at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductItem {
    /// Its id in the catalog.
    pub product_retailer_id: String,
}

impl Product {
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(Self::read_fields)
    }

    pub(super) fn read_fields(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let catalog_id = fields.required("catalog_id", Node::words);
        let product_retailer_id = fields.required("product_retailer_id", Node::words);
        Some(Self { catalog_id: catalog_id?, product_retailer_id: product_retailer_id? })
    }
}

impl ProductSection {
    /// The sections of a list.
    pub(super) fn read_all(node: &Node<'_>) -> Option<Vec<Self>> {
        let sections = node.list(Self::read)?;
        in_number(node, sections.len(), 1..=MAX_SECTIONS, "sections")?;
        let products = sections.iter().map(|section| section.product_items.len()).sum();
        in_number(node, products, 1..=MAX_PRODUCTS, "products in all")?;
        if sections.len() > 1 && sections.iter().any(|section| section.title.is_none()) {
            return node.fault("holds several sections, one of them without a `title`; give each one.");
        }
        Some(sections)
    }

    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let title = fields.maybe("title", Node::words);
            let items = fields.required("product_items", |node| match node.list(ProductItem::read)? {
                items if items.is_empty() => node.fault("is empty; give at least one product."),
                items => Some(items),
            });
            Some(Self { title: title?, product_items: items? })
        })
    }
}

impl ProductItem {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { product_retailer_id: fields.required("product_retailer_id", Node::words)? }))
    }
}
