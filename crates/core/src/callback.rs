//! What rides in `biz_opaque_callback_data`, so that a receipt finds its attempt without a message id: the HTTP
//! answer that would have told the id may be lost, or later than the receipt. No personal data.

use std::{fmt, str::FromStr};

use crate::{delivery::Attempt, delivery::MAX_ATTEMPTS, ids::DeliveryId};

/// Deployment, delivery, attempt and epoch: `d1:deployment:run.page.index:attempt:epoch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Which deployment of Dawncast sent it: several may share a webhook.
    pub deployment: String,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt.
    pub attempt: Attempt,
    /// The page's epoch under which the attempt was begun.
    pub epoch: u32,
}

/// Callback data that Dawncast did not write: another system's message, or a later version's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not callback data of this system")]
pub struct ForeignCallback;

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d1:{}:{}:{}:{}", self.deployment, self.delivery, self.attempt, self.epoch)
    }
}

impl FromStr for Callback {
    type Err = ForeignCallback;

    fn from_str(text: &str) -> Result<Self, ForeignCallback> {
        let mut parts = text.split(':');
        let mut next = || parts.next().ok_or(ForeignCallback);
        if next()? != "d1" {
            return Err(ForeignCallback);
        }
        let callback = Self {
            deployment: next()?.to_owned(),
            delivery: next()?.parse().map_err(|_| ForeignCallback)?,
            attempt: next()?.parse().map_err(|_| ForeignCallback)?,
            epoch: next()?.parse().map_err(|_| ForeignCallback)?,
        };
        let known =
            parts.next().is_none() && (1..=MAX_ATTEMPTS).contains(&callback.attempt) && callback.delivery.index < 256;
        if known { Ok(callback) } else { Err(ForeignCallback) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_as_written() {
        let text = "d1:prod:cmp_x-20261123T060000-Asia_Kolkata.12.255:2:7";
        assert_eq!(text.parse::<Callback>().map(|callback| callback.to_string()), Ok(text.to_owned()));
    }

    #[test]
    fn what_others_wrote_is_foreign() {
        for text in [
            "",
            "v1:t42:01J",
            "d1:x:r.0.0:0:1",
            "d1:x:r.0.0:9:1",
            "d1:x:r.0.256:1:1",
            "d1:x:r.0.0:1:1:1",
            "d2:x:r.0.0:1:1",
        ] {
            assert_eq!(text.parse::<Callback>(), Err(ForeignCallback), "{text}");
        }
    }
}
