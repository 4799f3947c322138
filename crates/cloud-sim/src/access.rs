//! Who may do what: the access token with its end and its scopes. To order, by `POST /_sim/token`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::cloud::waba_id;
use crate::error::SimError;

/// The scope that sends: messages and media.
pub(crate) const MESSAGING: &str = "whatsapp_business_messaging";
/// The scope that manages: numbers, templates, subscriptions.
pub(crate) const MANAGEMENT: &str = "whatsapp_business_management";

/// What is ordered of the token; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenOrder {
    /// When it ends, in seconds since 1970; 0 is never.
    pub expires_at: Option<u64>,
    /// What it may do: `whatsapp_business_messaging`, `whatsapp_business_management`.
    pub scopes: Option<Vec<String>>,
    /// The accounts that it may do that for; none named is all.
    pub target_ids: Option<Vec<String>>,
    /// Whether an administrator has taken it back.
    pub revoked: Option<bool>,
}

impl TokenOrder {
    pub(crate) fn check(&self) -> Result<(), SimError> {
        let known = |scope: &String| [MESSAGING, MANAGEMENT].contains(&scope.as_str());
        if self.scopes.iter().flatten().all(known) {
            return Ok(());
        }
        let remedy = format!("give some of {MESSAGING}, {MANAGEMENT}");
        Err(SimError::Order { field: "scopes", remedy })
    }
}

impl From<Grant> for TokenOrder {
    /// The order that brings this grant back.
    fn from(Grant { expires_at, scopes, target_ids, revoked }: Grant) -> Self {
        Self {
            expires_at: Some(expires_at),
            scopes: Some(scopes),
            target_ids: Some(target_ids),
            revoked: Some(revoked),
        }
    }
}

/// The token as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Grant {
    /// In seconds since 1970; 0 is never.
    pub(crate) expires_at: u64,
    pub(crate) scopes: Vec<String>,
    pub(crate) target_ids: Vec<String>,
    pub(crate) revoked: bool,
}

impl Grant {
    /// Everything for all of so many accounts, without end.
    pub(crate) fn whole(wabas: usize) -> Self {
        let scopes = [MANAGEMENT, MESSAGING].map(str::to_owned).into();
        Self { expires_at: 0, scopes, target_ids: (0..wabas).map(waba_id).collect(), revoked: false }
    }

    /// Whether it may do what `scope` allows.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|it| it == scope)
    }

    /// Whether it may see the account.
    pub(crate) fn sees_account(&self, waba: &str) -> bool {
        self.target_ids.is_empty() || self.target_ids.iter().any(|id| id == waba)
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self, now_us: u64) -> bool {
        self.expires_at != 0 && self.expires_at <= now_us / 1_000_000
    }
}

/// The grant of the first app's token. Whole and without end unless ordered otherwise.
pub(crate) struct Access(Mutex<Grant>);

impl Access {
    /// For all of so many accounts.
    pub(crate) fn of(wabas: usize) -> Self {
        Self(Mutex::new(Grant::whole(wabas)))
    }

    fn lock(&self) -> MutexGuard<'_, Grant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn grant(&self) -> Grant {
        self.lock().clone()
    }

    pub(crate) fn order(&self, order: TokenOrder) -> Result<Grant, SimError> {
        order.check()?;
        let TokenOrder { expires_at, scopes, target_ids, revoked } = order;
        let mut grant = self.lock();
        *grant = Grant {
            expires_at: expires_at.unwrap_or(grant.expires_at),
            scopes: scopes.unwrap_or_else(|| grant.scopes.clone()),
            target_ids: target_ids.unwrap_or_else(|| grant.target_ids.clone()),
            revoked: revoked.unwrap_or(grant.revoked),
        };
        Ok(grant.clone())
    }
}
