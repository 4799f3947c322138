//! Which Redis server answers. Rule 9, when Redis loses acknowledged writes: another server than before, after a restart or a
//! failover, may know less than the one before it had acknowledged.

use std::fmt;

use dawncast_core::UnixMs;
use redis::InfoDict;

use crate::{Store, StoreError};

/// A server, from its start to its end: the first 8 bytes of its `run_id`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ServerId(pub [u8; 8]);

impl ServerId {
    pub(crate) fn of_run_id(run_id: &str) -> Option<Self> {
        let digits = run_id.get(..16)?;
        u64::from_str_radix(digits, 16).ok().map(|id| Self(id.to_be_bytes()))
    }
}

impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// A server and what it says of its past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// Which one.
    pub id: ServerId,
    /// When it started, rounded up to the second: by then the server before it was gone. None when it was a replica once
    /// and so was up already.
    pub started: Option<UnixMs>,
}

impl Server {
    fn read(info: &InfoDict) -> Option<Self> {
        let id = ServerId::of_run_id(&info.get::<String>("run_id")?)?;
        let was_replica = info.get::<String>("master_replid2")?.bytes().any(|digit| digit != b'0');
        let now_us: i64 = info.get("server_time_usec")?;
        let up_s: i64 = info.get("uptime_in_seconds")?;
        let started = (now_us / 1_000_000 - up_s + 1) * 1_000;
        Some(Self { id, started: (!was_replica).then_some(started) })
    }
}

impl Store {
    /// The server that answers now.
    pub async fn server(&self) -> Result<Server, StoreError> {
        let mut info = redis::cmd("INFO");
        let info: InfoDict = info.arg("server").arg("replication").query_async(&mut self.hot.clone()).await?;
        let why = "this Redis does not tell its run_id and uptime (INFO server, INFO replication); Dawncast needs them";
        Server::read(&info).ok_or_else(|| StoreError::Unfit(why.to_owned()))
    }

    /// Its id alone.
    pub async fn server_id(&self) -> Result<ServerId, StoreError> {
        Ok(self.server().await?.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_run_id() {
        let id = ServerId::of_run_id("00ff2e0a1b2c3d4e5f60718293a4b5c6d7e8f901").unwrap();
        assert_eq!((id.0[1], id.to_string().as_str()), (0xff, "00ff2e0a1b2c3d4e"));
        assert_eq!(ServerId::of_run_id("short"), None);
    }

    fn info(replid2: &str) -> Option<Server> {
        let text = format!(
            "run_id:00ff2e0a1b2c3d4e5f60718293a4b5c6d7e8f901\r\nserver_time_usec:1790000010900000\r\n\
             uptime_in_seconds:4\r\nmaster_replid2:{replid2}\r\n"
        );
        Server::read(&InfoDict::new(&text))
    }

    #[test]
    fn nobody_knows_when_a_former_replica_took_over() {
        assert_eq!(info("0000000000").unwrap().started, Some(1_790_000_007_000));
        assert_eq!(info("00000a0000").unwrap().started, None);
        assert_eq!(Server::read(&InfoDict::new("run_id:00ff2e0a1b2c3d4e5f\r\n")), None);
    }
}
