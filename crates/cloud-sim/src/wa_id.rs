//! A user's WhatsApp id: the phone number as WhatsApp itself writes it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An odd number and its inverse modulo 2^64.
const SCRAMBLE: u64 = 0x9E37_79B9_7F4A_7C15;
const UNSCRAMBLE: u64 = 0xF1DE_83E1_9937_733D;

const TEN: u64 = 10_000_000_000;

/// Area codes of country code 1 that are not of the United States: Canada, then the Caribbean (numbering plan of North America).
#[rustfmt::skip]
const NOT_US: [u16; 79] = [
    204, 226, 236, 249, 250, 257, 263, 289, 306, 343, 354, 365, 367, 368, 382, 387, 403, 416, 418, 428, 431, 437, 438, 450, 460,
    468, 474, 506, 514, 519, 537, 548, 579, 581, 584, 587, 604, 613, 639, 647, 672, 683, 705, 709, 742, 753, 778, 780, 782, 807,
    819, 825, 867, 873, 879, 902, 905, 942,
    242, 246, 264, 268, 284, 345, 441, 473, 649, 658, 664, 721, 758, 767, 784, 809, 829, 849, 868, 869, 876,
];

/// International digits of one user, normalised the way `contacts[].wa_id` is: Brazil without the ninth digit
/// (area codes from 31 up), Mexico with `521`, Argentina with `549`. `Debug` shows only the last two digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WaId(u64);

/// The text is not an international phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a phone must have 7 to 15 digits, country code first (`+`, spaces, `-` and brackets are allowed)")]
pub struct BadPhone;

impl WaId {
    /// The digits, without `+`.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.to_string()
    }

    /// The business-scoped user id, which tells the phone number to the simulator alone.
    #[must_use]
    pub fn user_id(self) -> String {
        format!("US.{}", self.0.wrapping_mul(SCRAMBLE))
    }

    /// The user whose business-scoped id this is; whatever the country in it.
    pub(crate) fn of_user_id(id: &str) -> Option<Self> {
        let (country, number) = id.split_once('.')?;
        let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        let value = number.parse::<u64>().ok().filter(|_| is_country)?.wrapping_mul(UNSCRAMBLE);
        (1_000_000..1_000_000_000_000_000).contains(&value).then_some(Self(value))
    }

    /// Whether the phone is of the United States: country code 1, and no area code of Canada or the Caribbean.
    pub(crate) fn is_of_us(self) -> bool {
        let area = self.0 / 10_000_000 % 1000;
        self.0 / TEN == 1 && !NOT_US.contains(&(area as u16))
    }

    pub(crate) fn as_u64(self) -> u64 {
        self.0
    }
}

impl FromStr for WaId {
    type Err = BadPhone;

    fn from_str(text: &str) -> Result<Self, BadPhone> {
        let (mut value, mut count) = (0_u64, 0);
        for byte in text.bytes() {
            match byte {
                b'0' if count == 0 => return Err(BadPhone),
                b'0'..=b'9' if count < 15 => (value, count) = (value * 10 + u64::from(byte - b'0'), count + 1),
                b'+' | b' ' | b'-' | b'(' | b')' => {}
                _ => return Err(BadPhone),
            }
        }
        if count < 7 { Err(BadPhone) } else { Ok(Self(normalised(value, count))) }
    }
}

fn normalised(value: u64, digits: u32) -> u64 {
    match (digits, value / TEN) {
        (12, 52) => 521 * TEN + value % TEN,
        (12, 54) => 549 * TEN + value % TEN,
        (13, 550..=559) => without_ninth_digit(value),
        _ => value,
    }
}

fn without_ninth_digit(value: u64) -> u64 {
    let (area, local) = (value / 1_000_000_000 % 100, value % 1_000_000_000);
    if area >= 31 && local / 100_000_000 == 9 { 55 * TEN + area * 100_000_000 + local % 100_000_000 } else { value }
}

impl fmt::Debug for WaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WaId(…{:02})", self.0 % 100)
    }
}

impl Serialize for WaId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.digits())
    }
}

impl<'de> Deserialize<'de> for WaId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(input.parse::<WaId>().map(WaId::digits).as_deref(), Ok(expected), "{input}");
    }

    #[test]
    fn punctuation_is_dropped() {
        check("+91 (98) 765-43210", "919876543210");
        check("919876543210", "919876543210");
    }

    #[test]
    fn brazil_mexico_and_argentina_are_written_as_whatsapp_writes_them() {
        check("+5531987654321", "553187654321");
        check("+5511987654321", "5511987654321");
        check("+525512345678", "5215512345678");
        check("+541112345678", "5491112345678");
    }

    #[test]
    fn country_code_1_is_not_only_of_the_united_states() {
        let is_of_us = |phone: &str| phone.parse::<WaId>().unwrap().is_of_us();
        assert!(is_of_us("+12125550100") && is_of_us("+17875550100"));
        assert!(!is_of_us("+14165550100") && !is_of_us("+18765550100") && !is_of_us("+919876543210"));
    }

    #[test]
    fn what_is_no_phone_is_refused() {
        for input in ["", "12345", "0919876543210", "+91x9876543210", "1234567890123456"] {
            assert_eq!(input.parse::<WaId>(), Err(BadPhone), "{input}");
        }
    }

    #[test]
    fn a_user_id_leads_back_to_its_user_and_does_not_show_the_phone() {
        let user: WaId = "919876543210".parse().unwrap();
        assert_eq!(WaId::of_user_id(&user.user_id()), Some(user));
        assert!(!user.user_id().contains("98765"), "{}", user.user_id());
        for id in ["US", "US.", "us.1", "US.1", "US.919876543210x"] {
            assert_eq!(WaId::of_user_id(id), None, "{id}");
        }
    }

    #[test]
    fn debug_hides_the_number() {
        let id: WaId = "919876543210".parse().unwrap();
        assert_eq!(format!("{id:?}"), "WaId(…10)");
    }
}
