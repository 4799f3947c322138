//! The access token. (App secrets live beside the signature that they make: [`crate::webhook::AppSecret`].)

use std::fmt;

use reqwest::header::HeaderValue;

/// Why a text cannot be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Nothing but white space: perhaps an unset variable or an empty file.
    #[error("the secret is empty: is the variable or file that holds it set?")]
    Empty,
    /// A character that no header can carry, such as a line break in the middle.
    #[error("the secret holds a character that is not printable ASCII: copy it again")]
    NotPrintable,
}

/// Takes white space off both ends (files end with a line break) and refuses what cannot be a secret.
pub(crate) fn clean(text: &str) -> Result<&str, InvalidSecret> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidSecret::Empty);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(InvalidSecret::NotPrintable);
    }
    Ok(text)
}

/// A Graph API access token. `Debug` and `Display` show `***`; cloning is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(HeaderValue);

const BEARER: &str = "Bearer ";

impl Token {
    /// Takes white space off both ends.
    ///
    /// # Errors
    /// When nothing is left, or a character could not travel in a header.
    pub fn new(text: &str) -> Result<Self, InvalidSecret> {
        let mut header = HeaderValue::from_str(&format!("{BEARER}{}", clean(text)?))
            .expect("printable ASCII is a valid header value");
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// The token itself, for storing it. Do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.to_str().expect("built from ASCII")[BEARER.len()..]
    }

    /// The value of the `Authorization` header of resumable uploads, which take it in another form (Meta).
    pub(crate) fn oauth(&self) -> HeaderValue {
        let mut header = HeaderValue::from_str(&format!("OAuth {}", self.expose())).expect("printable ASCII");
        header.set_sensitive(true);
        header
    }

    /// The value of the `Authorization` header.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_prints_itself_but_can_be_stored() {
        let token = Token::new(" EAAG123\n").unwrap();
        assert_eq!(format!("{token} {token:?} {:?}", token.header()), "*** Token(***) Sensitive");
        assert_eq!(token.expose(), "EAAG123");
        assert_eq!(token.header(), "Bearer EAAG123");
    }

    #[test]
    fn an_empty_or_broken_token_is_refused() {
        assert_eq!(Token::new(" \n").unwrap_err(), InvalidSecret::Empty);
        assert_eq!(Token::new("EAAG\n123").unwrap_err(), InvalidSecret::NotPrintable);
    }
}
