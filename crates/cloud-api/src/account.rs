//! What an access token may do, and which apps hear of an account.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{ApiError, CallError, Client, Token, call::Data};

/// What Meta knows of an access token (Meta: access tokens, `debug_token`). What Meta leaves out is `None` or empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TokenInfo {
    /// The app that the token was made for.
    #[serde(default, deserialize_with = "id")]
    pub app_id: Option<String>,
    /// That app's name.
    #[serde(default)]
    pub application: Option<String>,
    /// `SYSTEM_USER`, `USER`, `APP`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Whether calls with it are taken.
    #[serde(default)]
    pub is_valid: bool,
    /// When it ends, in seconds since 1970; 0 is never. See [`TokenInfo::ends_at`].
    #[serde(default)]
    pub expires_at: i64,
    /// When its access to data ends unless the user renews it, in seconds since 1970; 0 is never.
    #[serde(default)]
    pub data_access_expires_at: i64,
    /// What it may do, such as `whatsapp_business_messaging`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// To what it may do that; a scope that names nothing is for all that its user may see.
    #[serde(default)]
    pub granular_scopes: Vec<GranularScope>,
    /// Why it is not valid.
    #[serde(default)]
    pub error: Option<TokenFault>,
}

impl TokenInfo {
    /// When it ends, in seconds since 1970; `None` when never.
    #[must_use]
    pub fn ends_at(&self) -> Option<i64> {
        (self.expires_at != 0).then_some(self.expires_at)
    }
}

/// One scope of a token, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GranularScope {
    /// The scope.
    pub scope: String,
    /// The accounts that it is for.
    #[serde(default)]
    pub target_ids: Vec<String>,
}

/// Why a token is not valid.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TokenFault {
    /// The code, 190 as a rule.
    #[serde(default)]
    pub code: i64,
    /// In Meta's words.
    #[serde(default)]
    pub message: String,
}

/// An app that hears of what happens in an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SubscribedApp {
    /// Which app.
    #[serde(rename = "whatsapp_business_api_data")]
    pub app: App,
    /// Where this account's webhooks go, if not to the app's own address. Of the field `messages` alone (Meta: webhook
    /// overrides).
    #[serde(default)]
    pub override_callback_uri: Option<String>,
}

/// Where the webhooks of an account go instead of the app's own address.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct WebhookOverride {
    /// The address.
    #[serde(rename = "override_callback_uri")]
    pub url: String,
    /// What Meta shows when it verifies the address. A secret: `Debug` leaves it out.
    pub verify_token: String,
}

impl fmt::Debug for WebhookOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookOverride").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A Meta app.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct App {
    /// Its id.
    #[serde(default, deserialize_with = "id")]
    pub id: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
}

/// Graph writes ids as strings, and now and then as numbers.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(u64),
    }
    let id: Option<Id> = Option::deserialize(deserializer)?;
    Ok(id.map(|id| match id {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    }))
}

impl Client {
    /// What `token` may do and until when, asked with that token itself.
    ///
    /// The token stands in the address of this call. No error of this crate names an address, and what Meta repeats of the
    /// token in its own words is masked.
    ///
    /// # Errors
    /// [`CallError::Api`] with code 190 where Meta does not even take the question from such a token.
    pub async fn debug_token(&self, token: &Token) -> Result<TokenInfo, CallError> {
        let request = self.get(&["debug_token"], token).query(&[("input_token", token.expose())]);
        match self.call::<Data<TokenInfo>>(request).await {
            Ok(Data { mut data }) => {
                if let Some(fault) = &mut data.error {
                    mask(&mut fault.message, token);
                }
                Ok(data)
            }
            Err(CallError::Api(error)) => Err(CallError::Api(Box::new(masked(*error, token)))),
            Err(other) => Err(other),
        }
    }

    /// The apps that hear of what happens in an account. When there is none, sends go well and no webhook ever comes.
    ///
    /// # Errors
    /// [`CallError::Api`] with a code from 200 to 299 when the token lacks `whatsapp_business_management`.
    pub async fn subscribed_apps(&self, waba_id: &str, token: &Token) -> Result<Vec<SubscribedApp>, CallError> {
        Ok(self.call::<Data<_>>(self.get(&[waba_id, "subscribed_apps"], token)).await?.data)
    }

    /// Has an account tell the token's app of what happens in it, at the app's own address, or by `elsewhere` at another one, which
    /// Meta verifies at once (Meta: webhook overrides).
    ///
    /// # Errors
    /// [`CallError::Api`] with code 100 where the other address does not verify.
    pub async fn subscribe_app(
        &self,
        waba_id: &str,
        token: &Token,
        elsewhere: Option<&WebhookOverride>,
    ) -> Result<(), CallError> {
        let mut request = self.post(waba_id, "subscribed_apps", token);
        if let Some(elsewhere) = elsewhere {
            request = request.json(elsewhere);
        }
        self.change(request, "the app was not subscribed").await
    }

    /// Has an account tell the token's app nothing more. Sends go on as ever, and no webhook comes.
    ///
    /// # Errors
    /// As any call.
    pub async fn unsubscribe_app(&self, waba_id: &str, token: &Token) -> Result<(), CallError> {
        self.change(self.delete(&[waba_id, "subscribed_apps"], token), "the app is still subscribed").await
    }
}

/// Meta repeats a token that it cannot read ("Malformed access token …").
fn masked(mut error: ApiError, token: &Token) -> ApiError {
    mask(&mut error.message, token);
    let texts = [&mut error.details, &mut error.user_title, &mut error.user_message];
    texts.into_iter().flatten().for_each(|text| mask(text, token));
    error
}

fn mask(text: &mut String, token: &Token) {
    *text = text.replace(token.expose(), "***");
}
