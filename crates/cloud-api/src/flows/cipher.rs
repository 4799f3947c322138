//! AES-128-GCM as flows use it: an IV of 16 bytes, the tag behind the text, nothing else authenticated.

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{Aead, consts::U16},
    aes::Aes128,
};

const LENGTH: usize = 16;

/// The key of one request and its IV. Used up by the one answer: a second text under the same IV would give both away.
pub(super) struct Cipher {
    aes: AesGcm<Aes128, U16>,
    iv: [u8; LENGTH],
}

impl Cipher {
    /// `None` unless both are of 16 bytes.
    pub(super) fn new(key: &[u8], iv: &[u8]) -> Option<Self> {
        Some(Self { aes: AesGcm::new_from_slice(key).ok()?, iv: iv.try_into().ok()? })
    }

    /// The text; `None` when the key is another or a bit was changed.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.aes.decrypt(&self.iv.into(), sealed).ok()
    }

    /// The answer, sealed with every bit of the IV flipped.
    pub(super) fn seal(self, text: &[u8]) -> Vec<u8> {
        self.aes.encrypt(&self.iv.map(|byte| !byte).into(), text).expect("an answer is far below 64 GiB")
    }
}
