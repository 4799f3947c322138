//! The keyring: what seals tokens before they are stored, and opens them again. XChaCha20-Poly1305 under a random nonce of
//! the operating system; each text is bound to the place where it is kept. The first key seals, every key opens.
//!
//! A sealed text is `v1.KEYID.BASE64`: the version, which key it takes, and nonce and ciphertext in one.

use std::{fmt, sync::Arc};

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, Payload},
};
use sha2::{Digest, Sha256};

use crate::{StoreError, records::Secret};

/// What a sealed text begins with.
const VERSION: &str = "v1";
/// The length of a key, and of a nonce.
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// A key is not 32 bytes in base64 or hexadecimal. Does not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "key {place} is no key: give 32 random bytes in base64 or hexadecimal, as `openssl rand -base64 32` prints them"
)]
pub struct BadKey {
    /// Which of the keys, counted from 1.
    pub place: usize,
}

/// Why a sealed text does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Locked {
    /// It was sealed under a key that this process was not given.
    #[error(
        "it is sealed under key {0}, which this process does not have: give every process the same credentials.keys"
    )]
    UnknownKey(String),
    /// It was changed, or belongs elsewhere.
    #[error("it was changed, or copied from elsewhere: set it anew")]
    Forged,
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut fingerprint = Sha256::new_with_prefix(b"dawncast key id\0");
        fingerprint.update(bytes);
        let id = fingerprint.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self { id, cipher: XChaCha20Poly1305::new(bytes.into()) }
    }
}

/// The keys of this process. Cheap to clone. One without keys opens nothing and seals nothing.
#[derive(Clone, Default)]
pub struct Keyring(Arc<[Key]>);

/// Shows which keys it has, not the keys.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl Keyring {
    /// The keys in these texts, the one that seals first.
    ///
    /// # Errors
    /// When one is not 32 bytes in base64 or hexadecimal.
    pub fn new(texts: &[Secret]) -> Result<Self, BadKey> {
        let key = |(place, text): (usize, &Secret)| {
            let bytes = parse(text.expose().trim()).ok_or(BadKey { place })?;
            Ok(Key::new(&bytes))
        };
        (1..).zip(texts).map(key).collect::<Result<Vec<_>, _>>().map(|keys| Self(keys.into()))
    }

    /// A new key, as text, from the operating system's randomness.
    pub fn make_key() -> Secret {
        Secret::new(BASE64.encode(<[u8; KEY_BYTES]>::generate()))
    }

    /// The id of the key that seals; none without keys.
    pub fn current(&self) -> Option<&str> {
        self.0.first().map(|key| key.id.as_str())
    }

    /// Seals a secret for its place.
    pub(crate) fn seal(&self, place: &str, secret: &Secret) -> Result<String, StoreError> {
        let Some(key) = self.0.first() else {
            let detail = "there is no key to seal a credential with: set credentials.keys";
            return Err(StoreError::Unfit(detail.to_owned()));
        };
        let nonce = XNonce::generate();
        let payload = Payload { msg: secret.expose().as_bytes(), aad: place.as_bytes() };
        let sealed = key.cipher.encrypt(&nonce, payload).expect("a token is shorter than the cipher's limit");
        Ok(format!("{VERSION}.{}.{}", key.id, BASE64.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens what was sealed for this place.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<Secret, Locked> {
        let mut parts = sealed.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Locked::Forged);
        };
        let Some(key) = self.0.iter().find(|key| key.id == id) else { return Err(Locked::UnknownKey(id.to_owned())) };
        let bytes = BASE64.decode(text).map_err(|_| Locked::Forged)?;
        let (nonce, message) = bytes.split_at_checked(NONCE_BYTES).ok_or(Locked::Forged)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| Locked::Forged)?;
        let payload = Payload { msg: message, aad: place.as_bytes() };
        let secret = key.cipher.decrypt(&nonce, payload).map_err(|_| Locked::Forged)?;
        String::from_utf8(secret).map(Secret::new).map_err(|_| Locked::Forged)
    }
}

/// The id of the key that a sealed text takes.
pub(crate) fn key_id(sealed: &str) -> &str {
    sealed.split('.').nth(1).unwrap_or_default()
}

fn parse(text: &str) -> Option<[u8; KEY_BYTES]> {
    let bytes = match text.len() == 2 * KEY_BYTES && text.is_ascii() {
        true => (0..KEY_BYTES).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect::<Option<_>>(),
        false => BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok(),
    };
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(texts: &[&str]) -> Keyring {
        Keyring::new(&texts.iter().map(|text| Secret::new(*text)).collect::<Vec<_>>()).unwrap()
    }

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";

    #[test]
    fn what_is_sealed_opens_at_its_place_and_nowhere_else() {
        let (ring, token) = (ring(&[ONE]), Secret::new("EAAG"));
        let sealed = ring.seal("waba:1", &token).unwrap();
        assert!(sealed.starts_with(&format!("v1.{}.", ring.current().unwrap())) && !sealed.contains("EAAG"));
        assert_eq!(ring.open("waba:1", &sealed).unwrap(), token);
        assert_eq!(ring.open("waba:2", &sealed), Err(Locked::Forged));
        assert_ne!(ring.seal("waba:1", &token).unwrap(), sealed, "no nonce is used twice");
    }

    #[test]
    fn a_text_that_was_changed_anywhere_stays_locked() {
        let ring = ring(&[ONE]);
        let sealed = ring.seal("waba:1", &Secret::new("EAAG")).unwrap();
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(ring.open("waba:1", &changed).is_err(), "{changed}");
        }
        for odd in ["", "v1", "v1..", "EAAG", "v2.00000000.AAAA"] {
            assert!(ring.open("waba:1", odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let token = Secret::new("EAAG");
        let old = ring(&[ONE]).seal("waba:1", &token).unwrap();
        let both = ring(&[TWO, ONE]);
        assert_eq!(both.open("waba:1", &old).unwrap(), token);
        let new = both.seal("waba:1", &token).unwrap();
        assert_eq!(key_id(&new), ring(&[TWO]).current().unwrap());
        assert_eq!(ring(&[ONE]).open("waba:1", &new), Err(Locked::UnknownKey(key_id(&new).to_owned())));
        assert!(matches!(Keyring::default().seal("waba:1", &token), Err(StoreError::Unfit(_))));
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_or_hexadecimal() {
        let hex = "01".repeat(32);
        assert_eq!(ring(&[ONE]).current(), ring(&[&hex]).current());
        assert_eq!(ring(&[TWO]).current(), ring(&[&format!("{TWO}=\n")]).current());
        for bad in ["", "short", &"zz".repeat(32), &"é".repeat(32), &"01".repeat(31)] {
            let error = Keyring::new(&[Secret::new(ONE), Secret::new(bad)]).unwrap_err();
            assert_eq!(error, BadKey { place: 2 });
            assert!(bad.is_empty() || !error.to_string().contains(bad));
        }
        let made = Keyring::make_key();
        assert!(Keyring::new(std::slice::from_ref(&made)).is_ok());
        assert_ne!(made, Keyring::make_key());
    }

    #[test]
    fn a_keyring_shows_no_key() {
        let ring = ring(&[ONE]);
        assert_eq!(format!("{ring:?}"), format!("[{:?}]", ring.current().unwrap()));
    }
}
