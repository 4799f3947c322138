//! A page for readers: reports, listings, `debug page`.

use dawncast_core::ids::PageRef;

use super::{Header, Ledger, Recipients, TailEntry, layout, tail};
use crate::{Store, StoreError};

/// Headers are read in parts of this many.
const HEADER_BATCH: usize = 512;

/// All of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPage {
    /// Which page.
    pub page: PageRef,
    /// Its mutable half.
    pub ledger: Ledger,
    /// Its immutable half.
    pub recipients: Recipients,
    /// Its tail.
    pub tail: Vec<TailEntry>,
}

impl Store {
    /// Reads a page; none when there is no such page.
    pub async fn page(&self, page: &PageRef) -> Result<Option<StoredPage>, StoreError> {
        let keys = &self.keys;
        let key = keys.ledger(page);
        let mut read = redis::cmd("MGET");
        read.arg(&key).arg(keys.recipients(page)).arg(keys.tail(page));
        let strings: [Option<Vec<u8>>; 3] = read.query_async(&mut self.admin().await?).await?;
        let [Some(ledger), Some(recipients), Some(tail)] = strings else { return Ok(None) };
        let stored = Ledger::from_bytes(&ledger).and_then(|ledger| {
            let base = ledger.header.base;
            let recipients = Recipients::from_bytes(&recipients, base)?;
            Some(StoredPage { page: page.clone(), recipients, tail: tail::read(&tail, base)?, ledger })
        });
        let detail = "a page of another version, or torn".to_owned();
        stored.map(Some).ok_or(StoreError::Corrupt { key, detail })
    }

    /// The headers of a run's pages, in order; a page that is not there is left out.
    pub async fn headers(&self, pages: &[PageRef]) -> Result<Vec<(PageRef, Header)>, StoreError> {
        let mut admin = self.admin().await?;
        let mut headers = Vec::with_capacity(pages.len());
        for batch in pages.chunks(HEADER_BATCH) {
            let mut pipe = redis::pipe();
            for page in batch {
                pipe.getrange(self.keys.ledger(page), 0, layout::HEADER as isize - 1);
            }
            let read: Vec<Vec<u8>> = pipe.query_async(&mut admin).await?;
            let known = batch.iter().zip(&read).filter_map(|(page, bytes)| Some((page.clone(), Header::read(bytes)?)));
            headers.extend(known);
        }
        Ok(headers)
    }

    /// A page's ledger alone; none when there is no such page.
    pub async fn ledger(&self, page: &PageRef) -> Result<Option<Ledger>, StoreError> {
        let mut hot = self.hot.clone();
        let key = self.keys.ledger(page);
        let bytes: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query_async(&mut hot).await?;
        let Some(bytes) = bytes else { return Ok(None) };
        let detail = "a ledger of another version, or torn".to_owned();
        Ledger::from_bytes(&bytes).map(Some).ok_or(StoreError::Corrupt { key, detail })
    }
}
