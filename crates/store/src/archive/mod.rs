//! The archive: what is left of a closed run when Redis has its memory back. One object per run, in a folder or an
//! S3-compatible store, of lines that anybody can read, in parts that can be read one by one.
//!
//! The way there, each step safe to repeat and to die after: *write* the object, *see* that it is whole, *mark* the run, *free*
//! its pages. Readers look into Redis first and into the archive for what is not there any more, so that at any moment between
//! the steps they find everything.

mod error;
mod free;
mod http;
mod lines;
mod object;
mod pending;
mod read;
mod write;

pub use error::{ArchiveError, BadArchive};
pub use free::{Archived, Marked};
#[cfg(any(test, fuzzing))]
pub(crate) use lines::read_any;
pub use object::{Archive, ArchiveConfig, S3Config};
pub use pending::Pending;
pub use write::Written;
