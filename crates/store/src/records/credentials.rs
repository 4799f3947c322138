//! Credentials: the access token of each WhatsApp Business account, which its numbers share, and the tokens that single
//! numbers have of their own. Sealed as soon as they come in, opened where a request is made; never listed.
//!
//! One hash, by place: `waba:ID` or `number:ID`. The place is sealed with the token, so that one copied elsewhere does not
//! open.

use std::collections::HashMap;

use dawncast_core::{
    UnixMs,
    ids::{NumberId, WabaId},
};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::{Number, Secret, to_json};
use crate::{
    Keyring, Locked, Store, StoreError,
    keyring::key_id,
    script::{Script, script},
};

static PUT_CREDENTIAL: Script = script!("put_credential.lua");

const ACCOUNT: &str = "waba:";
const NUMBER: &str = "number:";

/// A token as it is stored.
#[derive(Serialize, Deserialize)]
struct Kept {
    sealed: String,
    set_at: UnixMs,
}

/// The credential of an account, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The account.
    pub waba_id: WabaId,
    /// The key that its token is sealed under.
    pub key_id: String,
    /// When the token was given.
    pub set_at: UnixMs,
    /// Why this process cannot open it.
    pub locked: Option<Locked>,
}

/// Whose token a number sends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// The one that its account's numbers share.
    Account,
    /// One of its own.
    Number,
    /// There is none.
    Nobody,
}

/// What becomes of a number's token when its record is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenChange {
    /// It stays as it is.
    Keep,
    /// This one: the account's if that has none, the number's own if the account has another.
    Give(Secret),
    /// The number sends with its account's.
    UseAccounts,
}

/// Why a number has no token to send with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// Neither the number nor its account has one.
    #[error("there is none: `dawncast credential set {0}` gives its account one")]
    Missing(WabaId),
    /// There is one that does not open.
    #[error("it cannot be opened: {0}")]
    Locked(#[from] Locked),
}

/// What came of sealing everything anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// How many were sealed under another key before.
    pub count: usize,
    /// The places of those that this process cannot open; they stay as they are.
    pub locked: Vec<String>,
}

/// What stands at a place, and what shall.
pub(super) struct Swap {
    pub(super) place: String,
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
}

/// Credentials as they stood at one moment.
pub struct Credentials {
    keyring: Keyring,
    /// By place, as they are stored.
    stored: HashMap<String, Vec<u8>>,
}

fn account_place(waba: &WabaId) -> String {
    format!("{ACCOUNT}{waba}")
}

fn number_place(number: &NumberId) -> String {
    format!("{NUMBER}{number}")
}

/// What is no record of ours is as good as forged: it must keep nobody from the others.
fn kept(stored: &[u8]) -> Result<Kept, Locked> {
    serde_json::from_slice(stored).map_err(|_| Locked::Forged)
}

impl Credentials {
    fn stored(&self, place: &str) -> Vec<u8> {
        self.stored.get(place).cloned().unwrap_or_default()
    }

    /// The token at a place, if there is one.
    fn open(&self, place: &str) -> Option<Result<Secret, Locked>> {
        let stored = self.stored.get(place)?;
        Some(kept(stored).and_then(|kept| self.keyring.open(place, &kept.sealed)))
    }

    fn seal(&self, place: &str, token: &Secret, set_at: UnixMs) -> Result<Vec<u8>, StoreError> {
        Ok(to_json(&Kept { sealed: self.keyring.seal(place, token)?, set_at }).into_bytes())
    }

    /// What is to stand at `place` for `token`: what does already, if it opens to the same.
    fn put(&self, place: &str, token: &Secret, now: UnixMs) -> Result<Vec<u8>, StoreError> {
        match self.open(place) {
            Some(Ok(same)) if same == *token => Ok(self.stored(place)),
            _ => self.seal(place, token, now),
        }
    }

