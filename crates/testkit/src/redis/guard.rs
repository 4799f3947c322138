//! Destructors do not run in a test that is killed, at a time limit or by Ctrl-C.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A shell that outlives the test, sees its standard input close, ends by force whoever has a `*.pid` file in the folder,
/// and removes the folder. Drop it last.
pub(crate) struct Guard(Child);

impl Guard {
    pub(crate) fn over(folder: &Path) -> Self {
        let shell = r#"read _; for f in "$1"/*.pid; do kill -9 "$(cat "$f")"; done; rm -rf "$1""#;
        let guard = Command::new("sh")
            .args(["-c", shell, "guard"])
            .arg(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(guard.unwrap())
    }
}

impl Drop for Guard {
    /// By force, so that it does not act.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
