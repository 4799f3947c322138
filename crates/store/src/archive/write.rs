//! Writing a run into the archive, page by page in constant memory, and seeing that it is whole.

use std::io::Write;

use dawncast_core::{
    UnixMs,
    ids::PageRef,
    report::{Explained, Report},
};
use flate2::{Compression, write::GzEncoder};
use object_store::buffered::BufWriter;

use super::{
    Archive, ArchiveError, Archived,
    lines::{DeliveryLine, DroppedLine, End, Index, RunLine, put},
    object,
};
use crate::{
    Store, StoreError,
    page::{Digest, StoredPage},
    run::{DroppedRow, Run, rows, story},
};

/// Dropped rows in one part.
const ROWS: usize = 500;

/// A run as it stands in the archive, whole, before its run says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// What the run is to be marked with.
    pub(super) mark: Archived,
    /// The report that stands in it.
    pub(super) report: Report,
    /// What each page was when it was written; none where Redis had none.
    pub(super) digests: Vec<Option<Digest>>,
}

/// An object under way.
struct Object {
    archive: Archive,
    name: String,
    out: BufWriter,
    length: u64,
    index: Index,
    end: End,
}

impl Object {
    fn new(archive: &Archive, name: String) -> Self {
        let (out, end) = (archive.writer(&name), End { deliveries: 0, dropped: 0 });
        Self { archive: archive.clone(), name, out, length: 0, index: Index::default(), end }
    }

    /// Adds lines as a part that can be read alone; how long it is.
    async fn part(&mut self, lines: &[u8]) -> Result<u64, ArchiveError> {
        let mut packer = GzEncoder::new(Vec::with_capacity(lines.len() / 4), Compression::default());
        let packed = packer.write_all(lines).and_then(|()| packer.finish()).expect("a vector takes everything");
        self.packed(packed).await
    }

    async fn packed(&mut self, part: impl Into<bytes::Bytes>) -> Result<u64, ArchiveError> {
        let part = part.into();
        let length = part.len() as u64;
        self.out.put(part).await.map_err(|why| self.archive.away(why))?;
        self.length += length;
        Ok(length)
    }

    async fn head(&mut self, run: &Run, report: &Report) -> Result<(), ArchiveError> {
        let mut lines = Vec::new();
        put(&mut lines, "run", RunLine::from(run));
        put(&mut lines, "report", report);
        self.index.head = self.part(&lines).await?;
        Ok(())
    }

    async fn page(&mut self, run: &Run, page: &StoredPage, now: UnixMs) -> Result<(), ArchiveError> {
        let (names, mut lines) = (&page.recipients.names, Vec::new());
        for (index, row) in rows(run, page, now).enumerate() {
            put(
                &mut lines,
                "delivery",
                DeliveryLine::new(&run.record.spec.message, names, &row, story(run, page, index)),
            );
        }
        self.end.deliveries += page.recipients.rows.len() as u64;
        self.index.attributes.clone_from(names);
        let length = self.part(&lines).await?;
        self.index.pages.push(length);
        Ok(())
    }

    async fn no_page(&mut self) -> Result<(), ArchiveError> {
        let length = self.part(&[]).await?;
        self.index.pages.push(length);
        Ok(())
    }

    /// Takes a page over from an object that is replaced.
    async fn page_of(&mut self, run: &Run, before: &Archived, page: u32) -> Result<(), ArchiveError> {
        let archive = self.archive.clone();
        self.index.attributes.clone_from(&archive.index(before).await?.attributes);
        let part = archive.page_part(before, page).await?;
        self.end.deliveries += archive.read_page(before, run, page, &part).await?.len() as u64;
        let length = self.packed(part).await?;
        self.index.pages.push(length);
        Ok(())
    }

    async fn dropped(&mut self, dropped: Vec<DroppedRow>) -> Result<(), ArchiveError> {
        self.end.dropped = dropped.len() as u64;
        for rows in dropped.chunks(ROWS) {
            let mut lines = Vec::new();
            rows.iter().cloned().for_each(|row| put(&mut lines, "dropped", DroppedLine::from(row)));
            let length = self.part(&lines).await?;
            self.index.dropped.push(length);
        }
        Ok(())
    }

    /// Writes index and end, and sees that all of it is there.
    async fn finish(mut self, now: UnixMs) -> Result<Archived, ArchiveError> {
        let from = self.length;
        let mut lines = Vec::new();
        put(&mut lines, "index", &self.index);
        self.part(&lines).await?;
        lines.clear();
        put(&mut lines, "end", &self.end);
        self.part(&lines).await?;
        tokio::io::AsyncWriteExt::shutdown(&mut self.out).await.map_err(|why| self.archive.away(from_io(why)))?;
        let url = self.archive.url(&self.name);
        let mark = Archived { at: now, url, object: self.name, bytes: self.length, index: from };
        if let Err(why) = self.archive.see_whole(&mark, &self.index, &self.end).await {
            // Nobody will ever name it.
            let _ = self.archive.remove(&mark.object).await;
            return Err(why);
        }
        Ok(mark)
    }
}

/// A writer wraps what its store said.
fn from_io(error: std::io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "archive", source: error.into() }
}

impl Store {
    /// Writes a closed run into the archive and sees that it is whole. None when a receipt has moved it meanwhile: then the
    /// object would tell less than is known.
    pub async fn write_archive(
        &self,
        run: &Run,
        token: u32,
        now: UnixMs,
        explain: impl Fn(u32) -> Explained + Copy,
    ) -> Result<Option<Written>, StoreError> {
        let archive = self.archive_of(run)?;
        // What the pages are is noted before the report is made and looked at again when they are written: so report and
        // deliveries tell of the same moment, though receipts come at any time.
        let digests = self.digests(run).await?;
        let report = self.scanned_report(run, now, explain).await?;
        let name = object::name(run.record.campaign.as_str(), &run.record.id, token);
        let mut object = Object::new(archive, name);
        match self.write_lines(&mut object, run, &report, &digests, now).await {
            Ok(true) => {}
            unfinished => {
                // What cannot be taken back is never seen: the object is not there before it is whole.
                let _ = object.out.abort().await;
                return unfinished.map(|_| None);
            }
        }
        Ok(Some(Written { mark: object.finish(now).await?, report, digests }))
    }

    /// False when a page is not what it was when its digest was taken.
    async fn write_lines(
        &self,
        object: &mut Object,
        run: &Run,
        report: &Report,
        digests: &[Option<Digest>],
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        object.head(run, report).await?;
        for (page, digest) in (0..run.pages).zip(digests) {
            let at = PageRef { run: run.record.id.clone(), page };
            let stored = self.page_as_is(&at).await?;
            if stored.as_ref().map(|(_, digest)| digest) != digest.as_ref() {
                return Ok(false);
            }
            match (stored, &run.archived) {
                (Some((stored, _)), _) => object.page(run, &stored, now).await?,
                (None, Some(before)) => object.page_of(run, before, page).await?,
                // Deleted by hand, as was the way before there was an archive.
                (None, None) => object.no_page().await?,
            }
        }
        object.dropped(self.dropped(&run.record.id).await?).await?;
        Ok(true)
    }
}
