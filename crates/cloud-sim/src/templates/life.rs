//! What becomes of a template, and what webhooks tell of it.

use serde_json::{Value, json};

use crate::limits::DAY_US;
use crate::pacing::PacingOrder;

use super::{Template, TemplateOrder, Told, UTILITY, category_of};

/// A pause for its quality: which, and for how long (Meta: template pausing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    /// Counted from 1.
    pub(crate) nth: u32,
    pub(crate) hours: u64,
}

impl Template {
    /// The order that takes another back.
    pub(super) fn as_before(&self, order: &TemplateOrder) -> TemplateOrder {
        TemplateOrder {
            status: order.status.as_ref().map(|_| self.status.clone()),
            reason: order.status.as_ref().map(|_| self.rejected_reason.clone()),
            quality_score: order.quality_score.as_ref().map(|_| self.quality.clone()),
            category: order.category.as_ref().map(|_| self.category.to_owned()),
            silent: order.silent,
            pacing: order.pacing.map(|_| PacingOrder::Released),
            ..TemplateOrder::default()
        }
    }

    /// How often it was paused for its quality.
    pub(crate) fn pauses(&self) -> u32 {
        self.pauses
    }

    /// When it was last paused as a utility template.
    pub(crate) fn utility_pause(&self) -> Option<u64> {
        self.utility_pause_us
    }

    fn note_pause(&mut self, now_us: u64) {
        if self.status == "PAUSED" && self.category == UTILITY {
            self.utility_pause_us = Some(now_us);
        }
    }

    /// The pause that it is in.
    pub(crate) fn pause(&self) -> Option<Pause> {
        (self.status == "PAUSED" && !self.is_dropped)
            .then_some(Pause { nth: self.pauses, hours: if self.pauses <= 1 { 3 } else { 6 } })
    }

    /// What was held back is dropped: an approved template is paused, beside the ladder. What webhooks tell of it.
    pub(crate) fn pause_for_pacing(&mut self, now_us: u64) -> Option<Told> {
        (self.status == "APPROVED").then(|| {
            self.status = "PAUSED".to_owned();
            self.is_dropped = true;
            self.note_pause(now_us);
            self.tell_status("APPROVED")
        })
    }

    /// Counts an edit of an approved template, unless there were too many (Meta: one in 24 hours, ten in 30 days).
    pub(crate) fn count_edit(&mut self, now_us: u64) -> bool {
        let within = |at_us: &u64, span: u64| now_us.saturating_sub(*at_us) < span;
        self.edits_us.retain(|at_us| within(at_us, 30 * DAY_US));
        let may = self.edits_us.len() < 10 && !self.edits_us.iter().any(|at_us| within(at_us, DAY_US));
        if may {
            self.edits_us.push(now_us);
        }
        may
    }

    /// Does as ordered, and says what webhooks tell of it.
    pub(crate) fn obey(&mut self, order: &TemplateOrder, now_us: u64) -> Vec<Told> {
        let mut told = Vec::new();
        let status = order.status.as_ref().filter(|status| **status != self.status);
        if let Some(status) = status {
            let before = std::mem::replace(&mut self.status, status.clone());
            self.pauses += u32::from(status == "PAUSED");
            self.note_pause(now_us);
            self.is_dropped = false;
            self.rejected_reason = order.reason.clone().unwrap_or_else(|| "NONE".to_owned());
            told.push(self.tell_status(&before));
        }
        if let Some(score) = order.quality_score.as_ref().filter(|score| **score != self.quality) {
            let before = std::mem::replace(&mut self.quality, score.clone());
            let value = json!({ "previous_quality_score": before, "new_quality_score": score });
            told.push(self.told("message_template_quality_update", value));
        }
        let category = order.category.as_deref().and_then(category_of);
        if let Some(category) = category.filter(|category| *category != self.category) {
            let before = std::mem::replace(&mut self.category, category);
            let value = json!({ "previous_category": before, "new_category": category });
            told.push(self.told("template_category_update", value));
        }
        told
    }

    fn tell_status(&self, before: &str) -> Told {
        let mut value = json!({
            "event": self.status, "reason": self.rejected_reason, "message_template_category": self.category,
        });
        if let Some((title, description)) = self.about_status(before) {
            value["other_info"] = json!({ "title": title, "description": description });
        }
        self.told("message_template_status_update", value)
    }

    /// What Meta says besides of pauses and of what follows them.
    fn about_status(&self, before: &str) -> Option<(&'static str, String)> {
        if let Some(Pause { nth, hours }) = self.pause() {
            let title = if nth <= 1 { "FIRST_PAUSE" } else { "SECOND_PAUSE" };
            return Some((title, format!("Your WhatsApp message template has been paused for {hours} hours.")));
        }
        let words = match self.status.as_str() {
            "PAUSED" => ("RATE_LIMITING_PAUSE", "Your WhatsApp message template has been paused until you unpause it."),
            "APPROVED" if before == "PAUSED" => ("UNPAUSE", "Your WhatsApp message template has been unpaused."),
            "DISABLED" if self.pauses > 0 => ("DISABLED", "Your WhatsApp message template has been disabled."),
            _ => return None,
        };
        Some((words.0, words.1.to_owned()))
    }

    /// Meta writes the language of templates with a dash in some webhooks.
    fn told(&self, field: &'static str, mut value: Value) -> Told {
        value["message_template_id"] = json!(self.id);
        value["message_template_name"] = json!(self.name);
        value["message_template_language"] = match field {
            "template_category_update" => json!(self.language.replace('_', "-")),
            _ => json!(self.language),
        };
        Told { waba: self.waba, field, value }
    }
}
