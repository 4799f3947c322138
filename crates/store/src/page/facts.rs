//! Commit and receipt: the two ways by which facts reach a page. Rule 2, a verdict is a fact: neither is fenced. Rule 6,
//! repeat is harmless: either may run twice.

use dawncast_core::{
    delivery::{
        Applied, Standing,
        page::{AttemptFact, Settlement, Transition},
    },
    ids::PageRef,
};
use redis::FromRedisValue;

use super::{Owner, tail::pack_message_id};
use crate::{
    Store, StoreError,
    script::{Script, ledger_script},
};

static COMMIT: Script = ledger_script!("commit.lua", allow_oom);
static RECEIPT: Script = ledger_script!("receipt.lua", allow_oom);

/// The page's answer to facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// They are in the ledger.
    Settled(Settlement),
    /// There is no such page: another system's message, or an archived run.
    Foreign,
}

pub(super) fn pack(facts: &[AttemptFact]) -> Vec<u8> {
    let mut out = Vec::with_capacity(70 * facts.len());
    for AttemptFact { index, fact, message_id } in facts {
        out.extend([*index, fact.attempt, fact.outcome as u8, u8::from(fact.throttled)]);
        out.extend(fact.code.to_le_bytes());
        out.extend((fact.at as f64).to_le_bytes());
        let id = message_id.as_deref().map(pack_message_id).unwrap_or_default();
        out.push(id.len() as u8);
        out.extend(id);
    }
    out
}

pub(super) fn unpack(key: &str, reply: &[redis::Value]) -> Result<Recorded, StoreError> {
    let corrupt = || StoreError::Corrupt { key: key.to_owned(), detail: "an answer of the wrong shape".to_owned() };
    let word = |at: usize| reply.get(at).cloned().ok_or_else(corrupt);
    if String::from_redis_value(word(0)?).map_err(|_| corrupt())? == "foreign" {
        return Ok(Recorded::Foreign);
    }
    let codes = Vec::<u8>::from_redis_value(word(1)?).map_err(|_| corrupt())?;
    let reopened = i64::from_redis_value(word(2)?).map_err(|_| corrupt())? == 1;
    let transition = |codes: &[u8]| {
        Some(Transition {
            applied: Applied::from_code(codes[0])?,
            before: Standing::from_code(codes[1])?,
            after: Standing::from_code(codes[2])?,
        })
    };
    let transitions = codes.chunks_exact(3).map(transition).collect::<Option<_>>().ok_or_else(corrupt)?;
    Ok(Recorded::Settled(Settlement { transitions, reopened }))
}

impl Store {
    /// Records verdicts of `owner`'s attempts, also when the page has another owner by now.
    pub async fn commit(&self, owner: &Owner, facts: &[AttemptFact]) -> Result<Recorded, StoreError> {
        let (keys, page) = (&self.keys, &owner.page);
        let ledger = keys.ledger(page);
        let mut call = COMMIT.prepare_invoke();
        call.key(&ledger)
            .key(keys.tail(page))
            .key(keys.tally(&page.run))
            .key(keys.run(&page.run))
            .arg(self.now_argument())
            .arg(owner.epoch)
            .arg(&owner.nonce)
            .arg(pack(facts));
        let reply: Vec<redis::Value> = self.invoke_durably(&call).await?;
        unpack(&ledger, &reply)
    }

    /// Records what status webhooks told of a page's attempts.
    pub async fn receipt(&self, page: &PageRef, facts: &[AttemptFact]) -> Result<Recorded, StoreError> {
        let keys = &self.keys;
        let ledger = keys.ledger(page);
        let mut call = RECEIPT.prepare_invoke();
        call.key(&ledger)
            .key(keys.tail(page))
            .key(keys.tally(&page.run))
            .key(keys.run(&page.run))
            .arg(self.now_argument())
            .arg(pack(facts));
        let reply: Vec<redis::Value> = self.invoke_durably(&call).await?;
        unpack(&ledger, &reply)
    }
}
