//! Where it was measured: figures compare within one table only.

use std::{fs, process::Command};

use serde::Serialize;

/// See the module.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) system: String,
    pub(super) redis: String,
    /// The cargo profile, told by the folder that the program lies in.
    pub(super) profile: String,
}

impl Machine {
    pub(super) fn look() -> Self {
        let program = std::env::current_exe().ok();
        let folder = program.as_deref().and_then(|program| program.parent()?.file_name());
        let unknown = || "unknown".to_owned();
        Self {
            processor: fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text)).unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            system: output("uname", "-sr").unwrap_or_else(unknown),
            redis: output("redis-server", "--version").as_deref().and_then(version).unwrap_or_else(unknown),
            profile: folder.map_or_else(unknown, |folder| folder.to_string_lossy().into_owned()),
        }
    }
}

fn output(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn version(line: &str) -> Option<String> {
    line.split(' ').find_map(|word| word.strip_prefix("v=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_and_redis_are_named() {
        assert_eq!(model("processor\t: 0\nmodel name\t: A 9 Core\nflags\t: x").as_deref(), Some("A 9 Core"));
        assert_eq!(version("Redis server v=7.0.15 sha=0 bits=64").as_deref(), Some("7.0.15"));
    }
}
