//! How the messages of a run are spread over its window.

use serde::Serialize;

use super::read_some_time;
use crate::{
    fault::read::{Fields, Node},
    window::Span,
};

/// How the messages of a run are spread over its window. No number is ever planned above its paced rate, and tiers keep
/// their order, whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Jitter {
    /// Evenly at random.
    Uniform,
    /// One after the other, a fixed time apart over all numbers, from the opening on.
    Stagger {
        /// The time from one message to the next.
        step: Span,
    },
    /// At random, most at the opening and ever fewer towards the close.
    FrontLoaded,
}

impl Jitter {
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields: &mut Fields<'_, '_>| {
            match fields.kind("type", &["uniform", "stagger", "front_loaded"])? {
                "uniform" => Some(Self::Uniform),
                "stagger" => Some(Self::Stagger { step: fields.required("step", read_some_time)? }),
                _ => Some(Self::FrontLoaded),
            }
        })
    }
}