    /// Whose token a number sends with.
    pub fn source(&self, number: &Number) -> TokenSource {
        let has = |place: String| self.stored.contains_key(&place);
        if has(number_place(&number.phone_number_id)) || number.plain_token.is_some() {
            TokenSource::Number
        } else if has(account_place(&number.waba_id)) {
            TokenSource::Account
        } else {
            TokenSource::Nobody
        }
    }

    /// The token that a number sends with: its own, else its account's.
    pub fn token(&self, number: &Number) -> Result<Secret, NoToken> {
        let plain = || number.plain_token.clone().map(Ok);
        let own = self.open(&number_place(&number.phone_number_id)).or_else(plain);
        let token = own.or_else(|| self.open(&account_place(&number.waba_id)));
        Ok(token.ok_or_else(|| NoToken::Missing(number.waba_id.clone()))??)
    }

    /// The credentials of accounts, by account.
    pub fn accounts(&self) -> Vec<Credential> {
        let account = |(place, stored): (&String, &Vec<u8>)| {
            let waba_id = place.strip_prefix(ACCOUNT)?.parse().ok()?;
            let Kept { sealed, set_at } = kept(stored).unwrap_or(Kept { sealed: String::new(), set_at: 0 });
            let locked = self.open(place).and_then(Result::err);
            Some(Credential { waba_id, key_id: key_id(&sealed).to_owned(), set_at, locked })
        };
        let mut accounts: Vec<_> = self.stored.iter().filter_map(account).collect();
        accounts.sort_by(|one, other| one.waba_id.cmp(&other.waba_id));
        accounts
    }

    /// The places of those that do not open, each with the reason.
    pub fn locked(&self) -> Vec<(String, Locked)> {
        let locked = |place: &String| Some((place.clone(), self.open(place)?.err()?));
        let mut all: Vec<_> = self.stored.keys().filter_map(locked).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// What is to be written so that a number has the token that it shall have, at the place of its account and at its
    /// own. None when it shall have its account's, and that has none.
    pub(super) fn swaps(
        &self,
        number: &Number,
        change: &TokenChange,
        now: UnixMs,
    ) -> Result<Option<[Swap; 2]>, StoreError> {
        let (account, own) = (account_place(&number.waba_id), number_place(&number.phone_number_id));
        let (mut new_account, mut new_own) = (self.stored(&account), self.stored(&own));
        match (change, self.open(&account)) {
            (TokenChange::Keep, _) => {}
            (TokenChange::UseAccounts, None) => return Ok(None),
            (TokenChange::UseAccounts, Some(_)) => new_own.clear(),
            (TokenChange::Give(token), None) => {
                new_account = self.seal(&account, token, now)?;
                new_own.clear();
            }
            (TokenChange::Give(token), Some(Ok(same))) if same == *token => new_own.clear(),
            (TokenChange::Give(token), Some(_)) => new_own = self.put(&own, token, now)?,
        }
        let swap = |place: String, new| Swap { old: self.stored(&place), new, place };
        Ok(Some([swap(account, new_account), swap(own, new_own)]))
    }
}

impl Store {
    fn opened(&self, stored: HashMap<String, Vec<u8>>) -> Credentials {
        Credentials { keyring: self.keyring.clone(), stored }
    }

    /// All credentials.
    pub async fn credentials(&self) -> Result<Credentials, StoreError> {
        Ok(self.opened(self.connection().hgetall(self.keys().credentials()).await?))
    }

    /// Those that a number may send with.
    pub(super) async fn credentials_of(&self, number: &Number) -> Result<Credentials, StoreError> {
        let places = [account_place(&number.waba_id), number_place(&number.phone_number_id)];
        let found: Vec<Option<Vec<u8>>> = self.connection().hmget(self.keys().credentials(), &places).await?;
        let stored = places.into_iter().zip(found).filter_map(|(place, stored)| Some((place, stored?)));
        Ok(self.opened(stored.collect()))
    }

