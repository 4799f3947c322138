//! What simulated users do by order: they write, block a number, and wish for no marketing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cloud::{Cloud, Number};
use crate::error::SimError;
use crate::insights;
use crate::message::{Message, Said};
use crate::wa_id::WaId;
use crate::wamid::Direction;
use crate::webhooks::{Inbound, Says};

/// The user writes to the number.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    pub(crate) from: WaId,
    pub(crate) number: String,
    pub(crate) text: String,
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quotes: Option<String>,
}

/// The user blocks the number, or no more.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Block {
    pub(crate) from: WaId,
    pub(crate) number: String,
    #[serde(default = "yes")]
    pub(crate) blocked: bool,
}

fn yes() -> bool {
    true
}

/// What a user wishes of a number's marketing messages.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preference {
    pub(crate) from: WaId,
    pub(crate) number: String,
    pub(crate) value: Wish,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wish {
    Stop,
    Resume,
}

/// The user taps a button of the last template that the number sent.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Click {
    pub(crate) from: WaId,
    pub(crate) number: String,
    /// Its label.
    pub(crate) button: String,
}

/// How a user is; what is left out stays as it is.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UserOrder {
    /// Businesses that did not write to the phone are shown the business-scoped user id instead.
    pub(crate) hidden: Option<bool>,
    /// The user's phone is off: what is sent arrives when it is on again, unless it is too old by then.
    pub(crate) offline: Option<bool>,
    /// The id of the number to which the user came by an advertisement: what it answers within 24 hours, and sends in the 72
    /// that follow, is free.
    pub(crate) came_to: Option<String>,
}

impl Cloud {
    /// Makes a user be as ordered.
    pub(crate) fn order_user(&self, id: WaId, order: &UserOrder) -> Result<(), SimError> {
        let came_to = order.came_to.as_deref().map(|number| self.known_number(number)).transpose()?;
        let now_us = self.clock.now_us();
        self.users.with(id, |user| {
            user.is_hidden = order.hidden.unwrap_or(user.is_hidden);
            user.is_offline = order.offline.unwrap_or(user.is_offline);
            if let Some(number) = came_to {
                user.contact(number.place, now_us).came(now_us);
            }
        });
        if order.offline == Some(false) {
            self.deliver_waiting(id);
        }
        Ok(())
    }

    /// A number by the id that was ordered.
    pub(crate) fn known_number(&self, id: &str) -> Result<&Number, SimError> {
        let remedy = || format!("`{id}` is not a number of this simulator");
        self.number(id).ok_or_else(|| SimError::Order { field: "number", remedy: remedy() })
    }

    /// The user's text, if it arrives; its id.
    pub(crate) fn write(&self, Reply { from, number, text, quotes }: Reply) -> Result<String, SimError> {
        self.say(from, self.known_number(&number)?, "text", json!({ "body": text }), quotes)
    }

    /// A user says something to a number: an inbound webhook, and 24 hours in which any message is allowed. Its id.
    pub(crate) fn say(
        &self,
        from: WaId,
        number: &Number,
        kind: &'static str,
        content: Value,
        quotes: Option<String>,
    ) -> Result<String, SimError> {
        let number = number.place;
        if self.belongings.blocks(number, from) {
            let remedy = "the number has blocked this user, whose messages do not arrive".to_owned();
            return Err(SimError::Order { field: "from", remedy });
        }
        let at_us = self.clock.now_us();
        let shows_phone = self.users.with(from, |user| {
            user.contact(number, at_us).wrote(at_us);
            user.shows_phone(at_us)
        });
        let name = if shows_phone { from.digits() } else { from.user_id() };
        let wamid = self.mint.wamid(&name, Direction::Inbound);
        self.inbox.add(wamid.clone(), from, number, at_us);
        let said = Arc::new(Said { wamid: wamid.clone(), kind, content, quotes });
        self.conversations.written((from, number), &said, at_us);
        self.webhooks.inbound(Inbound { user: from, shows_phone, number, says: Says::Message(said), at_us });
        Ok(wamid)
    }

    /// The user blocks the number: nothing of it arrives any more.
    pub(crate) fn block(&self, Block { from, number, blocked }: &Block) -> Result<(), SimError> {
        let number = self.known_number(number)?.place;
        let (was_blocked, template) = self.users.with(*from, |user| {
            let last = user.accepted.iter().rev().find(|message| message.number == number).and_then(|it| it.template);
            let contact = user.contact(number, self.clock.now_us());
            (std::mem::replace(&mut contact.blocked, *blocked), last)
        });
        if *blocked && !was_blocked {
            self.count_block(number, template);
        }
        Ok(())
    }

    /// The user wants no marketing of the number, or wants it again.
    pub(crate) fn prefer(&self, Preference { from, number, value }: &Preference) -> Result<(), SimError> {
        let (number, at_us) = (self.known_number(number)?.place, self.clock.now_us());
        let stops = *value == Wish::Stop;
        let shows_phone = self.users.with(*from, |user| {
            user.contact(number, at_us).stopped_marketing = stops;
            user.shows_phone(at_us)
        });
        self.webhooks.inbound(Inbound { user: *from, shows_phone, number, says: Says::Preference { stops }, at_us });
        Ok(())
    }

    /// The user taps a button of the last template that the number sent. Nothing is told of it: a quick reply is told of as a
    /// message.
    pub(crate) fn click(&self, Click { from, number, button }: &Click) -> Result<(), SimError> {
        let number = self.known_number(number)?.place;
        let sent = self.users.with(*from, |user| {
            let is_it =
                |sent: &&Arc<Message>| sent.number == number && sent.template.is_some() && sent.failure.is_none();
            user.accepted.iter().rev().find(is_it).cloned()
        });
        let refuse = |field, remedy: &str| Err(SimError::Order { field, remedy: remedy.to_owned() });
        let Some(sent) = sent else { return refuse("from", "the number has sent this user no template") };
        if !self.count_click(&sent, button) {
            return refuse("button", "the template has no such button that opens an address or answers");
        }
        Ok(())
    }

    /// Counts a tap on a button of a message for its template's insights, if it is one that is counted.
    pub(crate) fn count_click(&self, sent: &Message, label: &str) -> bool {
        let template = sent.template.and_then(|id| self.templates.by_id(id));
        let kind = template.as_ref().and_then(|it| {
            let pressed = it.parts().buttons().iter().find(|it| it["text"] == *label)?;
            match pressed["type"].as_str()? {
                "URL" => Some((it.id, insights::URL)),
                "QUICK_REPLY" => Some((it.id, insights::QUICK_REPLY)),
                _ => None,
            }
        });
        if let Some((template, kind)) = kind {
            self.insights.click(template, sent.is_lite, self.clock.now_us(), kind, label, sent.user);
        }
        kind.is_some()
    }
}
