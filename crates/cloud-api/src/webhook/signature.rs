//! The signature of a webhook: HMAC-SHA256 of the raw body under the app secret.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{InvalidSecret, secret::clean};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";
const PREFIX: &str = "sha256=";
const DIGEST: usize = 32;

/// An app secret, kept as a keyed HMAC state only. `Debug` shows `***`.
#[derive(Clone)]
pub struct AppSecret(Hmac<Sha256>);

impl AppSecret {
    /// Takes white space off both ends.
    ///
    /// # Errors
    /// When nothing is left: an empty secret would let anybody sign. Or when it holds more than printable ASCII.
    pub fn new(text: &str) -> Result<Self, InvalidSecret> {
        let key = clean(text)?.as_bytes();
        Ok(Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length")))
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(body);
        mac
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(***)")
    }
}

/// Why a webhook is not trusted. Answer any of them with 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is not there.
    #[error("the webhook carries no X-Hub-Signature-256 header")]
    Missing,
    /// The header is not `sha256=` and 64 hexadecimal digits.
    #[error("the X-Hub-Signature-256 header is malformed")]
    Malformed,
    /// None of the secrets made it, or the body was changed on the way.
    #[error("the signature of the webhook matches none of the app secrets: is the right secret configured?")]
    Mismatch,
}

/// Checks a webhook's signature in constant time. Several secrets let one be rotated while both are in use.
///
/// `body` must be the bytes as they came: Meta escapes characters in its own way, so re-serialised JSON never matches.
///
/// # Errors
/// When the header is missing, malformed or matches no secret; always when there are no secrets.
pub fn verify_signature(secrets: &[AppSecret], header: Option<&str>, body: &[u8]) -> Result<(), SignatureError> {
    let hex = header.ok_or(SignatureError::Missing)?.trim().strip_prefix(PREFIX).ok_or(SignatureError::Malformed)?;
    let digest = decode(hex.as_bytes()).ok_or(SignatureError::Malformed)?;
    let genuine = secrets.iter().any(|secret| secret.mac(body).verify_slice(&digest).is_ok());
    if genuine { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The header value that Meta would send with this body.
#[must_use]
pub fn sign(secret: &AppSecret, body: &[u8]) -> String {
    use fmt::Write;

    let digest = secret.mac(body).finalize().into_bytes();
    let mut header = String::with_capacity(PREFIX.len() + 2 * DIGEST);
    header.push_str(PREFIX);
    for byte in digest {
        write!(header, "{byte:02x}").expect("writing to a String cannot fail");
    }
    header
}

fn decode(hex: &[u8]) -> Option<[u8; DIGEST]> {
    let mut digest = [0; DIGEST];
    let (pairs, rest) = hex.as_chunks::<2>();
    if pairs.len() != DIGEST || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(digest)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(text: &str) -> AppSecret {
        AppSecret::new(text).unwrap()
    }

    #[test]
    fn the_signature_is_the_published_hmac() {
        // RFC 4231, test case 2.
        assert_eq!(
            sign(&secret("Jefe"), b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn any_of_several_secrets_is_good() {
        let header = sign(&secret("old"), b"body");
        assert_eq!(verify_signature(&[secret("new"), secret("old")], Some(&header), b"body"), Ok(()));
        assert_eq!(verify_signature(&[secret("new")], Some(&header), b"body"), Err(SignatureError::Mismatch));
        assert_eq!(verify_signature(&[], Some(&header), b"body"), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_missing_or_malformed_header_is_refused() {
        let check = |header, error| assert_eq!(verify_signature(&[secret("s")], header, b""), Err(error), "{header:?}");
        check(None, SignatureError::Missing);
        let good = sign(&secret("s"), b"");
        let one_more = format!("{good}0");
        let two_more = format!("{good}00");
        let not_hex = good.replace(&good[7..8], "g");
        for header in ["", "sha256=", "sha1=00", &good[1..], &good[..70], &one_more, &two_more, &not_hex] {
            check(Some(header), SignatureError::Malformed);
        }
    }

    #[test]
    fn an_empty_secret_cannot_be_made_and_none_is_printed() {
        assert_eq!(AppSecret::new(" \n").unwrap_err(), InvalidSecret::Empty);
        assert_eq!(format!("{:?}", secret("hidden")), "AppSecret(***)");
    }

    proptest! {
        #[test]
        fn a_body_is_accepted_as_signed_and_refused_with_any_bit_flipped(
            mut body in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, bit in 0..8_u8,
        ) {
            let header = sign(&secret("s"), &body);
            prop_assert_eq!(verify_signature(&[secret("s")], Some(&header), &body), Ok(()));
            let at = at.index(body.len());
            body[at] ^= 1 << bit;
            prop_assert_eq!(verify_signature(&[secret("s")], Some(&header), &body), Err(SignatureError::Mismatch));
        }

        #[test]
        fn a_signature_with_any_byte_changed_is_refused(at in 0..71_usize, other in b'!'..=b'~') {
            let header = sign(&secret("s"), b"body");
            let mut changed = header.clone().into_bytes();
            changed[at] = other;
            let changed = String::from_utf8(changed).unwrap();
            prop_assume!(!changed.eq_ignore_ascii_case(&header));
            prop_assert!(verify_signature(&[secret("s")], Some(&changed), b"body").is_err());
        }
    }
}