    /// The token that a number sends with, or why it has none.
    pub async fn access_token(&self, number: &Number) -> Result<Result<Secret, NoToken>, StoreError> {
        Ok(self.credentials_of(number).await?.token(number))
    }

    /// How often credentials have changed. Who keeps tokens in memory reads them again when it has.
    pub async fn credentials_revision(&self) -> Result<u64, StoreError> {
        let revision: Option<u64> = self.connection().get(self.keys().credentials_revision()).await?;
        Ok(revision.unwrap_or_default())
    }

    /// False when something else stood at its place.
    async fn swap_credential(&self, swap: &Swap) -> Result<bool, StoreError> {
        let mut call = PUT_CREDENTIAL.key(self.keys().credentials());
        call.key(self.keys().credentials_revision()).arg(&swap.place).arg(&swap.old).arg(&swap.new);
        Ok(call.invoke_async(&mut self.connection()).await?)
    }

    /// Sets the token of an account. Its numbers that have none of their own send with it from now on.
    pub async fn set_credential(&self, waba: &WabaId, token: &Secret, now: UnixMs) -> Result<(), StoreError> {
        let place = account_place(waba);
        loop {
            let before = self.credentials().await?;
            let swap = Swap { old: before.stored(&place), new: before.put(&place, token, now)?, place: place.clone() };
            if self.swap_credential(&swap).await? {
                if swap.old != swap.new {
                    self.end_rests(waba, now).await?;
                }
                return Ok(());
            }
        }
    }

    /// Numbers that rest because the account's token was refused are to be tried with the new one.
    async fn end_rests(&self, waba: &WabaId, now: UnixMs) -> Result<(), StoreError> {
        for number in self.numbers().await?.iter().filter(|number| number.waba_id == *waba) {
            self.end_rest(&number.phone_number_id, now).await?;
        }
        Ok(())
    }

    /// Forgets the token of an account; false when there was none.
    pub async fn remove_credential(&self, waba: &WabaId) -> Result<bool, StoreError> {
        let mut pipe = redis::pipe();
        pipe.atomic().hdel(self.keys().credentials(), account_place(waba));
        pipe.incr(self.keys().credentials_revision(), 1).ignore();
        let (removed,): (bool,) = pipe.query_async(&mut self.connection()).await?;
        Ok(removed)
    }

    /// Forgets the token that a number has of its own.
    pub(super) async fn forget_token(&self, number: &NumberId) -> Result<(), StoreError> {
        Ok(self.connection().hdel(self.keys().credentials(), number_place(number)).await?)
    }

    /// Seals under the first key what is sealed under another. What this process cannot open stays as it is.
    pub async fn rekey(&self) -> Result<Rekeyed, StoreError> {
        let mut count = 0;
        loop {
            let before = self.credentials().await?;
            let mut beaten = false;
            for (place, stored) in &before.stored {
                let Some(swap) = before.resealed(place, stored)? else { continue };
                match self.swap_credential(&swap).await? {
                    true => count += 1,
                    // *A token is set while this seals the one before it*: the new one is looked at in the next round.
                    false => beaten = true,
                }
            }
            if !beaten {
                let locked = before.locked().into_iter().map(|(place, _)| place).collect();
                return Ok(Rekeyed { count, locked });
            }
        }
    }
}

impl Credentials {
    /// The same token under the first key; none when it is under that already, or does not open.
    fn resealed(&self, place: &str, stored: &[u8]) -> Result<Option<Swap>, StoreError> {
        let (Ok(kept), Some(Ok(token))) = (kept(stored), self.open(place)) else { return Ok(None) };
        if self.keyring.current() == Some(key_id(&kept.sealed)) {
            return Ok(None);
        }
        let new = self.seal(place, &token, kept.set_at)?;
        Ok(Some(Swap { place: place.to_owned(), old: stored.to_owned(), new }))
    }
}
