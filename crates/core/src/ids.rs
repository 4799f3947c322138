//! Identifiers. Each is its own type, so that a run cannot be passed for a campaign.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A string that is not the identifier it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {expected}")]
pub struct BadId {
    given: String,
    expected: &'static str,
}

/// Letters, digits, `_`, `-` and `+`: safe in a URL, in a Redis key and beside `.` and `:`.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+".contains(&b))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if is_plain(text) { Ok(Self(text.to_owned())) } else { Err(BadId { given: text.to_owned(), expected: $what }) }
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> { text.parse() }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }
    };
}

id!(/// A campaign, `cmp_…`.
    CampaignId, "a campaign id");
id!(/// An audience, `aud_…`.
    AudienceId, "an audience id");
id!(/// One import into an audience, `imp_…`.
    ImportId, "an import id");
id!(/// An uploaded media file, `ast_…`.
    AssetId, "an asset id");
id!(/// An API key's public half, `key_…`.
    KeyId, "a key id");
id!(/// A WhatsApp phone number id, as Meta gives it: digits.
    NumberId, "a phone number id");
id!(/// A WhatsApp Business account id, as Meta gives it.
    WabaId, "a WhatsApp Business account id");
id!(/// A pool of numbers that may stand in for each other.
    PoolId, "a pool name (letters, digits, `_` and `-`)");
id!(/// One occurrence of a campaign: campaign, civil time and zone, see [`RunId::of`].
    RunId, "a run id");

impl RunId {
    /// The run of `campaign` at the civil time `at` in `zone`, an IANA name. The civil time and not the
    /// instant: a change of time-zone data between two starts must not make a second run.
    pub fn of(campaign: &CampaignId, at: chrono::NaiveDateTime, zone: &str) -> Self {
        let zone = zone.replace('/', "_");
        Self(format!("{campaign}-{}-{zone}", at.format("%Y%m%dT%H%M%S")))
    }
}

/// A page of a run: `run.page`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageRef {
    /// The run.
    pub run: RunId,
    /// The page's place in the run, from 0.
    pub page: u32,
}

impl fmt::Display for PageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.page)
    }
}

impl FromStr for PageRef {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId { given: text.to_owned(), expected: "a page (`run.page`)" };
        let (run, page) = text.rsplit_once('.').ok_or_else(bad)?;
        Ok(Self { run: run.parse().map_err(|_| bad())?, page: page.parse().map_err(|_| bad())? })
    }
}

/// One recipient in one run: `run.page.index`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId {
    /// The page that holds it.
    pub page: PageRef,
    /// The place in the page, from 0; below [`crate::plan::PAGE_SIZE`].
    pub index: u16,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.page, self.index)
    }
}

impl FromStr for DeliveryId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId { given: text.to_owned(), expected: "a delivery (`run.page.index`)" };
        let (page, index) = text.rsplit_once('.').ok_or_else(bad)?;
        Ok(Self { page: page.parse().map_err(|_| bad())?, index: index.parse().map_err(|_| bad())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_would_break_a_key_or_a_url_are_refused() {
        for bad in ["", "a b", "a.b", "a:b", "a/b", "{a}", "ü"] {
            assert!(bad.parse::<CampaignId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_delivery_reads_back_as_written() {
        let at = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).and_then(|d| d.and_hms_opt(6, 0, 0)).expect("a date");
        let run = RunId::of(&"cmp_x".parse().expect("an id"), at, "Asia/Kolkata");
        assert_eq!(run.as_str(), "cmp_x-20261123T060000-Asia_Kolkata");
        let id = DeliveryId { page: PageRef { run, page: 7 }, index: 255 };
        assert_eq!(id.to_string().parse::<DeliveryId>(), Ok(id));
    }
}
