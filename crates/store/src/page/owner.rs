//! What a page's owner does with it: claim, begin, renew, finish. Each names the epoch and the nonce it owns the page
//! under; whoever has been outranked is told so and changes nothing.

use dawncast_core::{
    UnixMs,
    delivery::page::{Begun, Finish, Refusal, Renewal},
    desk::Intent,
    ids::PageRef,
};
use redis::FromRedisValue;

use super::{Ledger, Recipients};
use crate::{
    ServerId, Store, StoreError,
    script::{Script, ledger_script, server_script},
};

static CLAIM: Script = server_script!("claim.lua", ledger);
static BEGIN: Script = ledger_script!("begin.lua");
static RENEW: Script = ledger_script!("renew.lua", allow_oom);
static FINISH: Script = ledger_script!("finish.lua", allow_oom);

/// Who owns a page: what fences it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The page.
    pub page: PageRef,
    /// The fencing token that claim minted.
    pub epoch: u32,
    /// The owner's random mark: tells a repeated claim from another's.
    pub nonce: [u8; 8],
}

/// The server that answered a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedOn {
    /// Which one.
    pub id: ServerId,
    /// The page's owners have worked on another one, and this one may know less: until [`Store::suspect`] has marked what
    /// may have gone out, nothing may be begun.
    pub moved: bool,
    /// Until then the run's deliveries may have gone out though a restored snapshot does not know of it.
    pub doubt_until: Option<UnixMs>,
}

/// The answer to a claim.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "taken apart at once, and nearly every answer is the large one")]
pub enum Claim {
    /// The page is yours.
    Claimed {
        /// What fences it.
        owner: Owner,
        /// Its ledger, nothing in it begun any more.
        ledger: Ledger,
        /// Its deliveries.
        recipients: Recipients,
        /// Where it was claimed.
        server: ClaimedOn,
        /// The deliveries that this very claim found sending: unconfirmed now.
        unconfirmed: Vec<u8>,
    },
    /// Nothing is left to do in it: take it out of its lane.
    Finished,
    /// There is no such page: take it out of its lane.
    Foreign,
    /// A restored snapshot waits for a person's word: nobody owns a page until then.
    Held,
}

/// A script's answer: a word, then fields.
pub(super) struct Reply<'a> {
    pub(super) key: &'a str,
    pub(super) fields: Vec<redis::Value>,
}

impl Reply<'_> {
    pub(super) fn corrupt(&self) -> StoreError {
        StoreError::Corrupt { key: self.key.to_owned(), detail: "a page of another version, or none".to_owned() }
    }

    pub(super) fn get<T: FromRedisValue>(&self, at: usize) -> Result<T, StoreError> {
        let field = self.fields.get(at).cloned().ok_or_else(|| self.corrupt())?;
        T::from_redis_value(field).map_err(|_| self.corrupt())
    }

    pub(super) fn refusal(&self) -> Result<Option<Refusal>, StoreError> {
        Ok(Refusal::from_word(&self.get::<String>(0)?))
    }

    pub(super) fn ledger(&self, at: usize) -> Result<Ledger, StoreError> {
        Ledger::from_bytes(&self.get::<Vec<u8>>(at)?).ok_or_else(|| self.corrupt())
    }

    fn claimed_on(&self) -> Result<ClaimedOn, StoreError> {
        let id = self.get::<Vec<u8>>(5)?.try_into().map_err(|_| self.corrupt())?;
        let doubt_until = self.get::<String>(7)?.parse().ok();
        Ok(ClaimedOn { id: ServerId(id), moved: self.get::<u8>(6)? != 0, doubt_until })
    }
}

