//! What a message costs, as its receipts tell (Meta: pricing).

use chrono::{DateTime, Datelike};

use crate::cloud::{Cloud, Number};
use crate::message::{Message, Price};
use crate::users::Contact;

/// Meta: messages to users who wrote that a number sends free of charge in a month, since 2026-10-01.
const FREE_IN_A_MONTH: u32 = 1000;

/// The price of a message that is accepted now.
pub(crate) fn price(cloud: &Cloud, number: &Number, contact: &mut Contact, message: &Message, now_us: u64) -> Price {
    if contact.answers_entry(now_us) {
        return Price::ENTRY_POINT;
    }
    let charges_service = cloud.rules.get().charges_service;
    match message.category {
        None if !charges_service || number.spends_free(month(now_us), FREE_IN_A_MONTH) => Price::SERVICE,
        Some("UTILITY") if !charges_service && contact.window_open(now_us) => Price::SERVICE,
        _ => Price::REGULAR,
    }
}

/// Months since the year 0.
fn month(now_us: u64) -> i64 {
    let at = i64::try_from(now_us).ok().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
    i64::from(at.year()) * 12 + i64::from(at.month())
}
