//! The parameters of flows. There are no flows in the simulator, so it takes any id and name, and drafts as well.

use serde_json::{Map, Value};

use super::{Action, Parameters, required};
use crate::graph::error::GraphError;

fn not_one_of(field: &str, values: &str) -> GraphError {
    GraphError::not_one_of(&format!("interactive['action']['parameters']['{field}']"), values)
}

impl Action {
    pub(super) fn flow(&self) -> Result<(), GraphError> {
        let parameters = self.named("flow", "FLOW")?.ok_or_else(|| required("['action']['parameters']"))?;
        match parameters.flow_message_version.as_deref() {
            None => return Err(required("['action']['parameters']['flow_message_version']")),
            Some("3") => {}
            Some(_) => return Err(not_one_of("flow_message_version", "3")),
        }
        if parameters.flow_id.is_some() == parameters.flow_name.is_some() {
            return Err(GraphError::invalid("Exactly one of flow_id and flow_name is required"));
        }
        if parameters.flow_cta.as_deref().is_none_or(str::is_empty) {
            return Err(required("['action']['parameters']['flow_cta']"));
        }
        if !matches!(parameters.mode.as_deref(), None | Some("published" | "draft")) {
            return Err(not_one_of("mode", "DRAFT, PUBLISHED"));
        }
        parameters.flow_action()
    }
}

impl Parameters {
    fn flow_action(&self) -> Result<(), GraphError> {
        let is_exchange = match self.flow_action.as_deref() {
            None | Some("navigate") => false,
            Some("data_exchange") => true,
            Some(_) => return Err(not_one_of("flow_action", "DATA_EXCHANGE, NAVIGATE")),
        };
        let Some(payload) = &self.flow_action_payload else { return Ok(()) };
        if is_exchange {
            return Err(GraphError::invalid("flow_action_payload is only allowed with flow_action navigate"));
        }
        if payload.screen.as_deref().is_none_or(str::is_empty) {
            return Err(required("['action']['parameters']['flow_action_payload']['screen']"));
        }
        match payload.data.as_ref().is_some_and(Map::<String, Value>::is_empty) {
            true => Err(GraphError::invalid("flow_action_payload data must not be an empty object")),
            false => Ok(()),
        }
    }
}