impl Store {
    /// Takes a page over under `nonce`: epoch + 1, what was begun becomes unsure, all in one step.
    pub async fn claim(&self, page: &PageRef, nonce: [u8; 8]) -> Result<Claim, StoreError> {
        let (keys, mut hot) = (&self.keys, self.hot.clone());
        let key = keys.ledger(page);
        let fields = CLAIM
            .key(&key)
            .key(keys.recipients(page))
            .key(keys.tail(page))
            .key(keys.tally(&page.run))
            .key(keys.run(&page.run))
            .arg(&nonce)
            .arg(u8::from(self.may_lose()))
            .invoke_async(&mut hot)
            .await?;
        let reply = Reply { key: &key, fields };
        match reply.refusal()? {
            Some(Refusal::Finished) => return Ok(Claim::Finished),
            Some(Refusal::Held) => return Ok(Claim::Held),
            Some(_) => return Ok(Claim::Foreign),
            None => {}
        }
        let ledger = reply.ledger(3)?;
        let recipients = Recipients::from_bytes(&reply.get::<Vec<u8>>(4)?, ledger.header.base);
        let owner = Owner { page: page.clone(), epoch: reply.get(1)?, nonce };
        let recipients = recipients.ok_or_else(|| reply.corrupt())?;
        let unconfirmed = reply.get(8)?;
        Ok(Claim::Claimed { owner, ledger, recipients, server: reply.claimed_on()?, unconfirmed })
    }

    /// Writes intents, each with the place of the number that will send it, into the journal.
    pub async fn begin(&self, owner: &Owner, intents: &[(Intent, u8)]) -> Result<Begun, StoreError> {
        let (keys, page) = (&self.keys, &owner.page);
        let packed: Vec<u8> = intents
            .iter()
            .flat_map(|(intent, number)| [intent.index as u8, intent.attempt, intent.expected as u8, *number])
            .collect();
        let key = keys.ledger(page);
        let mut call = BEGIN.prepare_invoke();
        call.key(&key)
            .key(keys.tail(page))
            .key(keys.tally(&page.run))
            .key(keys.run(&page.run))
            .arg(self.now_argument())
            .arg(owner.epoch)
            .arg(&owner.nonce)
            .arg(packed);
        let fields = self.invoke_durably(&call).await?;
        let reply = Reply { key: &key, fields };
        if let Some(refusal) = reply.refusal()? {
            return Ok(Begun::Refused(refusal));
        }
        let granted = reply.get::<Vec<u8>>(2)?.into_iter().map(|code| code == 1).collect();
        Ok(Begun::Granted { at: reply.get(1)?, granted, list: reply.get(3)? })
    }

    /// Looks after a page: still mine, has the ledger moved, does the run still send?
    pub async fn renew(&self, owner: &Owner) -> Result<Renewal, StoreError> {
        let (keys, page, mut hot) = (&self.keys, &owner.page, self.hot.clone());
        let key = keys.ledger(page);
        let fields = RENEW
            .key(&key)
            .key(keys.run(&page.run))
            .arg(self.now_argument())
            .arg(owner.epoch)
            .arg(&owner.nonce)
            .invoke_async(&mut hot)
            .await?;
        let reply = Reply { key: &key, fields };
        if let Some(refusal) = reply.refusal()? {
            return Ok(Renewal::Lost(refusal));
        }
        Ok(Renewal::Owned {
            now: reply.get(1)?,
            version: reply.get(2)?,
            finished: reply.get::<u8>(3)? != 0,
            gate: Refusal::from_word(&reply.get::<String>(4)?),
        })
    }

    /// Sets the page's finished mark, unless the ledger knows of something unsettled. `left` are the unconfirmed
    /// deliveries that the policy leaves so.
    pub async fn finish(&self, owner: &Owner, left: &[u8]) -> Result<Finish, StoreError> {
        let (keys, page, mut hot) = (&self.keys, &owner.page, self.hot.clone());
        let key = keys.ledger(page);
        let fields = FINISH
            .key(&key)
            .key(keys.tail(page))
            .key(keys.run(&page.run))
            .arg(self.now_argument())
            .arg(owner.epoch)
            .arg(&owner.nonce)
            .arg(left)
            .invoke_async(&mut hot)
            .await?;
        let reply = Reply { key: &key, fields };
        if reply.get::<String>(0)? == "unsettled" {
            return Ok(Finish::Unsettled(reply.get(1)?));
        }
        Ok(match reply.refusal()? {
            Some(Refusal::Finished) => Finish::Finished,
            Some(refusal) => Finish::Lost(refusal),
            None => return Err(reply.corrupt()),
        })
    }
}
