//! Whether a process can work with Redis now, and if not, why and what to do: what `/readyz` and the metrics say.

use crate::{
    Store, StoreError,
    script::{Script, script},
};

static PROBE: Script = script!("probe.lua");

/// Why nothing can be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unready {
    /// Redis does not answer.
    RedisUnreachable,
    /// Redis answers, and takes no writes.
    RedisReadOnly,
    /// Redis' memory is full.
    RedisFull,
    /// The database is a restored snapshot that waits for a person.
    Restored,
}

impl Unready {
    /// All.
    pub const ALL: [Self; 4] = [Self::RedisUnreachable, Self::RedisReadOnly, Self::RedisFull, Self::Restored];

    /// Its name, for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RedisUnreachable => "redis_unreachable",
            Self::RedisReadOnly => "redis_read_only",
            Self::RedisFull => "redis_full",
            Self::Restored => "restored",
        }
    }

    /// What it is and what to do, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::RedisUnreachable => {
                "Redis does not answer: nothing is sent until it does. See that it runs and that redis.url leads to it."
            }
            Self::RedisReadOnly => {
                "Redis takes no writes (it is a replica, misses its replicas, or cannot write to its disk): nothing is \
                 sent until it does. Its log and `INFO replication` say which; mend that, or point redis.url at the \
                 primary."
            }
            Self::RedisFull => {
                "Redis' memory is full: nothing is sent until there is room. Raise maxmemory, or delete what else is \
                 stored there."
            }
            Self::Restored => {
                "Redis holds a restored snapshot that does not know what was sent since it was taken: nothing is sent \
                 until a person has looked. `dawncast restore` lists the runs in doubt; `dawncast restore acknowledge` \
                 goes on without sending anything twice."
            }
        }
    }

    /// What an error says of Redis. What fits nothing else counts as unreachable.
    pub fn of(error: &StoreError) -> Self {
        let StoreError::Unavailable(error) = error else { return Self::RedisUnreachable };
        match error.code() {
            Some("READONLY" | "MISCONF" | "NOREPLICAS" | "MASTERDOWN") => Self::RedisReadOnly,
            Some("OOM") => Self::RedisFull,
            _ => Self::RedisUnreachable,
        }
    }
}

impl Store {
    /// Tries a write as small as can be, since a Redis that answers may still take none; none when all is well.
    pub async fn unready(&self) -> Option<Unready> {
        let mut call = PROBE.key(self.keys.database());
        let probed = call.key(self.keys.restore()).invoke_async::<i64>(&mut self.hot.clone()).await;
        match probed {
            Ok(0) => None,
            Ok(_) => Some(Unready::Restored),
            Err(error) => Some(Unready::of(&error.into())),
        }
    }
}
