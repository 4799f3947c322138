//! Addresses of processes that have to know of each other before they start.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
};

use dawncast_store::{Keyring, records::Secret};

use crate::failure::Failure;

/// Below what the system hands out for connections, on Linux and macOS: while a process is down, no connection may take
/// its port.
const PORTS: Range<u16> = 10_000..32_000;
const TRIES: usize = 100;

/// Where everything listens.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) api: SocketAddr,
    pub(crate) webhook: SocketAddr,
    pub(crate) sim: SocketAddr,
    /// One for each process of the engine.
    pub(crate) metrics: Vec<SocketAddr>,
    /// The first API key.
    pub(crate) key: String,
    /// What the processes seal access tokens under: each has a data folder of its own.
    pub(crate) credentials_key: Secret,
}

impl Addresses {
    /// Free ones, for `engines` processes of the engine. Held together for a moment, so that no two are the same.
    pub(crate) fn free(engines: usize) -> Result<Self, Failure> {
        Self::bind(engines).map_err(|why| Failure::new(format!("no free ports: {why}")))
    }

    fn bind(engines: usize) -> io::Result<Self> {
        let listeners: Vec<_> = (0..3 + engines).map(|_| listener()).collect::<Result<_, _>>()?;
        let free: Vec<_> = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        let key = format!("demo_{:032x}", rand::random::<u128>());
        let credentials_key = Keyring::make_key();
        Ok(Self { api: free[0], webhook: free[1], sim: free[2], metrics: free[3..].to_vec(), key, credentials_key })
    }
}

fn listener() -> io::Result<TcpListener> {
    let mut tries = (0..TRIES).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, rand::random_range(PORTS))));
    tries
        .find(|bound| !matches!(bound, Err(why) if why.kind() == io::ErrorKind::AddrInUse))
        .unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::AddrInUse, "all ports that were tried are taken")))
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics: Vec<_> = self.metrics.iter().map(|address| format!("http://{address}/metrics")).collect();
        writeln!(f, "API        DAWNCAST_URL=http://{} DAWNCAST_KEY={}", self.api, self.key)?;
        writeln!(f, "Simulator  http://{}/_sim/", self.sim)?;
        write!(f, "Metrics    {}", metrics.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_free_distinct_and_never_handed_out_for_connections() {
        let addresses = Addresses::free(3).unwrap();
        let mut all = vec![addresses.api, addresses.webhook, addresses.sim];
        all.extend(&addresses.metrics);
        assert!(all.iter().all(|address| PORTS.contains(&address.port()) && TcpListener::bind(address).is_ok()));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }
}
