//! The handshake by which Meta checks that the callback address is ours. It carries no signature.

use serde::Deserialize;
use subtle::ConstantTimeEq;

/// The query of Meta's `GET` to the callback address.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SubscriptionQuery {
    /// `subscribe`.
    #[serde(default, rename = "hub.mode")]
    pub mode: String,
    /// To be echoed.
    #[serde(default, rename = "hub.challenge")]
    pub challenge: String,
    /// The token that was typed into the App Dashboard.
    #[serde(default, rename = "hub.verify_token")]
    pub verify_token: String,
}

/// The challenge, if the query is a subscription with our token. Answer 200 with it as the whole plain-text body, and
/// `None` with 403. An empty `verify_token` of our own admits nobody.
#[must_use]
pub fn verify_subscription<'q>(query: &'q SubscriptionQuery, verify_token: &str) -> Option<&'q str> {
    let known = bool::from(query.verify_token.as_bytes().ct_eq(verify_token.as_bytes()));
    (known && !verify_token.is_empty() && query.mode == "subscribe").then_some(&query.challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, ours: &str, expected: Option<&str>) {
        let query: SubscriptionQuery = serde_json::from_str(json).unwrap();
        assert_eq!(verify_subscription(&query, ours), expected, "{json}");
    }

    #[test]
    fn the_challenge_is_given_back_for_our_token_only() {
        let query = r#"{"hub.mode":"subscribe","hub.challenge":"1158201444","hub.verify_token":"t0ken"}"#;
        check(query, "t0ken", Some("1158201444"));
        check(query, "other", None);
        check(query, "t0ke", None);
    }

    #[test]
    fn an_incomplete_query_or_an_unset_token_opens_nothing() {
        check(r#"{"hub.challenge":"1","hub.verify_token":"t0ken"}"#, "t0ken", None);
        check(r#"{"hub.mode":"subscribe","hub.challenge":"1"}"#, "t0ken", None);
        check(r#"{"hub.mode":"subscribe","hub.challenge":"1","hub.verify_token":""}"#, "", None);
    }
}
