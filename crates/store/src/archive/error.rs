//! What can go wrong with the archive.

/// A setting of the archive is not usable.
#[derive(Debug, thiserror::Error)]
#[error("`{key}` {reason}")]
pub struct BadArchive {
    /// Which setting.
    pub key: &'static str,
    /// What is wrong with it, and what to do.
    pub reason: String,
}

impl BadArchive {
    pub(super) fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self { key, reason: reason.into() }
    }
}

/// The archive does not give or take.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be reached, refuses us, or lacks the object.
    #[error("the archive {root} cannot be used: {source}")]
    Away {
        /// Where it is.
        root: String,
        /// Why.
        source: object_store::Error,
    },
    /// The archive that is open now is not the one that the run was written to, and lacks it.
    #[error(
        "the run was archived to {url}, and the archive is {root} now: copy its objects there, or set archive.url back"
    )]
    Elsewhere {
        /// Where it was written.
        url: String,
        /// The archive that is open.
        root: String,
    },
    /// An object is not what was written. A person has to look.
    #[error("the archived run in {url} is damaged: {detail}")]
    Damaged {
        /// Which.
        url: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A run was archived, and this process does not know the archive.
    #[error("the run was archived to {url}, and this process has no archive: set archive.url")]
    Unset {
        /// Where it is.
        url: String,
    },
}

impl ArchiveError {
    /// The same without what only the log is to tell: what the store answered.
    pub fn public(&self) -> String {
        match self {
            Self::Away { root, .. } => format!("the archive {root} cannot be used now"),
            Self::Damaged { .. } | Self::Unset { .. } | Self::Elsewhere { .. } => self.to_string(),
        }
    }

    /// Nothing can be had of it now, of no run.
    pub fn is_down(&self) -> bool {
        !self.is_missing() && matches!(self, Self::Away { .. })
    }

    /// The object is not there: it may have been replaced by another.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Away { source: object_store::Error::NotFound { .. }, .. })
    }
}
