//! What a page's owner does with it: claim, begin, renew, finish. Each names the epoch and the nonce it owns the page
//! under; whoever has been outranked is told so and changes nothing.

use dawncast_core::{UnixMs, desk::Intent, ids::PageRef};
use redis::FromRedisValue;

use super::{Ledger, Recipients};
use crate::{
    Store, StoreError,
    script::{Script, ledger_script},
};

static CLAIM: Script = ledger_script!("claim.lua");
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

/// The answer to a claim.
#[derive(Debug)]
pub enum Claim {
    /// The page is yours.
    Claimed {
        /// What fences it.
        owner: Owner,
        /// Its ledger, nothing in it begun any more.
        ledger: Ledger,
        /// Its deliveries.
        recipients: Recipients,
    },
    /// Nothing is left to do in it: take it out of its lane.
    Finished,
    /// There is no such page: take it out of its lane.
    Foreign,
}

/// Why an owner may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Another owner has the page.
    Outranked,
    /// The page is gone.
    Foreign,
    /// The page bears the finished mark.
    Finished,
    /// The run is paused, its pool is, or everything is stopped.
    Held,
    /// The run, or its window, is not open yet.
    Early,
    /// The deadline has passed.
    Expired,
    /// The run was cancelled.
    Cancelled,
    /// The run is closed, or gone.
    Closed,
}

impl Refusal {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "outranked" => Self::Outranked,
            "foreign" => Self::Foreign,
            "finished" => Self::Finished,
            "held" => Self::Held,
            "early" => Self::Early,
            "expired" => Self::Expired,
            "cancelled" => Self::Cancelled,
            "closed" => Self::Closed,
            _ => return None,
        })
    }
}

/// The answer to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The intents with true are in the journal and may be POSTed; the ledger knows better of the others.
    Granted {
        /// Redis' time of the begin.
        at: UnixMs,
        /// One per intent.
        granted: Vec<bool>,
    },
    /// None may.
    Refused(Refusal),
}

/// The answer to renew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// Still the owner.
    Owned {
        /// Redis' time.
        now: UnixMs,
        /// The page's version: another than before means that the ledger has moved.
        version: u32,
        /// The page bears the finished mark.
        finished: bool,
        /// Why the run lets nothing begin now; none when it does.
        gate: Option<Refusal>,
    },
    /// No longer.
    Lost(Refusal),
}

/// The answer to finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The mark is set.
    Finished,
    /// These deliveries are not settled.
    Unsettled(Vec<u8>),
    /// Another owner has the page, or it is gone.
    Lost(Refusal),
}

/// A script's answer: a word, then fields.
struct Reply<'a> {
    key: &'a str,
    fields: Vec<redis::Value>,
}

impl Reply<'_> {
    fn corrupt(&self) -> StoreError {
        StoreError::Corrupt { key: self.key.to_owned(), detail: "a page of another version, or none".to_owned() }
    }

    fn get<T: FromRedisValue>(&self, at: usize) -> Result<T, StoreError> {
        let field = self.fields.get(at).cloned().ok_or_else(|| self.corrupt())?;
        T::from_redis_value(field).map_err(|_| self.corrupt())
    }

    fn refusal(&self) -> Result<Option<Refusal>, StoreError> {
        Ok(Refusal::from_word(&self.get::<String>(0)?))
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
            .arg(&nonce)
            .invoke_async(&mut hot)
            .await?;
        let reply = Reply { key: &key, fields };
        match reply.refusal()? {
            Some(Refusal::Finished) => return Ok(Claim::Finished),
            Some(_) => return Ok(Claim::Foreign),
            None => {}
        }
        let ledger = Ledger::from_bytes(&reply.get::<Vec<u8>>(3)?).ok_or_else(|| reply.corrupt())?;
        let recipients = Recipients::from_bytes(&reply.get::<Vec<u8>>(4)?, ledger.header.base);
        let owner = Owner { page: page.clone(), epoch: reply.get(1)?, nonce };
        Ok(Claim::Claimed { owner, ledger, recipients: recipients.ok_or_else(|| reply.corrupt())? })
    }

    /// Writes intents, each with the place of the number that will send it, into the journal.
    pub async fn begin(&self, owner: &Owner, intents: &[(Intent, u8)]) -> Result<Begun, StoreError> {
        let (keys, page, mut hot) = (&self.keys, &owner.page, self.hot.clone());
        let packed: Vec<u8> = intents
            .iter()
            .flat_map(|(intent, number)| [intent.index as u8, intent.attempt, intent.expected as u8, *number])
            .collect();
        let key = keys.ledger(page);
        let fields = BEGIN
            .key(&key)
            .key(keys.tail(page))
            .key(keys.tally(&page.run))
            .key(keys.run(&page.run))
            .arg(self.now_argument())
            .arg(owner.epoch)
            .arg(&owner.nonce)
            .arg(packed)
            .invoke_async(&mut hot)
            .await?;
        let reply = Reply { key: &key, fields };
        if let Some(refusal) = reply.refusal()? {
            return Ok(Begun::Refused(refusal));
        }
        let granted = reply.get::<Vec<u8>>(2)?.into_iter().map(|code| code == 1).collect();
        Ok(Begun::Granted { at: reply.get(1)?, granted })
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
