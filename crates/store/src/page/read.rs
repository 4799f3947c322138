//! A page for readers: reports, listings, `debug page`.

use dawncast_core::ids::PageRef;
use sha1::{Digest as _, Sha1};

use super::{Header, Ledger, Recipients, TailEntry, layout, tail};
use crate::{Store, StoreError, run::Run};

/// What ledger and tail of a page hash to: it changes with every fact, and never back.
pub(crate) type Digest = String;

/// Headers are read in parts of this many.
const HEADER_BATCH: usize = 512;
/// Pages are hashed in parts of this many.
const DIGEST_BATCH: usize = 32;

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

fn digest(ledger: &[u8], tail: &[u8]) -> Digest {
    let hash = Sha1::new().chain_update(ledger).chain_update(tail).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// Reads a page; none when there is no such page.
    pub async fn page(&self, page: &PageRef) -> Result<Option<StoredPage>, StoreError> {
        Ok(self.page_as_is(page).await?.map(|(page, _)| page))
    }

    /// Reads a page and says by what it can be told from what it becomes.
    pub(crate) async fn page_as_is(&self, page: &PageRef) -> Result<Option<(StoredPage, Digest)>, StoreError> {
        let keys = &self.keys;
        let key = keys.ledger(page);
        let mut read = redis::cmd("MGET");
        read.arg(&key).arg(keys.recipients(page)).arg(keys.tail(page));
        let strings: [Option<Vec<u8>>; 3] = read.query_async(&mut self.admin().await?).await?;
        let [Some(ledger_bytes), Some(recipients), Some(tail)] = strings else { return Ok(None) };
        let stored = Ledger::from_bytes(&ledger_bytes).and_then(|ledger| {
            let base = ledger.header.base;
            let recipients = Recipients::from_bytes(&recipients, base)?;
            let digest = digest(&ledger_bytes, &tail);
            Some((StoredPage { page: page.clone(), recipients, tail: tail::read(&tail, base)?, ledger }, digest))
        });
        let detail = "a page of another version, or torn".to_owned();
        stored.map(Some).ok_or(StoreError::Corrupt { key, detail })
    }

    /// What the pages of a run hash to, in order; none for one that is not there.
    pub(crate) async fn digests(&self, run: &Run) -> Result<Vec<Option<Digest>>, StoreError> {
        let (mut admin, pages) = (self.admin().await?, run.page_refs().collect::<Vec<_>>());
        let mut digests = Vec::with_capacity(pages.len());
        for batch in pages.chunks(DIGEST_BATCH) {
            let mut pipe = redis::pipe();
            for page in batch {
                pipe.mget(&[self.keys.ledger(page), self.keys.tail(page)]);
            }
            let read: Vec<[Option<Vec<u8>>; 2]> = pipe.query_async(&mut admin).await?;
            let hashed = |[ledger, tail]: [Option<Vec<u8>>; 2]| Some(digest(&ledger?, &tail.unwrap_or_default()));
            digests.extend(read.into_iter().map(hashed));
        }
        Ok(digests)
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
