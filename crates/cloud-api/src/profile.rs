//! The profile that users see of a number.

use serde::{Deserialize, Serialize};

use crate::{CallError, Client, Token, call::Data};

const FIELDS: &str = "about,address,description,email,profile_picture_url,websites,vertical";
const EDGE: &str = "whatsapp_business_profile";

/// The longest of each text, in characters (Meta: business profiles).
const ABOUT: usize = 139;
const ADDRESS: usize = 256;
const DESCRIPTION: usize = 512;
const EMAIL: usize = 128;
const WEBSITE: usize = 256;
const WEBSITES: usize = 2;

/// A number's profile as users see it (Meta: business profiles). What is not set is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BusinessProfile {
    /// The line below the name, 139 characters at most.
    pub about: Option<String>,
    /// 256 characters at most.
    pub address: Option<String>,
    /// 512 characters at most.
    pub description: Option<String>,
    /// 128 characters at most.
    pub email: Option<String>,
    /// Where the picture is, for some time.
    pub profile_picture_url: Option<String>,
    /// Two at most, of 256 characters each, with `http://` or `https://`.
    pub websites: Vec<String>,
    /// The trade, such as `EDU` or `RETAIL`.
    pub vertical: Option<String>,
}

/// What is to be changed of a profile; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProfileChanges {
    /// As [`BusinessProfile::about`]; it cannot be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// As [`BusinessProfile::address`]; empty takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// As [`BusinessProfile::description`]; empty takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// As [`BusinessProfile::email`]; empty takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The handle of an image, of [`Client::upload_to_app`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_picture_handle: Option<String>,
    /// As [`BusinessProfile::websites`], all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websites: Option<Vec<String>>,
    /// As [`BusinessProfile::vertical`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
}

#[derive(Serialize)]
struct Update<'a> {
    messaging_product: &'static str,
    #[serde(flatten)]
    changes: &'a ProfileChanges,
}

impl ProfileChanges {
    fn check(&self) -> Result<(), CallError> {
        let texts = [
            ("about", &self.about, ABOUT),
            ("address", &self.address, ADDRESS),
            ("description", &self.description, DESCRIPTION),
            ("email", &self.email, EMAIL),
        ];
        for (name, text, most) in texts {
            check_length(name, text.as_deref().unwrap_or_default(), most)?;
        }
        if self.about.as_deref() == Some("") {
            return Err(CallError::Invalid("about cannot be empty".to_owned()));
        }
        let websites = self.websites.as_deref().unwrap_or_default();
        if websites.len() > WEBSITES {
            return Err(CallError::Invalid(format!("a profile has {WEBSITES} websites at most")));
        }
        websites.iter().try_for_each(|website| check_length("a website", website, WEBSITE))
    }
}

fn check_length(name: &str, text: &str, most: usize) -> Result<(), CallError> {
    match text.chars().count() {
        length if length > most => {
            Err(CallError::Invalid(format!("{name} has {length} characters, and Meta takes {most} at most")))
        }
        _ => Ok(()),
    }
}

impl Client {
    /// The profile that users see of a number.
    ///
    /// # Errors
    /// As any call.
    pub async fn profile(&self, phone_number_id: &str, token: &Token) -> Result<BusinessProfile, CallError> {
        let request = self.get(&[phone_number_id, EDGE], token).query(&[("fields", FIELDS)]);
        let Data { data } = self.call::<Data<Vec<BusinessProfile>>>(request).await?;
        Ok(data.into_iter().next().unwrap_or_default())
    }

    /// Changes the profile that users see of a number.
    ///
    /// # Errors
    /// [`CallError::Invalid`], before anything is sent, for a text above its limit.
    pub async fn update_profile(
        &self,
        phone_number_id: &str,
        token: &Token,
        changes: &ProfileChanges,
    ) -> Result<(), CallError> {
        changes.check()?;
        let request = self.post(phone_number_id, EDGE, token).json(&Update { messaging_product: "whatsapp", changes });
        self.change(request, "the profile was not changed").await
    }
}
