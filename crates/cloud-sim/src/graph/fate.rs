//! What becomes of an accepted message, as far as that is certain when it goes out: it arrives, or fails with a code.

use crate::cloud::Cloud;
use crate::dice::{Purpose, dice};
use crate::limits::DAY_US;
use crate::message::Message;
use crate::odds::fraction;
use crate::rules::Rules;
use crate::templates::MARKETING;
use crate::users::User;

/// The code with which the message fails, the `nth` to its user; `None` when it arrives. Who is reached now counts for the
/// portfolio's messaging limit.
pub(crate) fn fate(cloud: &Cloud, user: &mut User, message: &Message, nth: u32, now_us: u64) -> Option<u32> {
    let rules = cloud.rules.get();
    let is_marketing = message.category == Some(MARKETING);
    let sent_lately = if is_marketing { marketing_lately(user, now_us) } else { 0 };
    let contact = user.contact(message.number, now_us);
    if is_marketing && contact.stopped_marketing {
        return Some(131_050);
    }
    if contact.blocked || cloud.faults.is_undeliverable(message.user) {
        return Some(131_026);
    }
    if contact.window_open(now_us) {
        return None;
    }
    if is_marketing && is_withheld(cloud, &rules, message, nth, sent_lately) {
        return Some(131_049);
    }
    (!cloud.standings.may_reach(message.user, now_us)).then_some(rules.limit_code)
}

/// How much marketing reached the user in the last 24 hours and since the user last wrote.
fn marketing_lately(user: &User, now_us: u64) -> usize {
    let wrote_us = user.last_wrote_us().unwrap_or_default();
    let counts = |sent: &&std::sync::Arc<Message>| {
        sent.category == Some(MARKETING) && sent.failure.is_none() && sent.at_us > wrote_us
    };
    user.accepted.iter().rev().take_while(|sent| now_us.saturating_sub(sent.at_us) < DAY_US).filter(counts).count()
}

/// Whether Meta withholds a marketing message (Meta: per-user marketing limits).
fn is_withheld(cloud: &Cloud, rules: &Rules, message: &Message, nth: u32, sent_lately: usize) -> bool {
    rules.marketing_per_user.is_some_and(|most| sent_lately >= most as usize)
        || (rules.us_marketing_paused && message.user.is_of_us())
        || (rules.marketing_withheld > 0.0
            && fraction(&mut dice(cloud.seed, message.user, nth, Purpose::Withheld)) < rules.marketing_withheld)
}
