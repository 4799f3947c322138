//! Users that a number blocks: what they write does not arrive, and nothing can be sent to them.

use serde::Deserialize;
use serde_json::json;

use crate::{CallError, Client, Personal, Token, call::failure, paging::Pages, webhook::ErrorItem};

/// What became of each user that was to be blocked, or no longer (Meta: block users).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockOutcome {
    /// With whom it was done.
    pub done: Vec<BlockedUser>,
    /// With whom it was not.
    pub failed: Vec<BlockFailure>,
}

/// A user that is blocked, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BlockedUser {
    /// As it was asked for; not told in lists.
    #[serde(default)]
    pub input: Option<Personal>,
    /// The WhatsApp id.
    #[serde(default)]
    pub wa_id: Option<Personal>,
}

/// A user with whom it was not done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BlockFailure {
    /// As it was asked for.
    pub input: Personal,
    /// The WhatsApp id, where there is one.
    #[serde(default)]
    pub wa_id: Option<Personal>,
    /// Why, such as a user who did not write in the last 24 hours.
    #[serde(default)]
    pub errors: Vec<ErrorItem>,
}

#[derive(Deserialize)]
struct Answer {
    block_users: Users,
}

#[derive(Deserialize)]
struct Users {
    #[serde(default, alias = "removed_users")]
    added_users: Vec<BlockedUser>,
    #[serde(default)]
    failed_users: Vec<BlockFailure>,
}

const EDGE: &str = "block_users";

impl Client {
    /// Blocks users for a number. Only those can be blocked who wrote to it in the last 24 hours; 64,000 at most (Meta: block
    /// users). Where it is done with some of them only, that is no error: see [`BlockOutcome::failed`].
    ///
    /// # Errors
    /// [`CallError::Api`] with 139101 when the list is full, 139102 while it is changed by another call, 139103 for Meta's own
    /// faults.
    pub async fn block(
        &self,
        phone_number_id: &str,
        token: &Token,
        users: &[Personal],
    ) -> Result<BlockOutcome, CallError> {
        self.change_blocks(self.post(phone_number_id, EDGE, token), users).await
    }

    /// Unblocks users for a number.
    ///
    /// # Errors
    /// As [`Client::block`].
    pub async fn unblock(
        &self,
        phone_number_id: &str,
        token: &Token,
        users: &[Personal],
    ) -> Result<BlockOutcome, CallError> {
        self.change_blocks(self.delete(&[phone_number_id, EDGE], token), users).await
    }

    /// The users that a number blocks, all pages.
    ///
    /// # Errors
    /// As any call; [`CallError::Malformed`] also when paging does not advance.
    pub async fn blocked(&self, phone_number_id: &str, token: &Token) -> Result<Vec<BlockedUser>, CallError> {
        let mut pages = Pages::new();
        loop {
            let asked =
                [("limit", Some("100")), ("after", pages.after())].map(|(name, value)| value.map(|it| (name, it)));
            if !pages.add(self.call(self.get(&[phone_number_id, EDGE], token).query(&asked)).await?)? {
                return Ok(pages.found);
            }
        }
    }

    /// Meta answers 400 when it was done with some of the users only; then the body tells of each.
    async fn change_blocks(
        &self,
        request: reqwest::RequestBuilder,
        users: &[Personal],
    ) -> Result<BlockOutcome, CallError> {
        let users: Vec<_> = users.iter().map(|user| json!({ "user": user })).collect();
        let body = json!({ "messaging_product": "whatsapp", "block_users": users });
        let answer = self.answer(request.json(&body)).await?;
        match serde_json::from_slice::<Answer>(&answer.body) {
            Ok(Answer { block_users: Users { added_users, failed_users } }) if matches!(answer.status, 200 | 400) => {
                Ok(BlockOutcome { done: added_users, failed: failed_users })
            }
            Err(error) if answer.status == 200 => Err(CallError::Malformed(error.to_string())),
            _ => Err(failure(&answer)),
        }
    }
}
