//! Messages on their way: told of, counted for their templates, and waiting for phones that are off.

use std::sync::Arc;

use crate::cloud::Cloud;
use crate::insights::Metric;
use crate::message::{Leg, Message};
use crate::users::Waiting;
use crate::wa_id::WaId;
use crate::webhooks::Course;

impl Cloud {
    /// A message goes out, the `nth` to its user; what becomes of it.
    pub(crate) fn go_out(&self, message: &Arc<Message>, nth: u32) -> Course {
        if let Some(template) = message.template {
            self.insights.count(template, message.is_lite, message.went_out_us, Metric::Sent);
        }
        self.announce(message, nth)
    }

    /// Tells of what becomes of a message, and counts it for the message's template.
    fn announce(&self, message: &Arc<Message>, nth: u32) -> Course {
        if let Some(template) = message.template.filter(|_| self.insights.are_on()) {
            self.count_arrival(template, message, nth);
        }
        self.webhooks.announce(message, nth)
    }

    /// The user's phone is on again: what was not too old arrives. Of the rest nobody hears (Meta: time to live).
    pub(crate) fn deliver_waiting(&self, user: WaId) {
        let now_us = self.clock.now_us();
        let waiting = self.users.with(user, |user| std::mem::take(&mut user.waiting));
        for Waiting { message, nth } in waiting {
            if now_us.saturating_sub(message.went_out_us) >= message.ttl_us {
                continue;
            }
            let arriving = Arc::new(Message { leg: Leg::Arrival, went_out_us: now_us, ..Message::clone(&message) });
            self.conversations.went_on(&arriving, self.announce(&arriving, nth));
        }
    }

    /// Counts that a message arrives and is read, each when it does.
    fn count_arrival(&self, template: u64, message: &Message, nth: u32) {
        let (is_lite, is_billable) = (message.is_lite, message.price.is_billable);
        let [arrives, is_read] = self.webhooks.arrival(message, nth);
        if let Some(after) = arrives {
            self.after(after, move |cloud| {
                let now_us = cloud.clock.now_us();
                cloud.insights.count(template, is_lite, now_us, Metric::Delivered { is_billable });
            });
        }
        if let Some(after) = is_read {
            self.after(after, move |cloud| {
                cloud.insights.count(template, is_lite, cloud.clock.now_us(), Metric::Read);
            });
        }
    }
}
