//! `dawncast audience import`: a file, sent while it is read; then what was refused and what is there twice.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Body;
use serde_json::Value;
use tokio::{fs::File, io::AsyncRead, time::sleep};
use tokio_util::{io::ReaderStream, task::AbortOnDropHandle};

use super::Format;
use crate::{
    client::{Api, Remote},
    commands::{cannot_read, listing},
    failure::Failure,
    output::cell,
};

/// How many refused rows, and how many duplicates, are told one by one.
const TOLD: usize = 20;

/// What takes longer than this shows how far it is.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The audience, `aud_…`.
    id: String,
    /// The file; `-` is standard input.
    file: PathBuf,
    /// What becomes of the rows that were there before.
    #[arg(long, default_value = "replace")]
    mode: Mode,
    /// What the file holds; told by the ending of its name unless given.
    #[arg(long)]
    format: Option<Format>,
    /// How closely phone numbers are looked at.
    #[arg(long, default_value = "valid")]
    phones: Phones,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// They go.
    Replace,
    /// Those whose phone is not in the file stay.
    Upsert,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Phones {
    /// Their country has given out numbers that begin so.
    Valid,
    /// Their country exists and has numbers of this length.
    Possible,
}

/// The word of an option, as the API has it too.
fn word(option: impl ValueEnum) -> String {
    option.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

pub(super) async fn import(remote: &Remote, api: &Api, args: Args) -> Result<(), Failure> {
    let Args { id, file, mode, format, phones } = args;
    let format = format.or_else(|| Format::told_by_ending(&file));
    let format = format.ok_or_else(|| Failure::Usage(format!("what does {} hold? Give --format", file.display())))?;
    let (mode, phones) = (word(mode), word(phones));
    let (body, bar) = open(&file).await?;
    let query = [("mode", mode.as_str()), ("phones", phones.as_str())];
    let import = api.upload(&["v1", "audiences", &id, "imports"], &query, format.mime(), body).await?;
    bar.finish();
    let name = file.display().to_string();
    tell_rejects(api, &import, &name).await?;
    tell(api, &import, &name, ("duplicates", "duplicates")).await?;
    if import["state"] == "failed" {
        return Err(Failure::new(format!("{name}: {}; the audience is as it was", cell(&import, "/error"))));
    }
    remote.show(&import, |import| {
        let [rows, accepted, rejected, phones, ids] =
            ["/rows", "/accepted", "/rejected", "/duplicate_phones", "/duplicate_ids"].map(|count| cell(import, count));
        format!(
            "{rows} rows read: {accepted} accepted (of these, {phones} with a phone that came before and {ids} with an id \
             that another phone has), {rejected} rejected."
        )
    });
    Ok(())
}

/// A bar that is drawn on a terminal, and only once the work has taken a while.
pub(super) struct Bar {
    bar: ProgressBar,
    _shown_later: Option<AbortOnDropHandle<()>>,
}

impl Bar {
    /// Of so many bytes; of nobody knows how many.
    pub(super) fn new(size: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::hidden());
        let template = match size {
            Some(_) => "{wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left",
            None => "{spinner} {binary_bytes}, {binary_bytes_per_sec}",
        };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is well-formed"));
        let later = bar.clone();
        let show = async move {
            sleep(SHOWN_AFTER).await;
            later.set_draw_target(ProgressDrawTarget::stderr());
        };
        let shown_later = std::io::stderr().is_terminal().then(|| AbortOnDropHandle::new(tokio::spawn(show)));
        Self { bar, _shown_later: shown_later }
    }

    pub(super) fn add(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    /// Leaves nothing of it on the terminal.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// The file as a body that is read while it is sent, and a bar that shows how far.
async fn open(path: &Path) -> Result<(Body, Bar), Failure> {
    if path.as_os_str() == "-" {
        return Ok(streamed(tokio::io::stdin(), None));
    }
    let file = File::open(path).await.map_err(|why| cannot_read(path, &why))?;
    let size = file.metadata().await.map_err(|why| cannot_read(path, &why))?.len();
    Ok(streamed(file, Some(size)))
}

fn streamed(source: impl AsyncRead + Send + 'static, size: Option<u64>) -> (Body, Bar) {
    let bar = Bar::new(size);
    let source = bar.bar.wrap_async_read(Box::pin(source));
    (Body::wrap_stream(ReaderStream::new(source)), bar)
}

/// Tells refused rows by file and line, as compilers do.
pub(crate) async fn tell_rejects(api: &Api, import: &Value, file: &str) -> Result<(), Failure> {
    tell(api, import, file, ("rejected", "rejects")).await
}

/// Tells the rows of a list, as many as `count` says that there are.
async fn tell(api: &Api, import: &Value, file: &str, (count, list): (&str, &str)) -> Result<(), Failure> {
    let counted = import[count].as_u64().unwrap_or_default();
    if counted == 0 {
        return Ok(());
    }
    let id = import["id"].as_str().unwrap_or_default();
    let page = api.get(&["v1", "imports", id, list], &[("limit", Some(TOLD.to_string()))]).await?;
    let told = listing::items(&page);
    for row in told {
        eprintln!("{file}:{}: {}", row["line"], cell(row, "/reason"));
    }
    let more = counted.saturating_sub(told.len() as u64);
    if more > 0 {
        eprintln!("… and {more} more: GET /v1/imports/{id}/{list}");
    }
    Ok(())
}
