//! Addresses of processes that have to know of each other before they start.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

/// Where everything listens.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    pub(super) api: SocketAddr,
    pub(super) webhook: SocketAddr,
    pub(super) sim: SocketAddr,
    /// The engine's first, then each worker's.
    pub(super) metrics: Vec<SocketAddr>,
    /// The first API key.
    pub(super) key: String,
}

impl Addresses {
    /// Free ones, for an engine and `workers`. Held together for a moment, so that no two are the same.
    pub(super) fn free(workers: usize) -> io::Result<Self> {
        let listeners: Vec<_> =
            (0..4 + workers).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
        let free: Vec<_> = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        let key = format!("demo_{:032x}", rand::random::<u128>());
        Ok(Self { api: free[0], webhook: free[1], sim: free[2], metrics: free[3..].to_vec(), key })
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics: Vec<_> = self.metrics.iter().map(|address| format!("http://{address}/metrics")).collect();
        writeln!(f, "API        DAWNCAST_URL=http://{} DAWNCAST_KEY={}", self.api, self.key)?;
        writeln!(f, "Simulator  http://{}/_sim/ledger", self.sim)?;
        write!(f, "Metrics    {}", metrics.join(" "))
    }
}
