//! How users think of numbers and templates: who blocks a number counts against it and against the template that they were sent
//! last (Meta: quality ratings, template pausing).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::micros;
use crate::cloud::Cloud;
use crate::insights::Metric;
use crate::rules::Rules;
use crate::standing::NumberOrder;
use crate::templates::{Pause, TemplateOrder};

/// What is rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rated {
    /// By its place.
    Number(usize),
    /// By its id.
    Template(u64),
}

/// What blocks come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Rating {
    #[default]
    Green,
    Yellow,
    Red,
}

impl Rating {
    fn name(self) -> String {
        match self {
            Self::Green => "GREEN",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
        }
        .to_owned()
    }

    fn of(blocks: usize, rules: &Rules) -> Self {
        match blocks {
            n if n >= rules.red_blocks as usize => Self::Red,
            n if n >= rules.yellow_blocks as usize => Self::Yellow,
            _ => Self::Green,
        }
    }
}

/// The blocks that count, oldest first, and what they came to at last.
#[derive(Default)]
struct Record {
    blocks_us: Vec<u64>,
    rating: Rating,
}

/// The records of all numbers and templates that anybody blocked.
#[derive(Default)]
pub(crate) struct Quality(Mutex<HashMap<Rated, Record>>);

impl Quality {
    fn lock(&self) -> MutexGuard<'_, HashMap<Rated, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, rated: Rated, now_us: u64) {
        self.lock().entry(rated).or_default().blocks_us.push(now_us);
    }

    /// Forgets the blocks of a template that is no longer paused.
    fn forget(&self, template: u64) {
        self.lock().remove(&Rated::Template(template));
    }

    /// What it is rated now, if that has changed: before and after.
    fn change(&self, rated: Rated, rules: &Rules, now_us: u64) -> Option<(Rating, Rating)> {
        let mut all = self.lock();
        let record = all.get_mut(&rated)?;
        record.blocks_us.retain(|at_us| now_us.saturating_sub(*at_us) < micros(rules.quality_span));
        let after = Rating::of(record.blocks_us.len(), rules);
        let before = std::mem::replace(&mut record.rating, after);
        (before != after).then_some((before, after))
    }
}

impl Cloud {
    /// A user has blocked a number, having been sent this template last.
    pub(crate) fn count_block(&self, number: usize, template: Option<u64>) {
        let (now_us, span) = (self.clock.now_us(), self.rules.get().quality_span);
        if let Some(template) = template {
            self.insights.count(template, false, now_us, Metric::Blocked);
        }
        let rated = [Some(Rated::Number(number)), template.map(Rated::Template)];
        for rated in rated.into_iter().flatten() {
            self.quality.count(rated, now_us);
            self.rate(rated);
            self.after(span, move |cloud| cloud.rate(rated));
        }
    }

    fn rate(&self, rated: Rated) {
        let rules = self.rules.get();
        let Some((before, after)) = self.quality.change(rated, &rules, self.clock.now_us()) else { return };
        match rated {
            Rated::Number(place) => self.rate_number(place, before, after, rules.flags_numbers),
            Rated::Template(id) => self.rate_template(id, after),
        }
    }

    fn rate_number(&self, place: usize, before: Rating, after: Rating, flags: bool) {
        let status = match (before, after) {
            (_, Rating::Red) if flags => Some("FLAGGED"),
            (Rating::Red, _) if flags => Some("CONNECTED"),
            _ => None,
        };
        // Who is banned or taken off is not connected for its quality.
        let stands = self.standings.refuses(place).is_none();
        let status = status.filter(|_| stands).map(str::to_owned);
        let order = NumberOrder { status, quality_rating: Some(after.name()), ..NumberOrder::default() };
        self.order_number(&self.numbers[place].id, order).expect("the number and the words are known");
    }

    fn rate_template(&self, id: u64, after: Rating) {
        let order = TemplateOrder { quality_score: Some(after.name()), ..TemplateOrder::default() };
        self.obey_template(id, &order);
        let is_approved = self.templates.by_id(id).is_some_and(|template| template.status == "APPROVED");
        if after == Rating::Red && is_approved {
            self.pause_for_quality(id);
        }
    }

    /// Meta's ladder: three hours, then six, then never again.
    fn pause_for_quality(&self, id: u64) {
        let pauses = self.templates.by_id(id).map_or(0, |template| template.pauses());
        let status = if pauses < 2 { "PAUSED" } else { "DISABLED" };
        self.obey_template(id, &TemplateOrder { status: Some(status.to_owned()), ..TemplateOrder::default() });
    }

    /// A pause ends by itself, unless it is no more, or another.
    pub(crate) fn end_pause_later(&self, id: u64) {
        let pause = self.templates.by_id(id).and_then(|template| template.pause());
        let Some(pause @ Pause { hours, .. }) = pause else { return };
        self.after(Duration::from_secs(hours * 3600), move |cloud| {
            if cloud.templates.by_id(id).and_then(|template| template.pause()) == Some(pause) {
                cloud.unpause(id);
            }
        });
    }

    /// The template is approved again; if it was rated low, its quality is unknown until it is rated anew.
    pub(crate) fn unpause(&self, id: u64) {
        self.quality.forget(id);
        self.pacing.forget(id);
        let was_red = self.templates.by_id(id).is_some_and(|template| template.quality == "RED");
        let (status, quality_score) = (Some("APPROVED".to_owned()), was_red.then(|| "UNKNOWN".to_owned()));
        self.obey_template(id, &TemplateOrder { status, quality_score, ..TemplateOrder::default() });
    }
}
