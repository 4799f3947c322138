//! The public half of an endpoint's key, as Meta keeps it for a number.

use serde::Deserialize;

use crate::{CallError, Client, Token, open_enum::open_enum};

const ENCRYPTION: &str = "whatsapp_business_encryption";

open_enum! {
    /// Whether Meta's signature of the key still fits the number.
    FlowKeyState {
        /// It is used.
        Valid = "VALID",
        /// The number was registered anew since: set the key again.
        Mismatch = "MISMATCH",
    }
}

/// The public key that flows of a number are encrypted for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegisteredFlowKey {
    /// In PEM form; none when no key was ever set.
    #[serde(default, rename = "business_public_key")]
    pub public_key: Option<String>,
    /// Whether it is used.
    #[serde(default, rename = "business_public_key_signature_status")]
    pub state: Option<FlowKeyState>,
}

impl Client {
    /// Sets the public key (RSA of 2048 bits, in PEM form) that flows of this number are encrypted for. To be set again after the
    /// number was registered anew (Meta: business encryption).
    ///
    /// # Errors
    /// [`CallError::Api`] with code 100 for a text that is no such key.
    pub async fn set_flow_key(
        &self,
        phone_number_id: &str,
        token: &Token,
        public_key_pem: &str,
    ) -> Result<(), CallError> {
        let form = [("business_public_key", public_key_pem)];
        let request = self.post(phone_number_id, ENCRYPTION, token).form(&form);
        self.change(request, "the key was not set").await
    }

    /// The public key that flows of this number are encrypted for.
    ///
    /// # Errors
    /// As any call.
    pub async fn flow_key(&self, phone_number_id: &str, token: &Token) -> Result<RegisteredFlowKey, CallError> {
        self.call(self.get(&[phone_number_id, ENCRYPTION], token)).await
    }
}
