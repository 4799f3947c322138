//! Flows: forms that the user fills in inside the app.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::action::named;
use crate::message::check::Checks;

/// Meta advises no more characters on the button of a flow.
const CTA_CHARS: usize = 30;

/// A button that opens a flow (Meta: sending a flow).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Which flow.
    pub flow: FlowName,
    /// What the button says: up to 30 characters, no emoji.
    pub cta: String,
    /// Comes back to your endpoint and with the answer; `unused` when none. Make it unguessable if the endpoint trusts it.
    pub token: Option<String>,
    /// Whether the flow is a draft that is being tried; Meta refuses a draft that is sent as published (code 131009).
    pub is_draft: bool,
    /// What the button does.
    pub action: FlowAction,
}

/// Which flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowName {
    /// By its id.
    #[serde(rename = "flow_id")]
    Id(String),
    /// By its name.
    #[serde(rename = "flow_name")]
    Name(String),
}

/// What the button of a flow does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowAction {
    /// Opens a screen of the flow: this one, or the first when none.
    Navigate(Option<FlowScreen>),
    /// Asks your endpoint for the first screen.
    DataExchange,
}

/// The screen that a flow opens with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowScreen {
    /// Its id.
    pub screen: String,
    /// What it is filled with: none at all, or not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
}

impl Serialize for Flow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Parameters<'a> {
            flow_message_version: &'static str,
            #[serde(flatten)]
            flow: &'a FlowName,
            flow_cta: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            flow_token: Option<&'a str>,
            mode: &'static str,
            flow_action: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            flow_action_payload: Option<&'a FlowScreen>,
        }
        let (flow_action, flow_action_payload) = match &self.action {
            FlowAction::Navigate(screen) => ("navigate", screen.as_ref()),
            FlowAction::DataExchange => ("data_exchange", None),
        };
        let parameters = Parameters {
            flow_message_version: "3",
            flow: &self.flow,
            flow_cta: &self.cta,
            flow_token: self.token.as_deref(),
            mode: if self.is_draft { "draft" } else { "published" },
            flow_action,
            flow_action_payload,
        };
        named(serializer, "flow", Some(&parameters))
    }
}

impl Flow {
    pub(super) fn check(&self, checks: &mut Checks) {
        match &self.flow {
            FlowName::Id(id) => checks.filled("flow_id", id),
            FlowName::Name(name) => checks.filled("flow_name", name),
        }
        checks.chars("flow_cta", &self.cta, 1..=CTA_CHARS);
        checks.filled_if_given("flow_token", self.token.as_deref());
        if let FlowAction::Navigate(Some(screen)) = &self.action {
            checks.within("flow_action_payload", |checks| screen.check(checks));
        }
    }
}

impl FlowScreen {
    fn check(&self, checks: &mut Checks) {
        checks.filled("screen", &self.screen);
        if self.data.as_ref().is_some_and(Map::is_empty) {
            checks.refuse("data", "no data at all, or at least one member", "an empty object");
        }
    }
}
