//! Phone numbers as WhatsApp addresses them: E.164, and masked wherever they are shown.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Fewest digits of an international number, country code included.
const MIN_DIGITS: u32 = 8;
/// Most digits of an international number (E.164).
const MAX_DIGITS: u32 = 15;
/// How much of a number is shown: enough to tell two apart beside each other, too little to dial.
const SHOWN: (usize, usize) = (2, 4);

/// A full international phone number (E.164).
///
/// `Display` and `Debug` mask it (`+91••••••3210`); [`Phone::e164`] and serialisation spell it out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(u64);

/// Why a text is not a phone number. Never holds the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPhone {
    /// Nothing was given.
    #[error("the phone number is empty")]
    Empty,
    /// Something that is neither a digit nor a separator.
    #[error("{0:?} does not belong in a phone number: write digits, with or without `+` in front")]
    Character(char),
    /// No country code begins with 0.
    #[error("the phone number begins with 0: write it with its country code, such as +919876543210")]
    LeadingZero,
    /// Fewer digits than any international number has.
    #[error("the phone number has {0} digits: with its country code it has at least {MIN_DIGITS}")]
    TooShort(u32),
    /// More digits than E.164 allows.
    #[error("the phone number has more than {MAX_DIGITS} digits, the most that E.164 allows")]
    TooLong,
}

impl Phone {
    /// The number with these digits, country code first.
    ///
    /// # Errors
    /// [`BadPhone`] when there are too few or too many.
    pub fn from_digits(digits: u64) -> Result<Self, BadPhone> {
        match digits.checked_ilog10().map_or(0, |log| log + 1) {
            0 => Err(BadPhone::Empty),
            few if few < MIN_DIGITS => Err(BadPhone::TooShort(few)),
            many if many > MAX_DIGITS => Err(BadPhone::TooLong),
            _ => Ok(Self(digits)),
        }
    }

    /// The digits as one number: the smallest form, for packing and hashing.
    pub fn digits(self) -> u64 {
        self.0
    }

    /// The same as [`person`](Self::person) of digits that may be no phone: these tell of themselves.
    pub fn person_of(digits: u64) -> u64 {
        Self::from_digits(digits).map_or(digits, Self::person)
    }

    /// The digits by which WhatsApp knows the person, whichever way the number is written: Brazil without the ninth digit
    /// (area codes from 31 up), Mexico with `521`, Argentina with `549` (Meta: `wa_id` may differ from `input`). For
    /// telling people apart, not for sending.
    pub fn person(self) -> u64 {
        const TEN: u64 = 10_000_000_000;
        let (digits, head) = (self.0, self.0 / TEN);
        match head {
            52 => 521 * TEN + digits % TEN,
            54 => 549 * TEN + digits % TEN,
            550..=559 => {
                let (area, local) = (digits / 1_000_000_000 % 100, digits % 1_000_000_000);
                let is_mobile = area >= 31 && local / 100_000_000 == 9;
                if is_mobile { 55 * TEN + area * 100_000_000 + local % 100_000_000 } else { digits }
            }
            _ => digits,
        }
    }

    /// The number in full, `+919876543210`. Not for logs.
    pub fn e164(self) -> String {
        format!("+{}", self.0)
    }
}

impl FromStr for Phone {
    type Err = BadPhone;

    /// Reads digits with or without `+`; spaces, `-`, `(` and `)` between them are ignored.
    fn from_str(text: &str) -> Result<Self, BadPhone> {
        let text = text.trim();
        let mut digits: u64 = 0;
        let mut count = 0;
        for c in text.strip_prefix('+').unwrap_or(text).chars() {
            match c {
                ' ' | '-' | '(' | ')' => continue,
                '0' if count == 0 => return Err(BadPhone::LeadingZero),
                '0'..='9' if count == MAX_DIGITS => return Err(BadPhone::TooLong),
                '0'..='9' => digits = digits * 10 + u64::from(c as u32 - '0' as u32),
                other => return Err(BadPhone::Character(other)),
            }
            count += 1;
        }
        Self::from_digits(digits)
    }
}

