//! Notes the revision that is built: `DAWNCAST_REVISION` where that is set, else what Git says, else `unknown`.

use std::{env, path::Path, process::Command};

/// Git writes a line here whenever another revision is checked out or made.
const HEAD_LOG: &str = "../../.git/logs/HEAD";

fn main() {
    println!("cargo::rerun-if-env-changed=DAWNCAST_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    if Path::new(HEAD_LOG).exists() {
        println!("cargo::rerun-if-changed={HEAD_LOG}");
    }
    let revision = env::var("DAWNCAST_REVISION").ok().or_else(git).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=DAWNCAST_REVISION={revision}");
}

fn git() -> Option<String> {
    let said = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let revision = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    (said.status.success() && !revision.is_empty()).then_some(revision)
}
