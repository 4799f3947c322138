//! Making a number one of the Cloud API's: the code that proves its ownership, registration, and the PIN of two-step verification.

use serde_json::json;

use crate::{CallError, Client, Token};

/// How the code that proves ownership reaches the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeMethod {
    /// A text message.
    Sms,
    /// A call that reads it out.
    Voice,
}

impl CodeMethod {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Voice => "VOICE",
        }
    }
}

impl Client {
    /// Has Meta send a code to the number, in a language such as `en_US`, to be given to [`Client::verify_code`] (Meta: phone
    /// numbers).
    ///
    /// # Errors
    /// As any call; [`CallError::Malformed`] also when Meta says that it did nothing.
    pub async fn request_code(
        &self,
        phone_number_id: &str,
        token: &Token,
        method: CodeMethod,
        language: &str,
    ) -> Result<(), CallError> {
        let asked = json!({ "code_method": method.as_str(), "language": language });
        let request = self.post(phone_number_id, "request_code", token).json(&asked);
        self.change(request, "the code was not sent").await
    }

    /// Proves ownership of the number by the code that it was sent; a dash in it is left out.
    ///
    /// # Errors
    /// [`CallError::Invalid`] for what is not six digits; [`CallError::Api`] for a code that is wrong or too old.
    pub async fn verify_code(&self, phone_number_id: &str, token: &Token, code: &str) -> Result<(), CallError> {
        let code = code.replace('-', "");
        let body = json!({ "code": six_digits("a code", &code)? });
        let request = self.post(phone_number_id, "verify_code", token).json(&body);
        self.change(request, "the code was not taken").await
    }

    /// Registers the number with the Cloud API, with the PIN of its two-step verification, which is set by it where there is none
    /// yet. To be repeated after a change of the display name. Ten registrations and deregistrations of a number are taken in 72 hours
    /// (Meta: registration).
    ///
    /// # Errors
    /// [`CallError::Invalid`] for what is not six digits; [`CallError::Api`] with 133005 for a PIN that is not the number's, 133006
    /// when its ownership is not proven, 133016 above ten in 72 hours.
    pub async fn register(&self, phone_number_id: &str, token: &Token, pin: &str) -> Result<(), CallError> {
        let body = json!({ "messaging_product": "whatsapp", "pin": six_digits("a PIN", pin)? });
        let request = self.post(phone_number_id, "register", token).json(&body);
        self.change(request, "the number was not registered").await
    }

    /// Takes the number off the Cloud API: it sends nothing more until it is registered again.
    ///
    /// # Errors
    /// [`CallError::Api`] with 133016 above ten registrations and deregistrations in 72 hours, 133010 when it is not registered.
    pub async fn deregister(&self, phone_number_id: &str, token: &Token) -> Result<(), CallError> {
        self.change(self.post(phone_number_id, "deregister", token), "the number was not deregistered").await
    }

    /// Sets or changes the PIN of the number's two-step verification (Meta: two-step verification).
    ///
    /// # Errors
    /// [`CallError::Invalid`] for what is not six digits.
    pub async fn set_pin(&self, phone_number_id: &str, token: &Token, pin: &str) -> Result<(), CallError> {
        let request = self.post_to(phone_number_id, token).json(&json!({ "pin": six_digits("a PIN", pin)? }));
        self.change(request, "the PIN was not set").await
    }
}

/// Whatever is wrong with it, it is not repeated: it is a secret.
fn six_digits<'a>(what: &str, text: &'a str) -> Result<&'a str, CallError> {
    let is_good = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_good.then_some(text).ok_or_else(|| CallError::Invalid(format!("{what} has six digits")))
}
