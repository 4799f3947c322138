//! `dawncast asset`: media files that messages carry.

use std::{fs, path::PathBuf};

use clap::Subcommand;
use serde_json::Value;

use super::{
    cannot_read,
    listing::{self, Paging},
};
use crate::{
    client::Remote,
    failure::Failure,
    output::{cell, utc_cell},
};

/// Media types by the ending of a file's name (Meta: supported media types).
const TYPES: [(&str, &str); 17] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("mp4", "video/mp4"),
    ("3gp", "video/3gpp"),
    ("aac", "audio/aac"),
    ("amr", "audio/amr"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("doc", "application/msword"),
    ("xls", "application/vnd.ms-excel"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

/// Assets: media files that messages carry.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Upload a file once; the engine puts it on every number that needs it.
    Add {
        /// The file.
        file: PathBuf,
        /// What campaigns call it; the file's name without its ending unless given.
        #[arg(long)]
        name: Option<String>,
        /// Its media type, such as image/png; told by the ending of its name unless given.
        #[arg(long = "type", value_name = "TYPE")]
        mime: Option<String>,
    },
    /// List assets, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    match args.action {
        Action::Add { file, name, mime } => {
            let mime = mime.or_else(|| told_by_ending(&file)).ok_or_else(|| {
                Failure::Usage(format!("the media type of {} is not known; give it by --type", file.display()))
            })?;
            let stem = || file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let name = name.or_else(stem).unwrap_or_default();
            let bytes = fs::read(&file).map_err(|why| cannot_read(&file, &why))?;
            let asset = api.upload(&["v1", "assets"], &[("name", &name)], &mime, bytes).await?;
            remote.show(&asset, |asset| {
                format!("Asset {} `{}`: {}, {} bytes", cell(asset, "/id"), name, mime, cell(asset, "/size"))
            });
            Ok(())
        }
        Action::List { paging } => {
            let table = (["ID", "NAME", "TYPE", "BYTES", "CREATED"], "There are no assets.");
            let cells = |asset: &Value| {
                let [id, name, mime, size] = ["/id", "/name", "/mime", "/size"].map(|field| cell(asset, field));
                [id, name, mime, size, utc_cell(asset, "/created_at")]
            };
            listing::show(remote, &api, &["v1", "assets"], &paging.query(), table, cells).await
        }
    }
}

fn told_by_ending(file: &std::path::Path) -> Option<String> {
    let ending = file.extension()?.to_str()?.to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == ending).map(|(_, mime)| (*mime).to_owned())
}
