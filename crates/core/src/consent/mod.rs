//! Who may be written to at all: suppressions, consent, pauses by law or by Meta, and how often. Decided for a row when its
//! run is frozen; a suppression also stops what has not been begun.

mod cap;
mod pause;
mod reply;
mod suppression;
mod withheld;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use cap::{BadCap, Cap};
pub use pause::Pause;
pub use reply::{Answer, ReplyWords};
pub use suppression::{Change, Entry, Source, Suppression};
pub use withheld::{Strikes, Told, Wait, Withheld, is_wait};

use crate::{
    UnixMs,
    campaign::{Category, Content},
    fault::word,
    phone::Phone,
    report::DropReason,
};

/// How long a user's message lets a number send free-form messages, milliseconds (Meta: customer service window).
pub const SERVICE_WINDOW_MS: UnixMs = 24 * 60 * 60 * 1_000;

word! {
    /// What kind of message: Meta's categories of templates, and free-form messages.
    pub enum Scope {
        /// Every kind.
        All = "all",
        /// Templates that promote.
        Marketing = "marketing",
        /// Templates that a user asked for or expects.
        Utility = "utility",
        /// One-time passcodes.
        Authentication = "authentication",
        /// Free-form messages within the service window.
        Service = "service",
    }
}

impl Scope {
    /// The kind of a message.
    pub fn of(message: &Content) -> Self {
        match message.category() {
            Some(Category::Marketing) => Self::Marketing,
            Some(Category::Utility) => Self::Utility,
            Some(Category::Authentication) => Self::Authentication,
            None => Self::Service,
        }
    }

    /// Whether what holds for this kind holds for `other`.
    pub fn covers(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

word! {
    /// What a category asks of a row's `consent`.
    pub enum ConsentRule {
        /// The row has to name the category, or `all`.
        Required = "required",
        /// The same in an audience in which any row says something; one that says nothing is taken for consent.
        WhereTold = "where_told",
        /// A row that says something has to name the category, or `all`; an empty one is taken for consent.
        Assumed = "assumed",
        /// The column is not looked at.
        Ignored = "ignored",
    }
}

/// What each category asks of a row's `consent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentRules {
    /// Templates that promote.
    pub marketing: ConsentRule,
    /// Templates that a user asked for or expects.
    pub utility: ConsentRule,
    /// One-time passcodes: asked for by the user a moment ago.
    pub authentication: ConsentRule,
    /// Free-form messages: the user has written within 24 hours.
    pub service: ConsentRule,
}

impl Default for ConsentRules {
    fn default() -> Self {
        Self {
            marketing: ConsentRule::WhereTold,
            utility: ConsentRule::Assumed,
            authentication: ConsentRule::Ignored,
            service: ConsentRule::Ignored,
        }
    }
}

impl ConsentRules {
    /// The rule of a category.
    pub fn of(&self, scope: Scope) -> ConsentRule {
        match scope {
            Scope::Marketing => self.marketing,
            Scope::Utility => self.utility,
            Scope::Authentication => self.authentication,
            Scope::Service | Scope::All => self.service,
        }
    }
}

/// What a row tells by its `consent`.
fn consents(told: &str, scope: Scope) -> bool {
    let mut words = told.split([';', ',', '|', ' ']).map(str::trim).filter(|word| !word.is_empty());
    words.any(|word| word.to_ascii_lowercase().parse::<Scope>().is_ok_and(|named| named.covers(scope)))
}

/// Everything that decides who may be written to, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What categories ask of a row's `consent`.
    pub consent: ConsentRules,
    /// To whom a category is not sent, by the country of the phone.
    pub pauses: Vec<Pause>,
    /// How many messages of a category one person gets in a while.
    pub caps: BTreeMap<Scope, Cap>,
    /// What a user writes to be left alone.
    pub replies: ReplyWords,
}

impl Default for Policy {
    fn default() -> Self {
        let (consent, replies) = (ConsentRules::default(), ReplyWords::default());
        Self { consent, pauses: Pause::known(), caps: BTreeMap::new(), replies }
    }
}

/// What is known of one row when its run is frozen.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What would be sent.
    pub scope: Scope,
    /// To whom.
    pub phone: Phone,
    /// The row's `consent`.
    pub consent: Option<&'a str>,
    /// Some row of the audience says something by its `consent`.
    pub told: bool,
    /// What the person wants no messages of.
    pub suppression: Option<&'a Suppression>,
    /// What Meta withholds from the person.
    pub withheld: Option<&'a Withheld>,
    /// When the message would go out.
    pub at: UnixMs,
}

