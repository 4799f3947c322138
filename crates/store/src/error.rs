//! What can go wrong with Redis, by what the caller does next.

use deadpool::managed::PoolError;

use crate::archive::ArchiveError;

/// A storage error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Redis did not answer, or answered that it cannot now (loading, read-only, out of memory). Try again later;
    /// whether the write took place is not known.
    #[error("Redis is not available: {0}")]
    Unavailable(#[source] redis::RedisError),
    /// What is stored under `key` is not what this version of Dawncast writes. A person has to look.
    #[error("what is stored under `{key}` cannot be read: {detail}")]
    Corrupt {
        /// The key.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A scratch file, which large imports need, cannot be written or read. A person has to make room.
    #[error("the scratch files of the import cannot be used: {0}; make room in the data folder")]
    Scratch(#[source] std::io::Error),
    /// An archived run cannot be read, or none be archived.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Redis is set up in a way that Dawncast refuses to run on.
    #[error("{0}")]
    Unfit(String),
}

impl From<redis::RedisError> for StoreError {
    fn from(error: redis::RedisError) -> Self {
        Self::Unavailable(error)
    }
}

impl From<PoolError<redis::RedisError>> for StoreError {
    fn from(error: PoolError<redis::RedisError>) -> Self {
        match error {
            PoolError::Backend(error) => Self::Unavailable(error),
            other => Self::Unavailable(redis::RedisError::from(std::io::Error::other(other.to_string()))),
        }
    }
}
