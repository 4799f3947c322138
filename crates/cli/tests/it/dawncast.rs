//! The binary under test.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, Output, Stdio},
};

/// `dawncast` with these arguments, and nothing of the environment that could configure it.
pub(crate) fn dawncast<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dawncast"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"DAWNCAST_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a finished process has said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs it to its end.
pub(crate) fn run(command: &mut Command) -> Said {
    said(command.output().unwrap())
}

/// Runs it to its end with `input` on its standard input.
pub(crate) fn run_with(command: &mut Command, input: &str) -> Said {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    said(child.wait_with_output().unwrap())
}

fn said(output: Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A process that lives as long as this, or until its test dies: its leash is its standard input.
pub(crate) struct Daemon(pub(crate) Child);

impl Daemon {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.arg("--leash").stdin(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // In order first, so that a private Redis goes as well.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Addresses that are free now, no two the same.
pub(crate) fn free<const N: usize>() -> [SocketAddr; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}
