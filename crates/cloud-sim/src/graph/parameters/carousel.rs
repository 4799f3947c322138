//! Carousels: as many cards as the template has, each with what its card takes.

use super::request::{Card, Component};
use super::{check_parts, count_mismatch};
use crate::cloud::{Cloud, Number};
use crate::graph::error::GraphError;
use crate::parts::Parts;

/// Meta: longest body of a card after its variables are filled in, in characters.
const BODY_CHARS: usize = 160;

pub(super) fn check(cloud: &Cloud, number: &Number, parts: Parts<'_>, given: &[Component]) -> Result<(), GraphError> {
    let given: &[Card] =
        given.iter().find(|it| it.is("carousel")).and_then(|it| it.cards.as_deref()).unwrap_or_default();
    let wanted = parts.cards();
    if given.len() != wanted.len() {
        return Err(count_mismatch("carousel", given.len(), wanted.len()));
    }
    for (place, parts) in wanted.iter().enumerate() {
        let mut own = given.iter().filter(|card| card.card_index == Some(place));
        let (Some(card), None) = (own.next(), own.next()) else {
            let words = format!("carousel: exactly one card with card_index {place} is required");
            return Err(GraphError::invalid(words));
        };
        check_parts(cloud, number, *parts, card.components.as_deref().unwrap_or_default(), BODY_CHARS)?;
    }
    Ok(())
}
