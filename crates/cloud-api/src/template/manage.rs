//! Reading one template, creating, editing, unpausing and deleting.

use serde::Deserialize;
use serde_json::Value;

use super::{CreatedTemplate, TemplateInfo, list::FIELDS};
use crate::{CallError, Client, Token};

/// What Meta says to a wish to unpause a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Unpaused {
    /// Whether it may be sent again.
    pub success: bool,
    /// Why not.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Client {
    /// One template, by its id.
    ///
    /// # Errors
    /// [`CallError::Api`] with code 100, subcode 33 when there is none of that id.
    pub async fn template(&self, id: &str, token: &Token) -> Result<TemplateInfo, CallError> {
        self.call(self.get(&[id], token).query(&[("fields", FIELDS)])).await
    }

    /// Creates a template in one language. `definition` is Meta's own shape: `name`, `language`, `category`, `components`,
    /// perhaps `parameter_format`, with a sample for each variable. An account may create 100 templates an hour (Meta:
    /// templates).
    ///
    /// # Errors
    /// As any call. Repeated after an answer that was lost, it is refused: the template is there (subcode 2388024).
    pub async fn create_template(
        &self,
        waba_id: &str,
        token: &Token,
        definition: &Value,
    ) -> Result<CreatedTemplate, CallError> {
        self.call(self.post(waba_id, "message_templates", token).json(definition)).await
    }

    /// Edits a template: `changes` holds its `components` as a whole, or its `category`, or both. An approved one may be
    /// edited once in 24 hours and ten times in 30 days, and keeps its category (Meta: template management).
    ///
    /// # Errors
    /// As any call; [`CallError::Malformed`] also when Meta says that it did nothing.
    pub async fn edit_template(&self, id: &str, token: &Token, changes: &Value) -> Result<(), CallError> {
        self.change(self.post_to(id, token).json(changes), "the template was not changed").await
    }

    /// Asks Meta to take back the pause of a template that it paused for its quality (Meta: template pacing).
    ///
    /// # Errors
    /// As any call. That Meta does not unpause it is no error: see [`Unpaused::reason`].
    pub async fn unpause_template(&self, id: &str, token: &Token) -> Result<Unpaused, CallError> {
        self.call(self.post(id, "unpause", token)).await
    }

    /// Deletes a template in **every** language. The name of an approved one cannot be used again for 30 days (Meta: template
    /// management).
    ///
    /// # Errors
    /// [`CallError::Api`] when there is none of that name, or it is disabled, which cannot be deleted.
    pub async fn delete_templates_named(&self, waba_id: &str, token: &Token, name: &str) -> Result<(), CallError> {
        self.delete_templates(waba_id, token, &[("name", name)]).await
    }

    /// Deletes a template in one language, by its id and its name; both have to fit.
    ///
    /// # Errors
    /// As [`Client::delete_templates_named`].
    pub async fn delete_template(&self, waba_id: &str, token: &Token, id: &str, name: &str) -> Result<(), CallError> {
        self.delete_templates(waba_id, token, &[("hsm_id", id), ("name", name)]).await
    }

    async fn delete_templates(&self, waba_id: &str, token: &Token, which: &[(&str, &str)]) -> Result<(), CallError> {
        let request = self.delete(&[waba_id, "message_templates"], token).query(which);
        self.change(request, "the template was not deleted").await
    }
}
