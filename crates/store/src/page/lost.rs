//! Rule 9, when Redis loses acknowledged writes: what may have gone out is marked, and what an owner still knows is told
//! again.

use dawncast_core::{
    UnixMs,
    delivery::page::{Refusal, Settlement},
    desk::Intent,
    image::{Mark, Missing},
};

use super::{
    Ledger, Owner, Recorded,
    facts::{pack, unpack},
    owner::Reply,
};
use crate::{
    Store, StoreError,
    script::{Script, ledger_script, server_script},
};

static SUSPECT: Script = server_script!("suspect.lua", ledger, allow_oom);
static RECALL: Script = ledger_script!("recall.lua", allow_oom);

/// The answer to suspect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    /// The ledger as it is now. The page's owners work on this server.
    Settled(Ledger),
    /// Another owner has the page, or it is gone.
    Lost(Refusal),
}

/// What became of what was told again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// As for any facts.
    pub settlement: Settlement,
    /// The ledger as it is now.
    pub ledger: Ledger,
}

fn pack_marks(marks: &[Mark]) -> Vec<u8> {
    let pack = |mark: &Mark| {
        let mut bytes = vec![mark.index as u8, mark.attempt, mark.number];
        bytes.extend((mark.at as f64).to_le_bytes());
        bytes
    };
    marks.iter().flat_map(pack).collect()
}

impl Store {
    /// Marks attempts that may have gone out: unsure, begun at `at`. From then on the page's owners work on the server
    /// that answers, and its header remembers that there is `doubt` until a moment. An owner that knows all there is to
    /// know names neither.
    pub async fn suspect(
        &self,
        owner: &Owner,
        intents: &[Intent],
        at: UnixMs,
        doubt: Option<UnixMs>,
    ) -> Result<Marked, StoreError> {
        let (keys, page) = (&self.keys, &owner.page);
        let key = keys.ledger(page);
        let packed: Vec<u8> =
            intents.iter().flat_map(|intent| [intent.index as u8, intent.attempt, intent.expected as u8, 0]).collect();
        let mut call = SUSPECT.key(&key);
        call.key(keys.tail(page)).key(keys.tally(&page.run)).arg(owner.epoch).arg(&owner.nonce).arg(at);
        call.arg(doubt.map_or_else(String::new, |until| until.to_string())).arg(packed);
        let reply = Reply { key: &key, fields: self.invoke_durably(&call).await? };
        match reply.refusal()? {
            Some(refusal) => Ok(Marked::Lost(refusal)),
            None => Ok(Marked::Settled(reply.ledger(1)?)),
        }
    }

    /// Tells the ledger what it lacks, whoever owns the page now. None when there is no such page.
    pub async fn recall(&self, owner: &Owner, missing: &Missing) -> Result<Option<Recalled>, StoreError> {
        let (keys, page) = (&self.keys, &owner.page);
        let key = keys.ledger(page);
        let mut call = RECALL.key(&key);
        call.key(keys.tail(page)).key(keys.tally(&page.run)).key(keys.run(&page.run));
        call.arg(self.now_argument()).arg(owner.epoch).arg(&owner.nonce);
        call.arg(pack_marks(&missing.marks)).arg(pack(&missing.facts));
        let reply = Reply { key: &key, fields: self.invoke_durably(&call).await? };
        match unpack(&key, &reply.fields)? {
            Recorded::Foreign => Ok(None),
            Recorded::Settled(settlement) => Ok(Some(Recalled { settlement, ledger: reply.ledger(3)? })),
        }
    }
}
