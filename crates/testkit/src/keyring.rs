//! The key that the credentials of tests are sealed under.

use dawncast_store::{Keyring, records::Secret};

/// As `credentials.keys` takes it.
pub const CREDENTIALS_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A keyring of it alone.
pub fn keyring() -> Keyring {
    Keyring::new(&[Secret::new(CREDENTIALS_KEY)]).unwrap()
}
