//! Lanes: the pages of one pool and priority, ordered by due time. A leased page stays in its lane, due again when its
//! lease ends: that is all the recovery there is, and all that is needed.

use std::time::Duration;

use dawncast_core::{
    UnixMs,
    campaign::Priority,
    ids::{PageRef, PoolId},
};

use crate::{
    Store, StoreError,
    script::{Script, script},
};

static LEASE: Script = script!("lease.lua");
static PUT: Script = script!("put.lua");
static HOLD: Script = script!("hold.lua", allow_oom);

/// Pages are put in parts of this many.
const PUT_BATCH: usize = 256;

/// Which lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The pool.
    pub pool: PoolId,
    /// The priority.
    pub priority: Priority,
}

/// A page leased from its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// Where from.
    pub lane: Lane,
    /// Which page.
    pub page: PageRef,
    /// Proves the lease to the lane.
    pub token: String,
}

/// What happens to a page that is in its lane already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It keeps its place: open and reconcile.
    Keep,
    /// Unless it is leased it moves forward: a receipt made it wait again.
    Hurry,
}

/// What lease found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Redis' time.
    pub now: UnixMs,
    /// When the next page of the lane is due.
    pub next_due: Option<UnixMs>,
    /// The pages, most urgent first.
    pub pages: Vec<Leased>,
}

/// A lane's load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneLoad {
    /// How many pages it holds, leased ones included.
    pub pages: u64,
    /// For how long its most urgent free page has been due; zero when none is.
    pub oldest_due_age_ms: i64,
}

enum Hold {
    Renew(Duration),
    Release(UnixMs),
    Remove,
}

impl Store {
    /// Leases up to `limit` due pages under `token`, which is random and new for each call. When the reply is lost,
    /// nobody works on the pages until the lease ends: that is all it costs.
    pub async fn lease(&self, lane: &Lane, limit: usize, lease: Duration, token: &str) -> Result<Lease, StoreError> {
        let mut hot = self.hot.clone();
        let mut reply: Vec<String> = LEASE
            .key(self.keys.lane(&lane.pool, lane.priority))
            .key(self.keys.lane_tokens(&lane.pool, lane.priority))
            .arg(self.now_argument())
            .arg(limit)
            .arg(lease.as_millis() as u64)
            .arg(token)
            .invoke_async(&mut hot)
            .await?;
        let pages = reply.split_off(2.min(reply.len()));
        let moment = |at: usize| reply.get(at).and_then(|text| text.parse::<f64>().ok()).map(|ms| ms as UnixMs);
        let leased =
            |page: String| Some(Leased { lane: lane.clone(), page: page.parse().ok()?, token: token.to_owned() });
        Ok(Lease {
            now: moment(0).unwrap_or_default(),
            next_due: moment(1),
            pages: pages.into_iter().filter_map(leased).collect(),
        })
    }

    /// Puts pages into their lane, each with when it should be leased; answers how many were not there. Harmless to
    /// repeat.
    pub async fn put_pages(&self, lane: &Lane, put: Put, pages: &[(PageRef, UnixMs)]) -> Result<u64, StoreError> {
        let mut hot = self.hot.clone();
        let mut added = 0;
        for batch in pages.chunks(PUT_BATCH) {
            let mut call = PUT.key(self.keys.lane(&lane.pool, lane.priority));
            call.key(self.keys.lane_tokens(&lane.pool, lane.priority));
            call.arg(match put {
                Put::Keep => "keep",
                Put::Hurry => "hurry",
            });
            for (page, due) in batch {
                call.arg(*due).arg(page.to_string());
            }
            added += call.invoke_async::<u64>(&mut hot).await?;
        }
        Ok(added)
    }

    async fn hold(&self, leased: &Leased, hold: Hold) -> Result<bool, StoreError> {
        let mut hot = self.hot.clone();
        let (word, value) = match hold {
            Hold::Renew(lease) => ("renew", lease.as_millis() as i64),
            Hold::Release(due) => ("release", due),
            Hold::Remove => ("remove", 0),
        };
        let held: i64 = HOLD
            .key(self.keys.lane(&leased.lane.pool, leased.lane.priority))
            .key(self.keys.lane_tokens(&leased.lane.pool, leased.lane.priority))
            .arg(leased.page.to_string())
            .arg(&leased.token)
            .arg(word)
            .arg(self.now_argument())
            .arg(value)
            .invoke_async(&mut hot)
            .await?;
        Ok(held == 1)
    }

    /// Prolongs a lease; false when it is no longer held.
    pub async fn renew_lease(&self, leased: &Leased, lease: Duration) -> Result<bool, StoreError> {
        self.hold(leased, Hold::Renew(lease)).await
    }

    /// Gives a page back, to be leased again at `due`; false when the lease is no longer held, as after a first try
    /// whose reply was lost.
    pub async fn release_lease(&self, leased: &Leased, due: UnixMs) -> Result<bool, StoreError> {
        self.hold(leased, Hold::Release(due)).await
    }

    /// Takes a finished page out of its lane; false as for [`Store::release_lease`].
    pub async fn end_lease(&self, leased: &Leased) -> Result<bool, StoreError> {
        self.hold(leased, Hold::Remove).await
    }

    /// How much is in a lane.
    pub async fn lane_load(&self, lane: &Lane, now: UnixMs) -> Result<LaneLoad, StoreError> {
        let mut hot = self.hot.clone();
        let key = self.keys.lane(&lane.pool, lane.priority);
        let mut pipe = redis::pipe();
        pipe.zcard(&key).zrange_withscores(&key, 0, 0);
        let (pages, first): (u64, Vec<(String, f64)>) = pipe.query_async(&mut hot).await?;
        let oldest_due_age_ms = first.first().map_or(0, |(_, due)| (now - *due as UnixMs).max(0));
        Ok(LaneLoad { pages, oldest_due_age_ms })
    }
}
