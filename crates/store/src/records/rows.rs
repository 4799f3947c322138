//! The rows of an audience: recipients, in compressed chunks that are written once and read one by one, so that an
//! audience of any size passes through constant memory.

use std::{
    collections::BTreeMap,
    fmt,
    io::{Read, Write},
};

use dawncast_core::{ids::AudienceId, render::Attributes};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::AudienceVersion;
use crate::{
    Store, StoreError,
    script::{Script, script},
};

/// Rows in a chunk, at most: about 100 kB of JSON, some 15 kB stored.
pub const CHUNK_ROWS: usize = 500;

/// How long rows stay for a reader that does not read on, in seconds.
const READ_WITHIN_S: u64 = 120;

static READ_VERSION: Script = script!("read_version.lua");

/// The first byte of every chunk.
const FORMAT: u8 = 1;

/// One row of an audience.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The phone number in E.164, as digits.
    pub phone: u64,
    /// The caller's own id of the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The tier that decides who goes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The recipient's own time zone, an IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What the recipient agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// WhatsApp's business-scoped user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Every other column, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// What a message can use of a row.
impl Attributes for Recipient {
    fn get(&self, name: &str) -> Option<&str> {
        self.value(name)
    }
}

impl Recipient {
    /// The value of a column that a message or a segment can name.
    pub fn value(&self, column: &str) -> Option<&str> {
        match column {
            "id" => self.id.as_deref(),
            "tier" => self.tier.as_deref(),
            _ => self.attributes.get(column).map(String::as_str),
        }
    }
}

/// Attributes and phone are personal: they are left out.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient").field("id", &self.id).field("tier", &self.tier).finish_non_exhaustive()
    }
}

/// Packs rows as JSON lines, deflated.
pub(super) fn pack(rows: &[Recipient]) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(vec![FORMAT], Compression::fast());
    for row in rows {
        serde_json::to_writer(&mut deflate, row).expect("a vector takes everything");
        deflate.write_all(b"\n").expect("a vector takes everything");
    }
    deflate.finish().expect("a vector takes everything")
}

/// Unpacks a chunk; the text says what is wrong with it.
fn unpack(chunk: &[u8]) -> Result<Vec<Recipient>, String> {
    let Some((&FORMAT, packed)) = chunk.split_first() else {
        return Err(format!("format {:?} where {FORMAT} was expected", chunk.first()));
    };
    let mut lines = Vec::new();
    DeflateDecoder::new(packed).read_to_end(&mut lines).map_err(|error| error.to_string())?;
    serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

/// Reads one version of an audience chunk by chunk.
#[derive(Clone)]
pub struct RowReader {
    store: Store,
    key: String,
    /// The mark of its readers, when no run holds the version.
    mark: Option<String>,
    next: u32,
    chunks: u32,
}

impl RowReader {
    /// The next rows, at most [`CHUNK_ROWS`]; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Recipient>>, StoreError> {
        if self.next == self.chunks {
            return Ok(None);
        }
        let corrupt = |detail| StoreError::Corrupt { key: self.key.clone(), detail };
        self.read_on().await?;
        let chunk: Option<Vec<u8>> = self.store.connection().hget(&self.key, self.next).await?;
        let chunk = chunk.ok_or_else(|| corrupt(format!("chunk {} of {} is missing", self.next, self.chunks)))?;
        let rows = unpack(&chunk).map_err(|detail| corrupt(format!("chunk {}: {detail}", self.next)))?;
        self.next += 1;
        Ok(Some(rows))
    }

    /// Keeps the rows from going while they are read, also those that another version has taken the place of meanwhile.
    async fn read_on(&self) -> Result<(), StoreError> {
        let Some(mark) = &self.mark else { return Ok(()) };
        let mut pipe = redis::pipe();
        pipe.set_ex(mark, READ_WITHIN_S, READ_WITHIN_S).ignore();
        // Only what has an end gets a later one: the current version has none.
        pipe.cmd("EXPIRE").arg(&self.key).arg(READ_WITHIN_S).arg("XX").ignore();
        Ok(pipe.query_async(&mut self.store.connection()).await?)
    }
}

impl Store {
    /// A reader of `version` from its first row. Pin the version first, or it may vanish meanwhile.
    pub fn rows(&self, audience: &AudienceId, version: &AudienceVersion) -> RowReader {
        let key = self.keys().audience_rows(audience, version.version);
        RowReader { store: self.clone(), key, mark: None, next: 0, chunks: version.chunks }
    }

    /// The current version and a reader of its rows, which stay until a minute or two after the reader has last looked;
    /// `None` before the first import.
    pub async fn read_audience(&self, id: &AudienceId) -> Result<Option<(AudienceVersion, RowReader)>, StoreError> {
        loop {
            let Some(version) = self.audience_version(id).await? else { return Ok(None) };
            let mark = self.keys().audience_reading(id, version.version);
            let mut call = READ_VERSION.key(self.keys().audience_state(id));
            call.key(&mark).arg(version.version).arg(READ_WITHIN_S);
            // An import may have made another version current since.
            if call.invoke_async(&mut self.connection()).await? {
                let reader = RowReader { mark: Some(mark), ..self.rows(id, &version) };
                return Ok(Some((version, reader)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(phone: u64) -> Recipient {
        let attributes = BTreeMap::from([("first_name".to_owned(), "Asha\n\"x\"".to_owned())]);
        let id = Some(phone.to_string());
        Recipient { phone, id, tier: None, timezone: None, consent: None, user_id: None, attributes }
    }

    #[test]
    fn a_chunk_reads_back_as_written() {
        let rows: Vec<Recipient> = (0..500).map(|n| row(919_900_000_000 + n)).collect();
        let chunk = pack(&rows);
        assert!(chunk.len() < 15_000, "{} bytes", chunk.len());
        assert!(unpack(&chunk) == Ok(rows));
    }

    #[test]
    fn a_damaged_chunk_is_an_error_and_no_panic() {
        let chunk = pack(&[row(1)]);
        assert!(unpack(&[]).is_err());
        assert!(unpack(&[9, 1, 2]).is_err_and(|detail| detail.contains("format")));
        assert!(unpack(&chunk[..chunk.len() / 2]).is_err());
    }

    #[test]
    fn a_recipient_prints_neither_phone_nor_attributes() {
        let printed = format!("{:?}", Recipient { id: None, ..row(919_900_000_000) });
        assert!(!printed.contains("9199") && !printed.contains("Asha"), "{printed}");
    }
}
