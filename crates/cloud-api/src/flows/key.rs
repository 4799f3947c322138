//! The private key of an endpoint.

use std::fmt;

use rsa::{PrivateKey, pkcs1::DecodeRsaPrivateKey, pkcs8::DecodePrivateKey, sha2::Sha256, traits::PublicKeyParts};

/// Meta takes RSA keys of this size alone, in bytes.
const MODULUS: usize = 256;

/// Why a text is no private key of a flow's endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFlowKey {
    /// There is no PEM block of a private key in it.
    #[error("there is no private key in PEM form (`-----BEGIN PRIVATE KEY-----`) in it: is it the right file?")]
    NotPem,
    /// It is sealed, and no passphrase was given.
    #[error("the private key is sealed with a passphrase, and none was given")]
    Sealed,
    /// It is sealed in the way of OpenSSL before PKCS#8.
    #[error("the private key is sealed in an outdated form: rewrite it with `openssl pkcs8 -topk8 -in OLD -out NEW`")]
    OutdatedSeal,
    /// The passphrase does not open it, or the cipher is not known, or it is not RSA.
    #[error("the private key cannot be read: it is damaged, not RSA, or the passphrase is wrong")]
    Unreadable,
    /// It is RSA of another size.
    #[error("the private key has {0} bits, and flows take 2048: make one with `openssl genrsa -out FILE 2048`")]
    Size(usize),
}

/// The RSA-2048 private key of a flow's endpoint. `Debug` shows `***`; dropping it wipes it from memory.
pub struct FlowKey(PrivateKey);

impl FlowKey {
    /// Reads a key in PEM form: PKCS#8 (`BEGIN PRIVATE KEY`), PKCS#1 (`BEGIN RSA PRIVATE KEY`), or PKCS#8 sealed with
    /// `passphrase` (`BEGIN ENCRYPTED PRIVATE KEY`) by AES or triple DES.
    ///
    /// # Errors
    /// When it is none of these, or RSA of another size than 2048 bits.
    pub fn from_pem(pem: &str, passphrase: Option<&str>) -> Result<Self, BadFlowKey> {
        let pem = pem.trim();
        let key = match pem.lines().next().unwrap_or_default().trim() {
            "-----BEGIN PRIVATE KEY-----" => PrivateKey::from_pkcs8_pem(pem).ok(),
            "-----BEGIN RSA PRIVATE KEY-----" if pem.contains("ENCRYPTED") => return Err(BadFlowKey::OutdatedSeal),
            "-----BEGIN RSA PRIVATE KEY-----" => PrivateKey::from_pkcs1_pem(pem).ok(),
            "-----BEGIN ENCRYPTED PRIVATE KEY-----" => {
                PrivateKey::from_pkcs8_encrypted_pem(pem, passphrase.ok_or(BadFlowKey::Sealed)?).ok()
            }
            _ => return Err(BadFlowKey::NotPem),
        };
        let key = key.ok_or(BadFlowKey::Unreadable)?;
        match key.size() {
            MODULUS => Ok(Self(key)),
            other => Err(BadFlowKey::Size(8 * other)),
        }
    }

    /// What was sealed for this key with RSA-OAEP, SHA-256 for hash and mask; `None` when it was sealed for another.
    pub(super) fn unseal(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.0.oaep_decrypt::<Sha256>(sealed).ok()
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::golden;

    #[test]
    fn a_key_is_read_in_every_form_that_openssl_writes() {
        for (pem, passphrase) in [
            (golden::PKCS8, None),
            (golden::PKCS1, None),
            (golden::SEALED_AES, Some("sesame")),
            (golden::SEALED_DES3, Some("sesame")),
        ] {
            let key = FlowKey::from_pem(pem, passphrase).unwrap();
            assert!(key.unseal(&golden::sealed_key()).is_some(), "{}", &pem[..40]);
            assert_eq!(format!("{key:?}"), "FlowKey(***)");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_a_remedy() {
        let check = |pem: &str, passphrase, error| {
            assert_eq!(FlowKey::from_pem(pem, passphrase).unwrap_err(), error, "{pem}");
        };
        check("", None, BadFlowKey::NotPem);
        check(golden::PUBLIC, None, BadFlowKey::NotPem);
        check(golden::SEALED_AES, None, BadFlowKey::Sealed);
        check(golden::SEALED_AES, Some("wrong"), BadFlowKey::Unreadable);
        check(&golden::PKCS8.replace("MII", "MIJ"), None, BadFlowKey::Unreadable);
        check(golden::SMALL, None, BadFlowKey::Size(1024));
        let outdated = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA";
        check(outdated, Some("sesame"), BadFlowKey::OutdatedSeal);
    }
}
