//! Administrative records: what people set up and the server lists. Numbers, credentials, pools, templates, audiences, imports,
//! assets, campaigns, API keys, answers kept for idempotency. Stored as JSON; nothing here is on the path of a message.
//!
//! A record carries its id and the time of its making; both are given by the caller, so that a repeated call can be
//! recognised and time stays a parameter.

mod api_keys;
mod assets;
mod audience_removal;
mod audiences;
mod campaigns;
mod conditions;
mod counts;
mod credentials;
mod duplicates;
mod idempotency;
mod import_writer;
mod imports;
mod numbers;
mod pools;
mod readings;
mod rotations;
mod rows;
mod secret;
mod shelf;
mod sightings;
mod suppressions;
mod templates;
mod withheld;

pub use api_keys::{ApiKey, NewKey, Scope};
pub use assets::{Asset, MediaId, NewAsset, UploadedAsset};
pub use audience_removal::AudienceRemoval;
pub use audiences::{Audience, AudienceVersion};
pub use campaigns::{Campaign, CampaignState};
pub use conditions::Change;
pub use credentials::{Credential, Credentials, NoToken, Rekeyed, TokenChange, TokenSource};
pub use duplicates::{Duplicate, MAX_DUPLICATES, Repeated};
pub use idempotency::Reservation;
pub use import_writer::ImportWriter;
pub use imports::{BeginImport, IMPORT_LAPSE_MS, Import, ImportMode, ImportState, MAX_REJECTS, Reject};
pub use numbers::{Number, NumberRole, NumberWritten};
pub use pools::Pool;
pub use rows::{CHUNK_ROWS, Recipient, RowReader};
pub use secret::Secret;
pub use shelf::Page;
pub use withheld::WithheldChange;

use sha2::{Digest, Sha256};

use crate::StoreError;

/// The letters of base32 as RFC 4648 has them, in lower case: nothing that a reader could take for another.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// `len` random base32 characters: five bits each.
fn random_base32(len: usize) -> String {
    (0..len).map(|_| char::from(BASE32[usize::from(rand::random::<u8>() % 32)])).collect()
}

/// The random half of a new id: 10 base32 characters, 50 bits.
pub fn mint() -> String {
    random_base32(10)
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A record as it is stored.
fn to_json<T: serde::Serialize>(record: &T) -> String {
    serde_json::to_string(record).expect("records hold nothing that JSON lacks")
}

/// A record as it was stored under `key`.
fn from_json<T: serde::de::DeserializeOwned>(key: &str, json: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|error| StoreError::Corrupt { key: key.to_owned(), detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_ids_are_plain_and_differ() {
        let (one, other) = (mint(), mint());
        assert_eq!(one.len(), 10);
        assert!(one.bytes().all(|b| BASE32.contains(&b)));
        assert_ne!(one, other);
    }
}
