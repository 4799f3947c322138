//! The message templates of each account: what is approved from the start, what is created and reviewed, and what Meta makes
//! of them later, by order (`POST /_sim/templates/{name}`).

mod life;
mod order;

use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::SimError;
use crate::parts::Parts;

pub(crate) use life::Pause;
pub use order::TemplateOrder;
pub(crate) use order::one_of;

/// The category of templates that promote.
pub(crate) const MARKETING: &str = "MARKETING";

/// The category of templates that carry one-time codes.
pub(crate) const AUTHENTICATION: &str = "AUTHENTICATION";

/// The category of templates that tell of what a user has ordered or asked for.
pub(crate) const UTILITY: &str = "UTILITY";

pub(crate) const CATEGORIES: [&str; 3] = [UTILITY, MARKETING, AUTHENTICATION];

/// A template in one language, in one account.
#[derive(Clone)]
pub(crate) struct Template {
    /// Meta's: an integer in webhooks, a string elsewhere.
    pub(crate) id: u64,
    /// Its account's place.
    pub(crate) waba: usize,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) category: &'static str,
    pub(crate) status: String,
    pub(crate) quality: String,
    pub(crate) rejected_reason: String,
    /// Whether its variables have names.
    pub(crate) is_named: bool,
    /// Meta: `message_send_ttl_seconds`; -1 is the longest.
    pub(crate) ttl_seconds: Option<i64>,
    /// As they were given, types in capitals.
    pub(crate) components: Vec<Value>,
    /// How often it was paused: hours at first, then for good (Meta: template pausing).
    pauses: u32,
    /// It is paused because what was held back was dropped, so until it is unpaused by hand.
    is_dropped: bool,
    /// When it was last paused as a utility template.
    utility_pause_us: Option<u64>,
    /// When it was created; 0 of those that every simulator starts with.
    created_us: u64,
    /// When it was edited while it was approved.
    edits_us: Vec<u64>,
    /// When it was deleted, and whether it was approved then: its name is locked for 30 days.
    deleted: Option<(u64, bool)>,
}

/// Meta's word for a category, given in any case.
pub(crate) fn category_of(text: &str) -> Option<&'static str> {
    CATEGORIES.into_iter().find(|category| category.eq_ignore_ascii_case(text))
}

/// What a webhook tells of a template.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) waba: usize,
    pub(crate) field: &'static str,
    pub(crate) value: Value,
}

const OFFER_BODY: &str = "{{1}}, this week: three lessons for the price of two.";
const DAILY_BODY: &str = "Good morning {{1}}, here is your pack for today.";
/// Meta: how long the name of an approved template cannot be given again.
const NAME_LOCK_US: u64 = 30 * 24 * 3600 * 1_000_000;
/// Meta: how long a message waits for a phone that is off, unless its template says otherwise; and a one-time code.
pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
const CODE_LIFE: Duration = Duration::from_secs(600);
/// Meta: templates that an account creates in any hour.
const CREATIONS: usize = 100;
const HOUR_US: u64 = 3600 * 1_000_000;
const FIRST_ID: u64 = 500_000_000_000_001;

impl Template {
    /// A template that every simulator starts with.
    fn approved(name: &str, language: &str, category: &'static str, image_header: bool, body: &str) -> Self {
        let mut components = Vec::new();
        if image_header {
            let example = json!({ "header_handle": ["https://example.com/header.jpg"] });
            components.push(json!({ "type": "HEADER", "format": "IMAGE", "example": example }));
        }
        let mut text = json!({ "type": "BODY", "text": body });
        if body.contains("{{") {
            text["example"] = json!({ "body_text": [["Asha"]] });
        }
        components.push(text);
        Self {
            id: 0,
            waba: 0,
            name: name.to_owned(),
            language: language.to_owned(),
            category,
            status: "APPROVED".to_owned(),
            quality: "GREEN".to_owned(),
            rejected_reason: "NONE".to_owned(),
            is_named: false,
            ttl_seconds: None,
            components,
            pauses: 0,
            is_dropped: false,
            utility_pause_us: None,
            created_us: 0,
            edits_us: Vec::new(),
            deleted: None,
        }
    }

    fn first() -> [Self; 5] {
        let welcome = "Welcome and congratulations! This message tells that it works.";
        [
            Self::approved("hello_world", "en_US", "UTILITY", false, welcome),
            Self::approved("daily_pack_v1", "en_IN", "UTILITY", true, DAILY_BODY),
            Self::approved("daily_pack_v2", "en_IN", "UTILITY", true, DAILY_BODY),
            Self::approved("daily_text_v1", "en_IN", "UTILITY", false, DAILY_BODY),
            Self::approved("weekly_offer_v1", "en_IN", MARKETING, false, OFFER_BODY),
        ]
    }

