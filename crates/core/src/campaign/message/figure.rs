//! Numbers, which a campaign writes as such or, where they may vary by recipient, as texts.

use serde::Serialize;
use serde_json::{Number, Value};

use crate::fault::read::Node;

/// A number, or the text that becomes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// The same for all.
    Number(Number),
    /// A text, such as `{{ amount }}`.
    Text(String),
}

impl Figure {
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        match node.value() {
            Value::Number(number) => Some(Self::Number(number.clone())),
            Value::String(_) => node.words().map(Self::Text),
            _ => node.wrong_type("a number, or a text such as `{{ amount }}`"),
        }
    }
}
