//! Takes an upload in: parses it while it is received, writes it, and shows signs of life meanwhile.

use std::{collections::BTreeSet, time::Duration};

use axum::body::{Body, BodyDataStream, Bytes};
use dawncast_core::{UnixMs, numbering::Scrutiny};
use dawncast_store::{
    StoreError,
    records::{Import, ImportWriter},
};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};

use super::{
    csv::CsvParser,
    ndjson::NdjsonParser,
    row::{Row, Unreadable},
};
use crate::state::ApiState;

/// A sign of life is due this often.
const BEAT_MS: UnixMs = 3_000;

/// An upload that sends nothing for this long is given up.
const IDLE: Duration = Duration::from_secs(60);

/// How the upload is written.
pub(super) enum Parser {
    Csv(Box<CsvParser>),
    Ndjson(NdjsonParser),
}

impl Parser {
    /// For uploads of this content type; none when it is not taken.
    pub(super) fn of(content_type: &str, phones: Scrutiny) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" => Some(Self::Csv(Box::new(CsvParser::new(phones)))),
            "application/x-ndjson" => Some(Self::Ndjson(NdjsonParser::new(phones))),
            _ => None,
        }
    }

    fn feed(&mut self, piece: &[u8], rows: &mut Vec<Row>) -> Result<(), Unreadable> {
        match self {
            Self::Csv(parser) => parser.feed(piece, rows),
            Self::Ndjson(parser) => parser.feed(piece, rows),
        }
    }

    fn end(self, rows: &mut Vec<Row>) -> Result<BTreeSet<String>, Unreadable> {
        match self {
            Self::Csv(parser) => parser.end(rows),
            Self::Ndjson(parser) => parser.end(rows),
        }
    }
}

/// Why an import ends before its upload does.
enum Stop {
    /// With this error of the upload.
    Failed(String),
    /// The storage did not take it.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Scratch(_) => Self::Failed(error.to_string()),
            error => Self::Store(error),
        }
    }
}

impl From<Unreadable> for Stop {
    fn from(Unreadable(why): Unreadable) -> Self {
        Self::Failed(why)
    }
}

/// An import under way.
pub(super) struct Intake {
    pub(super) state: ApiState,
    writer: Box<ImportWriter>,
    parser: Parser,
    digest: Sha256,
}

impl Intake {
    pub(super) fn new(state: ApiState, writer: Box<ImportWriter>, parser: Parser) -> Self {
        Self { state, writer, parser, digest: Sha256::new() }
    }

    /// Takes the whole upload in. The import, done or failed, and the SHA-256 of what came.
    pub(super) async fn run(mut self, body: Body) -> Result<(Import, String), StoreError> {
        let received = self.receive(body.into_data_stream()).await;
        let Self { state, mut writer, parser, digest } = self;
        let ended = match received {
            Ok(()) => end(parser, &mut writer).await,
            Err(stop) => Err(stop),
        };
        let import = match ended {
            Ok(columns) => writer.finish(columns, || state.now()).await?,
            Err(Stop::Failed(why)) => writer.fail(&why, state.now()).await?,
            Err(Stop::Store(error)) => return Err(error),
        };
        Ok((import, hex(digest)))
    }

    async fn receive(&mut self, mut stream: BodyDataStream) -> Result<(), Stop> {
        let (mut rows, mut beaten_at) = (Vec::new(), self.state.now());
        while let Some(piece) = self.next_piece(&mut stream).await? {
            self.digest.update(&piece);
            self.parser.feed(&piece, &mut rows)?;
            write(&mut self.writer, &mut rows).await?;
            if self.state.now() - beaten_at >= BEAT_MS {
                self.beat().await?;
                beaten_at = self.state.now();
            }
        }
        Ok(())
    }

    /// The next piece of the upload; beats while there is none.
    async fn next_piece(&mut self, stream: &mut BodyDataStream) -> Result<Option<Bytes>, Stop> {
        let waiting_since = Instant::now();
        loop {
            match timeout(Duration::from_millis(BEAT_MS as u64), stream.next()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(piece))) => return Ok(Some(piece)),
                Ok(Some(Err(_))) => return Err(Stop::Failed("the connection ended before the upload did".to_owned())),
                Err(_) if waiting_since.elapsed() >= IDLE => {
                    return Err(Stop::Failed(format!("nothing came for {} seconds", IDLE.as_secs())));
                }
                Err(_) => self.beat().await?,
            }
        }
    }

    async fn beat(&mut self) -> Result<(), Stop> {
        if self.writer.beat(self.state.now()).await? {
            return Ok(());
        }
        Err(Stop::Failed("the server was silent for too long during the import; try again".to_owned()))
    }
}

/// In hexadecimal.
pub(super) fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn write(writer: &mut ImportWriter, rows: &mut Vec<Row>) -> Result<(), StoreError> {
    for Row { line, recipient } in rows.drain(..) {
        match recipient {
            Ok(recipient) => writer.push(line, recipient).await?,
            Err(reason) => writer.reject(line, reason).await?,
        }
    }
    Ok(())
}

/// Ends the upload; the columns, if it had a row worth taking.
async fn end(parser: Parser, writer: &mut ImportWriter) -> Result<BTreeSet<String>, Stop> {
    let mut rows = Vec::new();
    let columns = parser.end(&mut rows)?;
    write(writer, &mut rows).await?;
    let import = writer.import();
    match (import.accepted, import.rejected) {
        (0, 0) => Err(Stop::Failed("the file has no rows; the audience is unchanged".to_owned())),
        (0, rejected) => Err(Stop::Failed(format!(
            "none of the {rejected} rows can be taken, see the rejects; the audience is unchanged"
        ))),
        _ => Ok(columns),
    }
}

/// The rows of a file that comes in pieces of `size` bytes, or why it cannot be read.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_in_pieces(content_type: &str, file: &[u8], size: usize) -> Result<Vec<Row>, String> {
    let mut parser = Parser::of(content_type, Scrutiny::Valid).expect("it is taken");
    let mut rows = Vec::new();
    for piece in file.chunks(size) {
        parser.feed(piece, &mut rows).map_err(|why| why.0)?;
    }
    parser.end(&mut rows).map_err(|why| why.0)?;
    Ok(rows)
}
