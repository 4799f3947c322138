//! `dawncast audience export`: the rows, to a file or to standard output.

use std::path::{Path, PathBuf};

use reqwest::Response;
use serde_json::json;
use tokio::{
    fs::File,
    io::{AsyncWrite, AsyncWriteExt},
};

use super::{Format, import::Bar};
use crate::{
    client::{Api, Remote},
    failure::Failure,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The audience, `aud_…`.
    id: String,
    /// The file to write; `-` is standard output.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// What to write; told by the ending of the file's name unless given, else CSV.
    #[arg(long)]
    format: Option<Format>,
}

pub(super) async fn export(remote: &Remote, api: &Api, args: Args) -> Result<(), Failure> {
    let Args { id, file, format } = args;
    let to_output = file.as_os_str() == "-";
    // Machines that read the rows themselves read JSON.
    let usual = if to_output && remote.json { Format::Ndjson } else { Format::Csv };
    let format = format.or_else(|| Format::told_by_ending(&file)).unwrap_or(usual);
    let rows = api.get_rows(&["v1", "audiences", &id, "export"], &[], format.mime()).await?;
    if to_output {
        return copy(rows, tokio::io::stdout(), Path::new("standard output"), None).await.map(drop);
    }
    let cannot = |why| cannot_write(&file, &why);
    // Beside the file, so that one that is there is replaced by a whole one or not at all.
    let mut part = file.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let target = File::create(&part).await.map_err(|why| cannot_write(&part, &why))?;
    let written = copy(rows, target, &part, Some(Bar::new(None))).await;
    let Ok(bytes) = written else {
        // What is left of it helps nobody.
        let _ = tokio::fs::remove_file(&part).await;
        return written.map(drop);
    };
    tokio::fs::rename(&part, &file).await.map_err(cannot)?;
    let done = json!({ "audience": id, "file": file.display().to_string(), "bytes": bytes });
    remote.show(&done, |_| format!("Wrote {bytes} bytes to {}.", file.display()));
    Ok(())
}

/// Copies what comes; how many bytes it was.
async fn copy(
    mut rows: Response,
    mut target: impl AsyncWrite + Unpin,
    name: &Path,
    bar: Option<Bar>,
) -> Result<u64, Failure> {
    let broke_off = |why| Failure::new(format!("the export broke off: {why}. Try again"));
    let mut bytes = 0;
    while let Some(piece) = rows.chunk().await.map_err(broke_off)? {
        target.write_all(&piece).await.map_err(|why| cannot_write(name, &why))?;
        bytes += piece.len() as u64;
        if let Some(bar) = &bar {
            bar.add(piece.len());
        }
    }
    target.flush().await.map_err(|why| cannot_write(name, &why))?;
    if let Some(bar) = bar {
        bar.finish();
    }
    Ok(bytes)
}

fn cannot_write(path: &Path, why: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {why}", path.display()))
}