    /// One that was just created: it waits for its review.
    pub(crate) fn pending(
        waba: usize,
        name: &str,
        language: &str,
        category: &'static str,
        is_named: bool,
        components: Vec<Value>,
    ) -> Self {
        let pending = Self::approved(name, language, category, false, "");
        Self { waba, status: "PENDING".to_owned(), quality: "UNKNOWN".to_owned(), is_named, components, ..pending }
    }

    /// Whether an order is for it.
    fn is_meant(&self, name: &str, waba: Option<usize>, order: &TemplateOrder) -> bool {
        self.deleted.is_none()
            && self.name == name
            && waba.is_none_or(|waba| waba == self.waba)
            && order.language.as_ref().is_none_or(|language| *language == self.language)
    }

    fn is(&self, waba: usize, name: &str, language: &str) -> bool {
        self.waba == waba && self.name == name && self.language == language
    }

    /// Why its name cannot be given again in its language, if it cannot.
    fn holds_name(&self, now_us: u64) -> Option<NotFree> {
        match self.deleted {
            None => Some(NotFree::Taken),
            Some((at_us, true)) if now_us.saturating_sub(at_us) < NAME_LOCK_US => Some(NotFree::Locked),
            Some(_) => None,
        }
    }

    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts::of(&self.components, self.is_named)
    }

    /// How long a message of it waits for a phone that is off.
    pub(crate) fn time_to_live(&self) -> Duration {
        match self.ttl_seconds {
            Some(seconds) => u64::try_from(seconds).map_or(LONGEST_LIFE, Duration::from_secs),
            None if self.category == AUTHENTICATION => CODE_LIFE,
            None => LONGEST_LIFE,
        }
    }

    /// The template as the management API shows it, with every field.
    pub(crate) fn node(&self) -> Value {
        json!({
            "id": self.id.to_string(), "name": self.name, "language": self.language, "category": self.category,
            "status": self.status, "parameter_format": if self.is_named { "NAMED" } else { "POSITIONAL" },
            "components": self.components, "quality_score": { "score": self.quality },
            "rejected_reason": self.rejected_reason, "message_send_ttl_seconds": self.ttl_seconds,
        })
    }
}

/// Why a template cannot be created.
#[derive(Debug)]
pub(crate) enum NotFree {
    /// The account has it in that language already.
    Taken,
    /// It had it, approved, and deleted it less than 30 days ago.
    Locked,
    /// The account has created 100 in the last hour.
    TooMany,
}

/// The templates of all accounts.
pub(crate) struct Templates(RwLock<Vec<Arc<Template>>>);

