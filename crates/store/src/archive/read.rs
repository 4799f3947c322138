//! Reading archived runs, by the parts of their objects.

use std::{
    io::{BufRead, BufReader},
    sync::Arc,
};

use bytes::Bytes;
use dawncast_core::ids::PageRef;
use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;

use super::{
    Archive, ArchiveError, Archived,
    lines::{DeliveryLine, DroppedLine, End, Index},
};
use crate::{
    Store, StoreError,
    run::{DeliveryRow, DroppedRow, Run, Story},
};

impl Archive {
    fn damaged(&self, at: &Archived, detail: impl ToString) -> ArchiveError {
        ArchiveError::Damaged { url: self.url(&at.object), detail: detail.to_string() }
    }

    /// The lines of a part, or of several one behind the other, or of none.
    fn lines<T: DeserializeOwned>(&self, at: &Archived, part: &Bytes) -> Result<Vec<T>, ArchiveError> {
        if part.is_empty() {
            return Ok(Vec::new());
        }
        let lines = BufReader::new(MultiGzDecoder::new(part.as_ref())).lines();
        let line = |line: std::io::Result<String>| {
            let line = line.map_err(|why| self.damaged(at, why))?;
            serde_json::from_str(&line).map_err(|why| self.damaged(at, why))
        };
        lines.map(line).collect()
    }

    /// Where the parts of an object are.
    pub(super) async fn index(&self, at: &Archived) -> Result<Arc<Index>, ArchiveError> {
        if let Some(index) = self.known_index(&at.object) {
            return Ok(index);
        }
        let index = Arc::new(self.tail(at).await?.0);
        self.keep_index(&at.object, Arc::clone(&index));
        Ok(index)
    }

    /// Index and end.
    async fn tail(&self, at: &Archived) -> Result<(Index, End), ArchiveError> {
        let part = self.range(&at.object, at.index..at.bytes).await?;
        let lines: Vec<serde_json::Value> = self.lines(at, &part)?;
        let [index, end] = <[_; 2]>::try_from(lines).map_err(|_| self.damaged(at, "its end is missing"))?;
        let unlike = |why: serde_json::Error| self.damaged(at, why);
        Ok((serde_json::from_value(index).map_err(unlike)?, serde_json::from_value(end).map_err(unlike)?))
    }

    /// Compares what the archive has with what was written.
    pub(super) async fn see_whole(&self, at: &Archived, index: &Index, end: &End) -> Result<(), ArchiveError> {
        let size = self.size(&at.object).await?;
        if size != at.bytes {
            return Err(self.damaged(at, format!("{} bytes were written, and it has {size}", at.bytes)));
        }
        let (found, found_end) = self.tail(at).await?;
        if (&found, &found_end) != (index, end) {
            return Err(self.damaged(at, "its end is not what was written"));
        }
        Ok(())
    }

    pub(super) async fn page_part(&self, at: &Archived, page: u32) -> Result<Bytes, ArchiveError> {
        let range = self.index(at).await?.page(page as usize);
        let range = range.ok_or_else(|| self.damaged(at, format!("it has no page {page}")))?;
        self.range(&at.object, range).await
    }

    /// The deliveries of a page, each with its attempts.
    pub(super) async fn page(
        &self,
        at: &Archived,
        run: &Run,
        page: u32,
    ) -> Result<Vec<(DeliveryRow, Vec<Story>)>, ArchiveError> {
        let part = self.page_part(at, page).await?;
        self.read_page(at, run, page, &part).await
    }

    /// The same, of the part that holds them.
    pub(super) async fn read_page(
        &self,
        at: &Archived,
        run: &Run,
        page: u32,
        part: &Bytes,
    ) -> Result<Vec<(DeliveryRow, Vec<Story>)>, ArchiveError> {
        let index = self.index(at).await?;
        let lines: Vec<DeliveryLine> = self.lines(at, part)?;
        let of = PageRef { run: run.record.id.clone(), page };
        let read = |(place, line): (usize, DeliveryLine)| line.read(run, &of, place as u16, &index.attributes);
        let rows = lines.into_iter().enumerate().map(read).collect::<Option<_>>();
        rows.ok_or_else(|| self.damaged(at, format!("a phone of page {page} cannot be read")))
    }

    async fn dropped(&self, at: &Archived) -> Result<Vec<DroppedRow>, ArchiveError> {
        let range = self.index(at).await?.dropped();
        let lines: Vec<DroppedLine> = self.lines(at, &self.range(&at.object, range).await?)?;
        let rows = lines.into_iter().map(DroppedLine::read).collect::<Option<_>>();
        rows.ok_or_else(|| self.damaged(at, "a phone of a dropped row cannot be read"))
    }
}

impl Store {
    /// The archive, for a run that is in it or shall be.
    pub(super) fn archive_of(&self, run: &Run) -> Result<&Archive, ArchiveError> {
        let url = || run.archived.as_ref().map(|at| at.url.clone()).unwrap_or_default();
        self.archive.as_ref().ok_or_else(|| ArchiveError::Unset { url: url() })
    }

    /// The deliveries of a page that Redis does not have any more; none when the archive has not either.
    pub(crate) async fn archived_page(
        &self,
        run: &Run,
        page: u32,
    ) -> Result<Option<Vec<(DeliveryRow, Vec<Story>)>>, StoreError> {
        let Some(at) = self.mark_of(run).await? else { return Ok(None) };
        let archive = self.archive_of(run)?;
        match archive.page(&at, run, page).await {
            Err(why) if why.is_missing() => {
                let at = self.mark_instead(run, &at, why).await?;
                Ok(Some(archive.page(&at, run, page).await?))
            }
            read => Ok(Some(read?)),
        }
    }

    /// The dropped rows of a run that Redis does not have any more.
    pub(crate) async fn archived_dropped(&self, run: &Run) -> Result<Vec<DroppedRow>, StoreError> {
        let Some(at) = self.mark_of(run).await? else { return Ok(Vec::new()) };
        let archive = self.archive_of(run)?;
        match archive.dropped(&at).await {
            Err(why) if why.is_missing() => Ok(archive.dropped(&self.mark_instead(run, &at, why).await?).await?),
            read => Ok(read?),
        }
    }

    /// Where a run is in the archive. *A run that is archived while somebody reads it*: whoever has read its record before
    /// that finds its pages gone; so the record is read again.
    async fn mark_of(&self, run: &Run) -> Result<Option<Archived>, StoreError> {
        match &run.archived {
            Some(at) => Ok(Some(at.clone())),
            None => self.mark_now(run).await,
        }
    }

    /// Where it is now that its object is `missing`. *A run that is archived anew while somebody reads it*: the same, of its
    /// object.
    async fn mark_instead(&self, run: &Run, at: &Archived, missing: ArchiveError) -> Result<Archived, StoreError> {
        let elsewhere = self.archive.as_ref().and_then(|archive| archive.is_other_than(&at.url));
        let missing = elsewhere.unwrap_or(missing);
        self.mark_now(run).await?.filter(|now| now != at).ok_or(StoreError::Archive(missing))
    }

    async fn mark_now(&self, run: &Run) -> Result<Option<Archived>, StoreError> {
        Ok(self.run(&run.record.id).await?.and_then(|run| run.archived))
    }
}