impl TryFrom<String> for Phone {
    type Error = BadPhone;
    fn try_from(text: String) -> Result<Self, BadPhone> {
        text.parse()
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> String {
        phone.e164()
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let (head, rest) = digits.split_at(SHOWN.0);
        let (hidden, tail) = rest.split_at(rest.len() - SHOWN.1);
        write!(f, "+{head}{}{tail}", "•".repeat(hidden.len()))
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_usual_way_of_writing_a_number_means_the_same() {
        for text in ["+919876543210", "919876543210", " +91 98765-43210 ", "+91 (98765) 43210", "91-98765-43210"] {
            assert_eq!(text.parse::<Phone>().map(Phone::e164).as_deref(), Ok("+919876543210"), "{text}");
        }
    }

    #[test]
    fn a_number_is_refused_for_the_reason_that_is_true() {
        for (text, why) in [
            ("", BadPhone::Empty),
            (" +() ", BadPhone::Empty),
            ("09876543210", BadPhone::LeadingZero),
            ("+0091987654", BadPhone::LeadingZero),
            ("1234567", BadPhone::TooShort(7)),
            ("1234567890123456", BadPhone::TooLong),
            ("9".repeat(400).as_str(), BadPhone::TooLong),
            ("9198765x3210", BadPhone::Character('x')),
            ("91+9876543210", BadPhone::Character('+')),
            ("९१९८७६५४३२१०", BadPhone::Character('९')),
        ] {
            assert_eq!(text.parse::<Phone>(), Err(why), "{text}");
        }
    }

    #[test]
    fn the_shortest_and_the_longest_number_are_taken() {
        assert_eq!("12345678".parse::<Phone>().map(Phone::digits), Ok(12_345_678));
        assert_eq!("999999999999999".parse::<Phone>().map(Phone::digits), Ok(999_999_999_999_999));
        assert_eq!(Phone::from_digits(1_000_000_000_000_000), Err(BadPhone::TooLong));
    }

    #[test]
    fn a_person_is_the_same_however_the_number_is_written() {
        for (one, other, same) in [
            ("+55 31 98765 4321", "+55 31 8765 4321", true),
            ("+55 11 98765 4321", "+55 11 8765 4321", false),
            ("+52 55 1234 5678", "+52 1 55 1234 5678", true),
            ("+54 11 2345 6789", "+54 9 11 2345 6789", true),
            ("+91 98765 43210", "+91 98765 43211", false),
        ] {
            let person = |text: &str| text.parse::<Phone>().expect("a phone").person();
            assert_eq!(person(one) == person(other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_shown_number_is_masked() {
        let phone: Phone = "+919876543210".parse().expect("a phone");
        assert_eq!(phone.to_string(), "+91••••••3210");
        assert_eq!(format!("{phone:?}"), "Phone(+91••••••3210)");
        assert_eq!("12345678".parse::<Phone>().map(|p| p.to_string()).as_deref(), Ok("+12••5678"));
    }

    #[test]
    fn a_stored_number_is_whole() {
        let phone: Phone = serde_json::from_str("\"91 98765 43210\"").expect("a phone");
        assert_eq!(serde_json::to_string(&phone).expect("JSON"), "\"+919876543210\"");
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in "\\PC{0,40}|[-+() 0-9]{0,30}") {
            if let Ok(phone) = text.parse::<Phone>() {
                prop_assert_eq!(phone.e164().parse::<Phone>(), Ok(phone));
            }
        }

        #[test]
        fn an_error_never_tells_the_number(digits in "[1-9][0-9]{16,20}|[1-9][0-9]{2,6}") {
            let why = digits.parse::<Phone>().expect_err("too long or too short");
            prop_assert!(!why.to_string().contains(&digits));
        }
    }
}
