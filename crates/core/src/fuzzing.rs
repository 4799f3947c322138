//! What may be said of each decoder whatever it is given: run by the fuzz targets in `fuzz/` on bytes that they grow, and by property
//! tests on some. Not in an ordinary build.

use std::{fmt::Display, str::FromStr};

use serde_json::Value;

use crate::{
    callback::Callback,
    campaign::CampaignSpec,
    ids::{DeliveryId, PageRef},
    phone::Phone,
    schedule::{Cron, parse_zone},
    template::Draft,
    window::{Offset, Span},
};

/// A campaign is read, or every fault names its place; what was read is told again in words that read the same.
///
/// # Panics
/// When that does not hold.
pub fn campaign(json: &[u8]) {
    match CampaignSpec::parse(json) {
        Ok(spec) => {
            let told = serde_json::to_vec(&spec).expect("a campaign is plain data");
            assert_eq!(CampaignSpec::parse(&told), Ok(spec), "{}", String::from_utf8_lossy(&told));
        }
        Err(faults) => assert!(!faults.iter().any(|fault| fault.detail.is_empty()) && !faults.is_empty()),
    }
}

/// A template that people wrote is read, or every fault says what is wrong.
///
/// # Panics
/// When a refusal gives no reason.
pub fn template(json: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(json) else { return };
    if let Err(faults) = Draft::read(&value) {
        assert!(!faults.is_empty());
    }
}

/// Each word that has a form of its own: what is read is written in a form that reads the same.
///
/// # Panics
/// When that does not hold.
pub fn words(text: &str) {
    reads_back::<Callback>(text);
    reads_back::<DeliveryId>(text);
    reads_back::<PageRef>(text);
    if let Ok(phone) = text.parse::<Phone>() {
        assert_eq!(phone.e164().parse(), Ok(phone), "{text}");
    }
    reads_back::<Span>(text);
    reads_back::<Offset>(text);
    // A zone that is none is compared with all of them, which takes a while.
    if text.contains('/') {
        drop(parse_zone(text));
    }
    if let Ok(cron) = text.parse::<Cron>() {
        let after = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).expect("a date").into();
        assert!(cron.next(after).is_none_or(|next| next > after), "{text}");
        assert_eq!(cron.as_str().parse::<Cron>().map(|again| again.next(after)), Ok(cron.next(after)), "{text}");
        assert!(!cron.in_words().is_empty());
    }
}

fn reads_back<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        assert!(read.to_string().parse::<T>().is_ok_and(|again| again == read), "{text} is told as {read}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_are_more_than_a_decoder_can_take(bytes in prop::collection::vec(any::<u8>(), 0..200), text: String) {
            for bytes in [&bytes, text.as_bytes()] {
                super::campaign(bytes);
                super::template(bytes);
            }
            super::words(&text);
        }

        #[test]
        fn what_looks_like_a_word_of_ours_reads_back(
            text in "d1:[a-z]{0,3}:[a-zA-Z0-9_-]{1,12}\\.[0-9]{1,11}\\.[0-9]{1,4}:[0-9]{1,2}:[0-9]{1,11}|[+-]?([0-9]{1,20}(ms|s|m|h|d)){1,4}|[+]?[0-9]{5,18}|[*0-9,/-]{1,5}( [*0-9,/-]{1,5}){4}",
        ) {
            super::words(&text);
        }
    }
}
