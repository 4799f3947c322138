//! To whom a message goes.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::check::Checks;
use crate::Personal;

/// To whom a message goes. A text or a [`Personal`] becomes a phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A phone number: full international digits, 7 to 15. Sent as `+` and digits, however it is written here, because
    /// Meta puts the business's own country code before a number without `+`. Spaces, `-`, `(` and `)` may stand in it.
    Phone(Personal),
    /// A business-scoped user id (Meta: business-scoped user IDs): a country's two letters, a dot and up to 128 letters
    /// and digits, as in `US.13491208655302741918`; a parent id has `ENT.` after the country. Takes no authentication
    /// templates (code 131062).
    UserId(Personal),
}

impl<T: Into<Personal>> From<T> for Recipient {
    fn from(phone: T) -> Self {
        Self::Phone(phone.into())
    }
}

impl Recipient {
    pub(super) fn check(&self, checks: &mut Checks) {
        match self {
            Self::Phone(phone) => phone_number(checks, phone.as_str()),
            Self::UserId(id) if !is_user_id(id.as_str()) => {
                let limit = "two capital letters, a dot (and `ENT.` for a parent id) and 1 to 128 letters and digits";
                checks.refuse("recipient", limit, "another text");
            }
            Self::UserId(_) => {}
        }
    }
}

impl Serialize for Recipient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Phone(phone) => map.serialize_entry("to", &international(phone.as_str()))?,
            Self::UserId(id) => map.serialize_entry("recipient", id)?,
        }
        map.end()
    }
}

fn international(phone: &str) -> String {
    let digits = phone.chars().filter(char::is_ascii_digit);
    std::iter::once('+').chain(digits).collect()
}

fn phone_number(checks: &mut Checks, phone: &str) {
    let is_known = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')');
    if !phone.chars().all(is_known) {
        return checks.refuse("to", "digits, `+`, spaces, `-` and brackets alone", "other characters");
    }
    let digits = international(phone);
    checks.count("to", digits.len() - 1, 7..=15, "digit");
    if digits.starts_with("+0") {
        checks.refuse("to", "the country code first", "a leading 0");
    }
}

fn is_user_id(id: &str) -> bool {
    let Some((country, rest)) = id.split_once('.') else { return false };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    is_country && (1..=128).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
