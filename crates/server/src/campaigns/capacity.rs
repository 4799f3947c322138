//! Whether a campaign's recipients fit: each of its windows against the numbers, and beside what is promised to other runs.
//! Pure.

use dawncast_core::{
    UnixMs,
    admission::{self, Promised},
    campaign::{CampaignSpec, Load},
    plan::{self, Forecast, Sender, Shortage, Terms},
    window::Opening,
};
use serde::Serialize;

use super::{check::senders, facts::Facts};
use crate::time::rfc3339;

/// What the windows of a campaign come to.
pub(super) struct Capacity {
    /// From the first recipient to the last.
    pub(super) opening: Opening,
    /// Of the fullest window.
    pub(super) forecast: Forecast,
    /// Each window, where there may be several.
    pub(super) windows: Vec<WindowLoad>,
    /// What of the windows belongs to other runs.
    pub(super) promised: Vec<Promised>,
    /// What does not fit.
    pub(super) complaints: Vec<Complaint>,
}

/// Something that does not fit.
pub(super) struct Complaint {
    /// What to change, as a JSON pointer.
    pub(super) pointer: &'static str,
    /// Why, with the arithmetic.
    pub(super) why: String,
    /// No time makes it fit: the numbers cannot follow the step.
    pub(super) hopeless: bool,
}

/// Recipients who live by clocks that show the scheduled time at once, or nearly.
#[derive(Debug, Serialize)]
pub(super) struct WindowLoad {
    timezones: Vec<&'static str>,
    opens_at: String,
    closes_at: String,
    deadline_at: String,
    recipients: u64,
    utilisation: Option<f64>,
}

impl WindowLoad {
    fn of(load: &Load, forecast: &Forecast) -> Self {
        Self {
            timezones: load.zones.iter().map(|zone| zone.name()).collect(),
            opens_at: rfc3339(load.opening.opens_at),
            closes_at: rfc3339(load.opening.closes_at),
            deadline_at: rfc3339(load.opening.deadline_at),
            recipients: load.recipients,
            utilisation: forecast.utilisation,
        }
    }
}

impl Capacity {
    /// Of what `spec` sends first, from `senders`.
    pub(super) fn of(spec: &CampaignSpec, facts: &Facts, now: UnixMs, headroom: f64) -> Self {
        let opening = opening(spec, facts, now);
        let (own_clocks, senders) = (spec.schedule.is_per_recipient(), shared_senders(facts));
        let loads = match &facts.first {
            Some(first) => spec.loads(first, &facts.zones, now, facts.meant),
            // A schedule that never comes is a fault of its own; what it would come to does not matter.
            None => vec![Load { opening, zones: vec![spec.schedule.zone()], recipients: facts.meant }],
        };
        let (mut fullest, mut windows, mut all_promised): (Option<Forecast>, _, Vec<Promised>) = (None, vec![], vec![]);
        let mut complaints = Vec::new();
        for load in &loads {
            let terms = terms(spec, load.opening, headroom);
            let forecast = plan::forecast(load.recipients, &senders, &terms);
            let promised = admission::promised(&load.opening, spec.priority, &facts.promises);
            let short = plan::shortages(load.recipients, &senders, &terms);
            let place = if own_clocks { format!("in {}: ", load.named()) } else { String::new() };
            let watch = spec.canary_takes();
            complaints.extend(short.iter().map(|shortage| Complaint {
                pointer: pointer(shortage),
                hopeless: matches!(shortage, Shortage::Pace { .. }),
                why: format!("{place}{shortage}{watch}"),
            }));
            complaints.extend(admission::crowded(&forecast, &promised).map(|why| Complaint {
                pointer: "/window/closes",
                hopeless: false,
                why: format!("{place}{why}{watch}"),
            }));
            windows.extend(own_clocks.then(|| WindowLoad::of(load, &forecast)));
            all_promised.extend(promised);
            let fuller =
                |than: &Forecast| forecast.utilisation.unwrap_or(f64::MAX) > than.utilisation.unwrap_or(f64::MAX);
            if fullest.as_ref().is_none_or(fuller) {
                fullest = Some(forecast);
            }
        }
        let forecast = fullest.expect("there is a window");
        Self { opening, forecast, windows, promised: all_promised, complaints }
    }
}

/// The window of its first run, from the first recipient to the last.
pub(super) fn opening(spec: &CampaignSpec, facts: &Facts, now: UnixMs) -> Opening {
    match &facts.first {
        Some(first) => spec.opening(first, &facts.zones, now),
        None => spec.window.around(now, now),
    }
}

/// The numbers, each with its share of what Meta's messaging limit leaves, where that suffices, and held to what its
/// caps leave.
fn shared_senders(facts: &Facts) -> Vec<Sender> {
    let mut senders = senders(facts);
    if let Some(quota) = facts.quota.as_ref().filter(|quota| quota.shortfall(facts.meant, &senders).is_none()) {
        quota.share(facts.meant, &mut senders);
    }
    let held = |sender: Sender| {
        let left = facts.caps_left.get(&sender.id).copied();
        sender.held_to(left)
    };
    senders.into_iter().map(held).collect()
}

/// Whose hours are which is known once the audience is read, at freeze.
pub(super) fn terms(spec: &CampaignSpec, opening: Opening, headroom: f64) -> Terms {
    let (opens_at, closes_at) = (opening.opens_at, spec.without_watch(opening.closes_at));
    Terms { opens_at, closes_at, headroom, jitter: spec.jitter, hours: Vec::new() }
}

/// What to change so that the recipients fit.
fn pointer(shortage: &Shortage) -> &'static str {
    match shortage {
        Shortage::Window(_) | Shortage::Hours { .. } => "/window/closes",
        Shortage::Steps { .. } | Shortage::Pace { .. } => "/jitter/step",
    }
}
