//! Visiting cards, as Meta has them (contacts messages).

use std::collections::BTreeMap;

use serde::Serialize;

use super::in_number;
use crate::fault::{
    listed,
    read::{Fields, Node},
};

/// Meta: most visiting cards of one message.
const MAX_CARDS: usize = 257;

/// Texts by Meta's names for them.
type Texts = BTreeMap<&'static str, String>;

/// What a part of a card may hold; of a part that needs one, the first.
struct Holds {
    needed: Option<&'static str>,
    more: &'static [&'static str],
}

const NAME: Holds =
    Holds { needed: Some("formatted_name"), more: &["first_name", "last_name", "middle_name", "prefix", "suffix"] };
const PHONE: Holds = Holds { needed: Some("phone"), more: &["type", "wa_id"] };
const EMAIL: Holds = Holds { needed: Some("email"), more: &["type"] };
const ADDRESS: Holds =
    Holds { needed: None, more: &["street", "city", "state", "zip", "country", "country_code", "type"] };
const ORG: Holds = Holds { needed: None, more: &["company", "department", "title"] };
const URL: Holds = Holds { needed: Some("url"), more: &["type"] };

/// A visiting card. Every text may vary by recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactCard {
    /// Who it is: `formatted_name` and at least one of the parts of a name.
    pub name: Texts,
    /// Phone numbers: `phone`, `type`, and `wa_id`, which turns "Invite" into "Message".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Texts>,
    /// Mail addresses: `email`, `type`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Texts>,
    /// Postal addresses: `street`, `city`, `state`, `zip`, `country`, `country_code`, `type`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Texts>,
    /// Where they work: `company`, `department`, `title`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<Texts>,
    /// Websites: `url`, `type`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<Texts>,
    /// Date of birth: `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
}

/// The cards of a message.
pub(super) fn read(node: &Node<'_>) -> Option<Vec<ContactCard>> {
    let cards = node.list(ContactCard::read)?;
    in_number(node, cards.len(), 1..=MAX_CARDS, "contacts")?;
    Some(cards)
}

impl ContactCard {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let name = fields.required("name", read_name);
            let phones = parts(fields, "phones", &PHONE);
            let emails = parts(fields, "emails", &EMAIL);
            let addresses = parts(fields, "addresses", &ADDRESS);
            let org = fields.maybe("org", |node| ORG.read(node));
            let urls = parts(fields, "urls", &URL);
            let birthday = fields.maybe("birthday", Node::words);
            Some(Self {
                name: name?,
                phones: phones?,
                emails: emails?,
                addresses: addresses?,
                org: org?,
                urls: urls?,
                birthday: birthday?,
            })
        })
    }
}

fn parts(fields: &mut Fields<'_, '_>, name: &'static str, holds: &Holds) -> Option<Vec<Texts>> {
    fields.or(name, Vec::new(), |node| node.list(|node| holds.read(node)))
}

fn read_name(node: &Node<'_>) -> Option<Texts> {
    let name = NAME.read(node)?;
    if name.len() > 1 {
        return Some(name);
    }
    node.fault(format!(
        "holds `formatted_name` alone; Meta needs at least one of {} as well.",
        listed(NAME.more.iter().copied())
    ))
}

impl Holds {
    fn read(&self, node: &Node<'_>) -> Option<Texts> {
        node.object(|fields| {
            let needed = self.needed.map(|name| (name, fields.required(name, Node::words).map(Some)));
            let more = self.more.iter().map(|name| (*name, fields.maybe(name, Node::words)));
            let read: Vec<_> = needed.into_iter().chain(more).collect();
            let kept = read.into_iter().map(|(name, text)| Some((name, text?)));
            let kept: Vec<_> = kept.collect::<Option<_>>()?;
            Some(kept.into_iter().filter_map(|(name, text)| Some((name, text?))).collect())
        })
    }
}