impl Templates {
    /// Every account has those approved from the start.
    pub(crate) fn of(wabas: usize) -> Self {
        let all = (0..wabas).flat_map(|waba| Template::first().map(|template| Template { waba, ..template }));
        let numbered = all.zip(FIRST_ID..).map(|(template, id)| Arc::new(Template { id, ..template }));
        Self(RwLock::new(numbered.collect()))
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Vec<Arc<Template>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn first_that(&self, is_it: impl Fn(&Template) -> bool) -> Option<Arc<Template>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|it| it.deleted.is_none() && is_it(it)).cloned()
    }

    /// Those that were not deleted.
    pub(crate) fn all(&self) -> Vec<Arc<Template>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|it| it.deleted.is_none()).cloned().collect()
    }

    pub(crate) fn find(&self, waba: usize, name: &str, language: &str) -> Option<Arc<Template>> {
        self.first_that(|it| it.is(waba, name, language))
    }

    pub(crate) fn by_id(&self, id: u64) -> Option<Arc<Template>> {
        self.first_that(|it| it.id == id)
    }

    /// When a utility template of the account was last paused, one that was deleted since included.
    pub(crate) fn last_utility_pause(&self, waba: usize) -> Option<u64> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|it| it.waba == waba).filter_map(|it| it.utility_pause()).max()
    }

    /// Adds a template, unless its name is taken in that language or locked, or the account has created too many.
    pub(crate) fn create(&self, template: Template, now_us: u64) -> Result<Arc<Template>, NotFree> {
        let mut all = self.lock();
        let mut same = all.iter().filter(|it| it.is(template.waba, &template.name, &template.language));
        if let Some(fault) = same.find_map(|it| it.holds_name(now_us)) {
            return Err(fault);
        }
        let is_recent = |at_us: u64| at_us > 0 && now_us.saturating_sub(at_us) < HOUR_US;
        if all.iter().filter(|it| it.waba == template.waba && is_recent(it.created_us)).count() >= CREATIONS {
            return Err(NotFree::TooMany);
        }
        let id = FIRST_ID + all.len() as u64;
        let created = Arc::new(Template { id, created_us: now_us, ..template });
        all.push(Arc::clone(&created));
        Ok(created)
    }

    /// Deletes templates. They keep their places, so that no id is given twice.
    pub(crate) fn delete(&self, ids: &[u64], now_us: u64) {
        for template in self.lock().iter_mut().filter(|it| ids.contains(&it.id)) {
            let template = Arc::make_mut(template);
            template.deleted = Some((now_us, template.status == "APPROVED"));
        }
    }

    /// Changes one, if it is there and was not deleted.
    pub(crate) fn change<T>(&self, id: u64, change: impl FnOnce(&mut Template) -> T) -> Option<T> {
        let mut all = self.lock();
        let template = all.iter_mut().find(|it| it.deleted.is_none() && it.id == id)?;
        Some(change(Arc::make_mut(template)))
    }

    /// The orders that take another back, each with its template's id.
    pub(crate) fn as_before(
        &self,
        name: &str,
        waba: Option<usize>,
        order: &TemplateOrder,
    ) -> Vec<(u64, TemplateOrder)> {
        let meant = self.all().into_iter().filter(|it| it.is_meant(name, waba, order));
        meant.map(|it| (it.id, it.as_before(order))).collect()
    }

    /// Orders what Meta makes of a template. Its ids, and what webhooks tell of it: nothing where that is to be silent.
    pub(crate) fn order(
        &self,
        name: &str,
        waba: Option<usize>,
        order: &TemplateOrder,
        now_us: u64,
    ) -> Result<(Vec<u64>, Vec<Told>), SimError> {
        order.check()?;
        let mut all = self.lock();
        let (mut told, mut ids) = (Vec::new(), Vec::new());
        for template in all.iter_mut().filter(|it| it.is_meant(name, waba, order)) {
            ids.push(template.id);
            told.extend(Arc::make_mut(template).obey(order, now_us));
        }
        if ids.is_empty() {
            let remedy = format!("there is no template `{name}` in that language and account");
            return Err(SimError::Order { field: "template", remedy });
        }
        Ok((ids, if order.silent { Vec::new() } else { told }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(status: &str) -> TemplateOrder {
        TemplateOrder { status: Some(status.to_owned()), ..TemplateOrder::default() }
    }

    #[test]
    fn what_changes_is_told_once_for_each_account() {
        let templates = Templates::of(2);
        let (_, told) = templates.order("daily_pack_v1", None, &order("PAUSED"), 0).unwrap();
        assert_eq!(told.iter().map(|told| told.waba).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(told[0].value["other_info"]["title"], "FIRST_PAUSE");
        assert!(told[0].value["message_template_id"].is_u64());
        assert!(templates.order("daily_pack_v1", None, &order("PAUSED"), 0).unwrap().1.is_empty(), "nothing changed");
    }

    #[test]
    fn one_account_may_have_it_paused_and_the_other_not() {
        let templates = Templates::of(2);
        templates.order("daily_pack_v1", Some(1), &order("PAUSED"), 0).unwrap();
        let status = |waba| templates.find(waba, "daily_pack_v1", "en_IN").unwrap().status.clone();
        assert_eq!([status(0), status(1)], ["APPROVED", "PAUSED"]);
    }

    #[test]
    fn the_second_pause_is_longer() {
        let templates = Templates::of(1);
        for status in ["PAUSED", "APPROVED"] {
            templates.order("daily_pack_v1", None, &order(status), 0).unwrap();
        }
        let (_, told) = templates.order("daily_pack_v1", None, &order("PAUSED"), 0).unwrap();
        assert_eq!(told[0].value["other_info"]["title"], "SECOND_PAUSE");
    }

    #[test]
    fn nothing_is_made_of_a_deleted_template_and_nothing_told() {
        let templates = Templates::of(1);
        let id = templates.find(0, "daily_pack_v1", "en_IN").unwrap().id;
        templates.delete(&[id], 0);
        assert!(
            templates.change(id, |template| template.obey(&order("PAUSED"), 0)).is_none(),
            "a late review is silent"
        );
        assert!(templates.order("daily_pack_v1", None, &order("PAUSED"), 0).is_err());
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused() {
        let templates = Templates::of(1);
        assert!(templates.order("nope", None, &order("PAUSED"), 0).unwrap_err().to_string().contains("template"));
        assert!(templates.order("hello_world", None, &order("SLEEPY"), 0).unwrap_err().to_string().contains("status"));
    }
}
