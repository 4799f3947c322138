//! Flows: forms that the recipient fills in inside of the app (Meta: sending a flow).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::fault::read::{Fields, Node};

/// Meta's only version of messages with flows.
const VERSION: &str = "3";

/// A button that opens a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    flow_message_version: &'static str,
    /// Which flow.
    #[serde(flatten)]
    pub flow: FlowName,
    /// What the button says: up to 30 characters, no emoji.
    pub flow_cta: String,
    /// Comes back to your endpoint and with the answer; `unused` when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_token: Option<String>,
    /// `published`, or `draft` for a flow that is being tried.
    pub mode: &'static str,
    /// `navigate` opens a screen, `data_exchange` asks your endpoint for the first.
    pub flow_action: &'static str,
    /// The screen that it opens with: the first when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_action_payload: Option<FlowScreen>,
}

/// Which flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowName {
    /// By its id.
    #[serde(rename = "flow_id")]
    Id(String),
    /// By its name.
    #[serde(rename = "flow_name")]
    Name(String),
}

/// The screen that a flow opens with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowScreen {
    /// Its id.
    pub screen: String,
    /// What it is filled with; attributes may stand in its texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
}

impl Flow {
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let version = fields.or("flow_message_version", VERSION, |node| match node.text()? {
                VERSION => Some(VERSION),
                _ => node.fault(format!("must be \"{VERSION}\"; or leave it out.")),
            });
            let flow = FlowName::read(fields);
            let flow_cta = fields.required("flow_cta", Node::words);
            let flow_token = fields.maybe("flow_token", Node::words);
            let mode = fields.or("mode", "published", |node| node.word(&["published", "draft"]));
            let flow_action = fields.or("flow_action", "navigate", |node| node.word(&["navigate", "data_exchange"]));
            let payload = fields.maybe("flow_action_payload", FlowScreen::read);
            if flow_action == Some("data_exchange") && fields.has("flow_action_payload") {
                let why = "goes with `navigate` only; with `data_exchange` your endpoint gives the first screen.";
                return fields.fault_at("flow_action_payload", why);
            }
            Some(Self {
                flow_message_version: version?,
                flow: flow?,
                flow_cta: flow_cta?,
                flow_token: flow_token?,
                mode: mode?,
                flow_action: flow_action?,
                flow_action_payload: payload?,
            })
        })
    }
}

impl FlowName {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let (id, name) = (fields.maybe("flow_id", Node::words), fields.maybe("flow_name", Node::words));
        match (id?, name?) {
            (Some(id), None) => Some(Self::Id(id)),
            (None, Some(name)) => Some(Self::Name(name)),
            _ => fields.fault("takes exactly one of `flow_id` and `flow_name`."),
        }
    }
}

impl FlowScreen {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let screen = fields.required("screen", Node::words);
            let data = fields.maybe("data", read_data);
            Some(Self { screen: screen?, data: data? })
        })
    }
}

/// What a screen is filled with: any JSON.
pub(super) fn read_data(node: &Node<'_>) -> Option<Map<String, Value>> {
    match node.value().as_object() {
        None => node.wrong_type("an object"),
        // Meta refuses an empty one.
        Some(data) if data.is_empty() => node.fault("is empty; give at least one member, or leave it out."),
        Some(data) => Some(data.clone()),
    }
}
