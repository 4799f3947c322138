//! Numbering plans: whether a phone number can exist. The plans are those of libphonenumber, through the crate
//! `phonenumber`; each country's is compiled at its first number, into one pattern.
//!
//! Parsing stays with [`Phone`], which every webhook needs: this is for rows that people bring.

use std::{collections::BTreeSet, sync::OnceLock};

use phonenumber::{Type, metadata::DATABASE};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::phone::Phone;

/// The kinds of number that somebody may be reached at.
const KINDS: [Type; 10] = [
    Type::Mobile,
    Type::FixedLine,
    Type::Voip,
    Type::PersonalNumber,
    Type::TollFree,
    Type::SharedCost,
    Type::PremiumRate,
    Type::Uan,
    Type::Pager,
    Type::Voicemail,
];

const TEN: u64 = 10_000_000_000;

/// How closely a number is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scrutiny {
    /// Its country has given out numbers that begin so.
    #[default]
    Valid,
    /// Its country exists and has numbers of this length. For ranges that are newer than this version knows.
    Possible,
}

/// Why no such number exists. Holds the country's code and nothing else of the number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchNumber {
    /// No country has the code that it begins with.
    #[error("no country has the calling code that the phone number begins with: write it as in +919876543210")]
    UnknownCountry,
    /// The country has no numbers of this length.
    #[error(
        "no phone number of +{code} has {digits} digits after that code, but {lengths}: mend it; is the country code \
         right?"
    )]
    Length {
        /// The country's calling code.
        code: u16,
        /// How many digits follow it.
        digits: usize,
        /// How many may.
        lengths: String,
    },
    /// The country has given out no such number.
    #[error(
        "no such phone number has been given out under +{code}: mend it, or, if its range is new, import with \
         `phones=possible`"
    )]
    Unassigned {
        /// The country's calling code.
        code: u16,
    },
}

/// The numbers that share a calling code.
struct NumberingPlan {
    lengths: BTreeSet<u16>,
    assigned: Regex,
}

/// Whether `phone` can exist.
///
/// # Errors
/// [`NoSuchNumber`] when it cannot.
pub fn check(phone: Phone, scrutiny: Scrutiny) -> Result<(), NoSuchNumber> {
    let digits = phone.digits().to_string();
    let split = (1..=3).find_map(|len| Some((len, plan(digits[..len].parse().ok()?)?)));
    let (len, plan) = split.ok_or(NoSuchNumber::UnknownCountry)?;
    let code = digits[..len].parse().unwrap_or_default();
    let fits = |national: &str| match scrutiny {
        Scrutiny::Valid => plan.assigned.is_match(national),
        Scrutiny::Possible => plan.lengths.contains(&(national.len() as u16)),
    };
    let national = &digits[len..];
    if fits(national) || as_dialled(phone.digits(), digits.len()).is_some_and(|dialled| fits(&dialled[len..])) {
        return Ok(());
    }
    if plan.lengths.contains(&(national.len() as u16)) {
        return Err(NoSuchNumber::Unassigned { code });
    }
    Err(NoSuchNumber::Length { code, digits: national.len(), lengths: listed(&plan.lengths) })
}

/// WhatsApp writes some numbers in its own way (`contacts[].wa_id`): Mexico with a 1 after 52, Brazil without the ninth
/// digit. The number as its country writes it.
fn as_dialled(number: u64, digits: usize) -> Option<String> {
    match (digits, number / TEN) {
        (13, 521) => Some(format!("52{:010}", number % TEN)),
        (12, 55) => {
            let (area, local) = (number / 100_000_000 % 100, number % 100_000_000);
            Some(format!("55{area:02}9{local:08}"))
        }
        _ => None,
    }
}

fn plan(code: u16) -> Option<&'static NumberingPlan> {
    static PLANS: [OnceLock<Option<NumberingPlan>>; 1_000] = [const { OnceLock::new() }; 1_000];
    PLANS[usize::from(code)].get_or_init(|| NumberingPlan::read(code)).as_ref()
}

impl NumberingPlan {
    fn read(code: u16) -> Option<Self> {
        let regions = DATABASE.by_code(&code)?;
        let kinds = regions.iter().flat_map(|region| KINDS.iter().filter_map(|kind| region.descriptors().get(*kind)));
        let kinds: Vec<_> = kinds.collect();
        // Regions that share a code, and fixed and mobile lines of one, often share a pattern.
        let patterns: BTreeSet<&str> = kinds.iter().map(|kind| kind.national_number().as_str()).collect();
        let pattern = format!("^(?:{})$", patterns.into_iter().collect::<Vec<_>>().join("|"));
        let assigned = RegexBuilder::new(&pattern).ignore_whitespace(true).unicode(false).build().ok()?;
        let lengths = kinds.iter().flat_map(|kind| kind.possible_length().iter().copied()).collect();
        Some(Self { lengths, assigned })
    }
}

fn listed(lengths: &BTreeSet<u16>) -> String {
    let lengths: Vec<String> = lengths.iter().map(u16::to_string).collect();
    match lengths.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => lengths.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(phone: &str, scrutiny: Scrutiny) -> Option<NoSuchNumber> {
        check(phone.parse().expect("a phone"), scrutiny).err()
    }

    #[test]
    fn numbers_that_exist_are_taken_also_as_whatsapp_writes_them() {
        for phone in [
            "+919812345671",
            "+919000000000",
            "+16505551234",
            "+14165550123",
            "+447911123456",
            "+4915123456789",
            "+525512345678",
            "+5215512345678",
            "+5531987654321",
            "+553187654321",
            "+5491112345678",
            "+6581234567",
        ] {
            assert_eq!(judged(phone, Scrutiny::Valid), None, "{phone}");
        }
    }

    #[test]
    fn a_number_that_cannot_exist_is_refused_for_the_reason_that_is_true() {
        let length = |code, digits, lengths: &str| NoSuchNumber::Length { code, digits, lengths: lengths.into() };
        assert_eq!(judged("+999123456789", Scrutiny::Possible), Some(NoSuchNumber::UnknownCountry));
        assert_eq!(judged("+1650555123", Scrutiny::Possible), Some(length(1, 9, "7 or 10")));
        assert_eq!(judged("+915555555555", Scrutiny::Valid), Some(NoSuchNumber::Unassigned { code: 91 }));
        assert_eq!(judged("+915555555555", Scrutiny::Possible), None);
        assert_eq!(judged("+91987654321", Scrutiny::Valid), Some(NoSuchNumber::Unassigned { code: 91 }));
    }

    #[test]
    fn every_country_has_a_plan_that_its_own_examples_fit() {
        for region in DATABASE.iter() {
            let code = region.country_code();
            let example = region.descriptors().mobile().and_then(|kind| kind.example());
            let Some(example) = example.filter(|example| !example.starts_with('0')) else { continue };
            let phone = format!("+{code}{example}");
            if phone.len() > 8 {
                assert_eq!(judged(&phone, Scrutiny::Valid), None, "{} of {}", phone, region.id());
            }
        }
    }

    #[test]
    fn a_reason_tells_nothing_of_the_number_but_its_country() {
        let why = judged("+915555555555", Scrutiny::Valid).expect("a reason").to_string();
        assert!(why.contains("+91") && !why.contains("5555"), "{why}");
    }
}
