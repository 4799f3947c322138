//! Plan writes pages: create-only, guarded by the run's state and the plan's token.

use dawncast_core::{
    UnixMs,
    campaign::Choice,
    delivery::{Record, Terms},
    ids::{PageRef, RunId},
};

use super::{Header, Ledger, Recipients, tail};
use crate::{
    ServerId, Store, StoreError,
    script::{Script, server_script},
};

static WRITE: Script = server_script!("write.lua");

/// A page as planned.
#[derive(Debug, Clone)]
pub struct NewPage {
    /// Its place in the run.
    pub page: u32,
    /// Its home number's place in the run's table.
    pub home: u16,
    /// Times are kept after this moment.
    pub base: UnixMs,
    /// What the ledger knows of the campaign.
    pub terms: Terms,
    /// Which of the campaign's messages its deliveries get.
    pub message: Choice,
    /// Its deliveries, in the order they go out.
    pub recipients: Recipients,
}

/// What became of a page that plan wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is there now.
    Created,
    /// It was there: another planner of the same plan wrote it, and it is the same.
    Present,
    /// The run no longer waits for this plan.
    Refused,
}

impl NewPage {
    fn ledger(&self) -> Ledger {
        let header = Header {
            finished: false,
            count: self.recipients.rows.len() as u16,
            epoch: 0,
            nonce: [0; 8],
            version: 0,
            terms: self.terms,
            home: self.home,
            base: self.base,
            first_due: self.recipients.rows.first().map_or(self.base, |row| row.due),
            server: ServerId::default(),
            doubt: None,
            message: self.message,
        };
        Ledger { header, records: vec![Record::default(); self.recipients.rows.len()] }
    }
}

impl Store {
    /// Writes a page of the plan that `token` names.
    pub async fn write_page(&self, run: &RunId, token: &str, page: &NewPage) -> Result<Written, StoreError> {
        let at = PageRef { run: run.clone(), page: page.page };
        let (keys, mut hot) = (&self.keys, self.hot.clone());
        let code: i64 = WRITE
            .key(keys.run(run))
            .key(keys.ledger(&at))
            .key(keys.recipients(&at))
            .key(keys.tail(&at))
            .key(keys.tally(run))
            .arg(token)
            .arg(page.ledger().to_bytes())
            .arg(page.recipients.to_bytes(page.base))
            .arg(tail::EMPTY)
            .arg(page.recipients.rows.len())
            .invoke_async(&mut hot)
            .await?;
        Ok(match code {
            1 => Written::Created,
            2 => Written::Present,
            _ => Written::Refused,
        })
    }
}
