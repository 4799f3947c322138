//! One row of an upload, from named values to a recipient.

use std::collections::BTreeMap;

use dawncast_core::{
    numbering::{self, Scrutiny},
    phone::Phone,
    schedule::parse_zone,
};
use dawncast_store::records::Recipient;

/// The largest row, in bytes: what is longer is a mistake, such as a quote left open.
pub(super) const MAX_ROW: usize = 64 * 1024;

/// The most columns, or different attributes of one upload.
pub(super) const MAX_COLUMNS: usize = 1000;

/// The columns that are not attributes; the phone first.
pub(crate) const KNOWN: [&str; 6] = ["phone", "id", "tier", "timezone", "consent", "user_id"];

/// Whether a message can use the column: an attribute, the id or the tier.
pub(super) fn is_usable(column: &str) -> bool {
    !KNOWN.contains(&column) || ["id", "tier"].contains(&column)
}

/// Why the upload as a whole cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) String);

/// One row and where it stood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line, from 1.
    pub(super) line: u64,
    /// The recipient, or why it is none.
    pub(super) recipient: Result<Recipient, String>,
}

/// The recipient of a row of named values. An empty value is none: an empty text cannot be sent either.
pub(super) fn recipient<'a>(
    values: impl Iterator<Item = (&'a str, &'a str)>,
    scrutiny: Scrutiny,
) -> Result<Recipient, String> {
    let (mut known, mut attributes) = ([const { None }; KNOWN.len()], BTreeMap::new());
    for (name, value) in values.filter(|(_, value)| !value.is_empty()) {
        match KNOWN.iter().position(|known| *known == name) {
            Some(place) => known[place] = Some(value.trim().to_owned()).filter(|value| !value.is_empty()),
            None => {
                attributes.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    let [phone, id, tier, timezone, consent, user_id] = known;
    let phone: Phone = phone.as_deref().unwrap_or_default().parse().map_err(sentence)?;
    numbering::check(phone, scrutiny).map_err(sentence)?;
    // Whose zone is not known might be woken at night.
    timezone.as_deref().map(parse_zone).transpose()?;
    Ok(Recipient { phone: phone.digits(), id, tier, timezone, consent, user_id, attributes })
}

fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_columns_are_fields_and_others_attributes() {
        let values =
            [("phone", " +91 98765 43210"), ("id", "7"), ("tier", " pro "), ("first_name", " Asha "), ("city", "")];
        let recipient = recipient(values.into_iter(), Scrutiny::Valid).expect("a recipient");
        assert_eq!((recipient.phone, recipient.id.as_deref()), (919_876_543_210, Some("7")));
        assert_eq!(recipient.tier.as_deref(), Some("pro"));
        assert_eq!(recipient.attributes, BTreeMap::from([("first_name".into(), " Asha ".into())]));
    }

    #[test]
    fn a_zone_that_is_none_is_refused_with_a_near_one() {
        let row = |zone| recipient([("phone", "+919876543210"), ("timezone", zone)].into_iter(), Scrutiny::Valid);
        assert_eq!(row("Asia/Kolkata").expect("a recipient").timezone.as_deref(), Some("Asia/Kolkata"));
        assert_eq!(row("").expect("a recipient").timezone, None);
        let refused = "`Asia/Kolkatta` is not a time zone: write an IANA name such as `Asia/Kolkata`. \
                       Did you mean `Asia/Kolkata`?";
        assert_eq!(row("Asia/Kolkatta").expect_err("no zone"), refused);
    }

    #[test]
    fn a_row_without_a_phone_is_refused_without_repeating_what_stood_there() {
        let reason = |phone| recipient([("phone", phone)].into_iter(), Scrutiny::Valid).expect_err("no phone");
        assert_eq!(reason(""), "the phone number is empty");
        assert!(reason("12345").contains("5 digits") && !reason("12345").contains("12345"));
        assert!(reason("+915555555555").starts_with("no such phone number has been given out under +91: mend it"));
    }

    #[test]
    fn a_number_of_a_new_range_is_taken_when_only_possible_ones_are_asked_for() {
        let values = || [("phone", "+915555555555")].into_iter();
        assert_eq!(recipient(values(), Scrutiny::Possible).map(|row| row.phone), Ok(915_555_555_555));
    }
}
