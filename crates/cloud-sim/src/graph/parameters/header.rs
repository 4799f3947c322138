//! The headers of templates: a text, a file, a place or a product.

use super::request::{Component, Parameter, Product, parameters_of};
use super::{format_mismatch, texts};
use crate::cloud::{Cloud, Number};
use crate::graph::error::GraphError;
use crate::parts::Parts;

pub(super) fn check(cloud: &Cloud, number: &Number, parts: Parts<'_>, given: &[Component]) -> Result<(), GraphError> {
    let given = parameters_of(given, "header").unwrap_or_default();
    let kind = parts.header().unwrap_or("TEXT");
    if kind == "TEXT" {
        return texts::header(parts, given);
    }
    let received = given.first().map_or("unknown", |parameter| parameter.r#type.as_deref().unwrap_or("text"));
    match given {
        [parameter] if received.eq_ignore_ascii_case(kind) => parameter.fill(cloud, number, kind, received),
        _ => Err(format_mismatch("header", kind, received)),
    }
}

impl Parameter {
    fn fill(&self, cloud: &Cloud, number: &Number, kind: &str, received: &str) -> Result<(), GraphError> {
        let mismatch = || format_mismatch("header", kind, received);
        match kind {
            "LOCATION" => self.location.as_ref().ok_or_else(mismatch)?.check("location", true),
            "PRODUCT" => self.product.as_ref().ok_or_else(mismatch)?.check(),
            _ => self.file(received).ok_or_else(mismatch)?.check(received, cloud, number),
        }
    }
}

impl Product {
    fn check(&self) -> Result<(), GraphError> {
        for (given, field) in [(&self.catalog_id, "catalog_id"), (&self.product_retailer_id, "product_retailer_id")] {
            if given.as_deref().is_none_or(str::is_empty) {
                return Err(GraphError::required(&format!("product['{field}']")));
            }
        }
        Ok(())
    }
}
