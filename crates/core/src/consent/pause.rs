//! Categories that are not sent to phones of a country: a rule table.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Scope;
use crate::phone::Phone;

/// Area codes of Canada, by the North American Numbering Plan.
const CANADA: &str = "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 \
                      460 468 474 506 514 519 548 579 581 584 587 600 604 613 622 633 639 644 647 655 672 677 683 688 \
                      705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 942";
/// Area codes of the Caribbean and Bermuda, by the same plan.
const CARIBBEAN: &str = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876";

/// A category that is not sent to phones of a country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// What is not sent.
    pub scope: Scope,
    /// How the digits of such a phone begin, its country code first, without `+`.
    pub prefix: String,
    /// Longer beginnings that are not meant.
    #[serde(default)]
    pub except: Vec<String>,
    /// Since when, for people.
    pub since: String,
    /// Why, for people.
    pub reason: String,
}

impl Pause {
    /// The pauses that are known: marketing templates to phones of the United States, which Meta refuses with 131049
    /// since 2025-04-01 (Meta: per-user marketing limits; still so in mid-2026).
    ///
    /// +1 is shared, and the area code tells the countries apart. Codes of territories of the United States, and those
    /// that belong to no place, count as the United States.
    pub fn known() -> Vec<Self> {
        let elsewhere = CANADA.split(' ').chain(CARIBBEAN.split(' '));
        vec![Self {
            scope: Scope::Marketing,
            prefix: "1".to_owned(),
            except: elsewhere.map(|code| format!("1{code}")).collect(),
            since: "2025-04-01".to_owned(),
            reason: "Meta delivers no marketing templates to phones of the United States".to_owned(),
        }]
    }

    /// Whether a message of `scope` to `phone` is not sent.
    pub fn holds(&self, scope: Scope, phone: Phone) -> bool {
        let digits = phone.digits().to_string();
        self.scope.covers(scope)
            && digits.starts_with(&self.prefix)
            && !self.except.iter().any(|longer| digits.starts_with(longer))
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (since {})", self.reason, self.since)
    }
}