impl Policy {
    /// Why nothing may be sent, and in which words; none when it may.
    pub fn refuses(&self, asked: &Asked<'_>) -> Option<(DropReason, String)> {
        let scope = asked.scope;
        if let Some(entry) = asked.suppression.and_then(|suppression| suppression.entry(scope)) {
            return Some((DropReason::Suppressed, entry.to_string()));
        }
        if let Some(detail) = self.lacks_consent(asked) {
            return Some((DropReason::Compliance, detail));
        }
        if let Some(pause) = self.pauses.iter().find(|pause| pause.holds(scope, asked.phone)) {
            return Some((DropReason::Compliance, pause.to_string()));
        }
        asked.withheld.and_then(|withheld| withheld.refuses(scope, asked.at))
    }

    fn lacks_consent(&self, asked: &Asked<'_>) -> Option<String> {
        let rule = self.consent.of(asked.scope);
        let may_be_empty = match rule {
            ConsentRule::Ignored => return None,
            ConsentRule::Required => false,
            ConsentRule::WhereTold => !asked.told,
            ConsentRule::Assumed => true,
        };
        match asked.consent {
            Some(told) if consents(told, asked.scope) => None,
            Some(_) => Some(format!("the row's consent does not name {}", asked.scope)),
            None if may_be_empty => None,
            None => Some(format!("the row has no consent, which {} needs", asked.scope)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> Phone {
        text.parse().expect("a phone")
    }

    fn asked(scope: Scope, consent: Option<&str>, told: bool) -> Asked<'_> {
        Asked { scope, phone: phone("+919876543210"), consent, told, suppression: None, withheld: None, at: 0 }
    }

    fn is_sent(policy: &Policy, scope: Scope, consent: Option<&str>, told: bool) -> bool {
        policy.refuses(&asked(scope, consent, told)).is_none()
    }

    #[test]
    fn consent_is_by_category_and_an_audience_without_any_goes_out() {
        let policy = Policy::default();
        use Scope::{Authentication, Marketing, Utility};
        for (scope, consent, told, sent) in [
            (Marketing, None, false, true),
            (Marketing, None, true, false),
            (Marketing, Some("Marketing; utility"), true, true),
            (Marketing, Some("all"), true, true),
            (Marketing, Some("utility"), true, false),
            (Marketing, Some("none"), true, false),
            (Marketing, Some("yes"), true, false),
            (Utility, None, true, true),
            (Utility, Some("marketing|utility"), true, true),
            (Utility, Some("none"), true, false),
            (Authentication, Some("none"), true, true),
        ] {
            assert_eq!(is_sent(&policy, scope, consent, told), sent, "{scope} {consent:?} {told}");
        }
        let strict = ConsentRules { marketing: ConsentRule::Required, ..ConsentRules::default() };
        assert!(!is_sent(&Policy { consent: strict, ..Policy::default() }, Marketing, None, false));
    }

    #[test]
    fn marketing_to_the_united_states_is_not_sent_and_to_canada_it_is() {
        let policy = Policy::default();
        let refused = |text, scope| policy.refuses(&Asked { phone: phone(text), ..asked(scope, None, false) });
        let (reason, detail) = refused("+1 212 555 0100", Scope::Marketing).expect("paused");
        assert_eq!(reason, DropReason::Compliance);
        assert!(detail.contains("United States") && detail.contains("2025-04-01"), "{detail}");
        for (text, scope) in [
            ("+1 212 555 0100", Scope::Utility),
            ("+1 416 555 0100", Scope::Marketing),
            ("+1 876 555 0100", Scope::Marketing),
            ("+44 20 7946 0018", Scope::Marketing),
        ] {
            assert_eq!(refused(text, scope), None, "{text} {scope}");
        }
    }

    #[test]
    fn who_is_suppressed_hears_why_it_is_so_before_anything_else() {
        let list =
            Suppression::new(phone("+12125550100"), Entry { scope: Scope::All, source: Source::Reply, since: 0 });
        let asked = Asked { suppression: Some(&list), ..asked(Scope::Authentication, Some("all"), true) };
        let (reason, detail) = Policy::default().refuses(&asked).expect("suppressed");
        assert_eq!((reason, detail.as_str()), (DropReason::Suppressed, "all by reply since 1970-01-01T00:00:00Z"));
    }
}
