//! Sections of products, in messages and in the buttons of templates.

use serde::Deserialize;

use super::error::{GraphError, check_chars};
use super::free_form::is_given;

/// Meta: most sections, most products over all of them, longest title in characters.
const SECTIONS: usize = 10;
const PRODUCTS: usize = 30;
const TITLE_CHARS: usize = 24;

#[derive(Deserialize)]
pub(crate) struct ProductSection {
    title: Option<String>,
    product_items: Option<Vec<ProductItem>>,
}

#[derive(Deserialize)]
struct ProductItem {
    product_retailer_id: Option<String>,
}

/// `what` is where the sections stand.
pub(crate) fn check(sections: Option<&Vec<ProductSection>>, what: &str) -> Result<(), GraphError> {
    let sections = sections.ok_or_else(|| GraphError::required(&format!("{what}['sections']")))?;
    if !(1..=SECTIONS).contains(&sections.len()) {
        let words = format!("Invalid sections count. Min allowed sections: 1, Max allowed sections: {SECTIONS}");
        return Err(GraphError::invalid(words));
    }
    let several = sections.len() > 1;
    sections.iter().try_for_each(|section| section.check(what, several))?;
    let products: usize = sections.iter().map(|section| section.product_items.as_ref().map_or(0, Vec::len)).sum();
    match products {
        0..=PRODUCTS => Ok(()),
        _ => Err(GraphError::invalid(format!("Total product count exceed max allowed count: {PRODUCTS}"))),
    }
}

impl ProductSection {
    fn check(&self, what: &str, needs_title: bool) -> Result<(), GraphError> {
        if needs_title || self.title.is_some() {
            check_chars(self.title.as_deref(), "Section title", TITLE_CHARS)?;
        }
        let items = self.product_items.as_deref().unwrap_or_default();
        if items.is_empty() {
            return Err(GraphError::invalid("Invalid product items count. Min allowed product items: 1"));
        }
        match items.iter().all(|item| is_given(item.product_retailer_id.as_ref())) {
            true => Ok(()),
            false => {
                Err(GraphError::required(&format!("{what}['sections'][0]['product_items'][0]['product_retailer_id']")))
            }
        }
    }
}
