//! What a template is made of, found by kind.

use serde_json::Value;

/// The parts of a template, or of one of its cards.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    components: &'a [Value],
    pub(crate) is_named: bool,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(components: &'a [Value], is_named: bool) -> Self {
        Self { components, is_named }
    }

    pub(crate) fn component(&self, kind: &str) -> Option<&'a Value> {
        self.components.iter().find(|component| component["type"] == kind)
    }

    /// The kind of the header: `TEXT`, `IMAGE` and the like.
    pub(crate) fn header(&self) -> Option<&'a str> {
        self.component("HEADER")?["format"].as_str()
    }

    /// The text of a part.
    pub(crate) fn text(&self, kind: &str) -> &'a str {
        self.component(kind).and_then(|component| component["text"].as_str()).unwrap_or_default()
    }

    pub(crate) fn buttons(&self) -> &'a [Value] {
        self.component("BUTTONS").and_then(|it| it["buttons"].as_array()).map_or(&[], Vec::as_slice)
    }

    /// The parts of each card.
    pub(crate) fn cards(&self) -> Vec<Self> {
        let cards = self.component("CAROUSEL").and_then(|it| it["cards"].as_array()).map_or(&[][..], Vec::as_slice);
        let components = |card: &'a Value| card["components"].as_array().map_or(&[][..], Vec::as_slice);
        cards.iter().map(|card| Self::of(components(card), self.is_named)).collect()
    }
}
