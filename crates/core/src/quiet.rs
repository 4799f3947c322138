//! When nobody is to be disturbed: quiet hours by the recipient's own clock, and blackout dates by the campaign's.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use crate::{
    UnixMs,
    fault::{Faults, read::Node},
    schedule::{instant, parse_zone, shown},
    window::{Late, Opening, Window},
};

/// How an hour is written.
const HOUR: &str = "%H:%M";

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stretch {
    /// Its first millisecond.
    pub from: UnixMs,
    /// The first millisecond after it.
    pub until: UnixMs,
}

/// Hours of every day in which a recipient is left alone, by the recipient's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct QuietHours {
    /// When they begin.
    #[serde(serialize_with = "write_hour")]
    pub from: NaiveTime,
    /// When they are over; the next morning, where that is no later than `from`.
    #[serde(serialize_with = "write_hour")]
    pub to: NaiveTime,
}

fn write_hour<S: Serializer>(hour: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&hour.format(HOUR))
}

impl QuietHours {
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (from, to) = (fields.required("from", read_hour), fields.required("to", read_hour));
            let quiet = Self { from: from?, to: to? };
            match quiet.from == quiet.to {
                false => Some(quiet),
                true => fields.fault_at("to", "is when they begin: that leaves no hour to send in; give another."),
            }
        })
    }

    /// The quiet stretches that touch the time from `from` to before `until`, where the clock hangs in `zone`.
    ///
    /// An hour that the clock shows twice is quiet from the first time on and until the last.
    fn stretches(self, zone: Tz, from: UnixMs, until: UnixMs) -> Vec<Stretch> {
        let over_night = u64::from(self.to <= self.from);
        let stretch = |date: NaiveDate| {
            let until = (date + Days::new(over_night)).and_time(self.to);
            let last = zone.from_local_datetime(&until).latest().map(|last| last.timestamp_millis());
            Stretch {
                from: instant(date.and_time(self.from), zone),
                until: last.unwrap_or_else(|| instant(until, zone)),
            }
        };
        dates(zone, from, until).map(stretch).collect()
    }
}

fn read_hour(node: &Node<'_>) -> Option<NaiveTime> {
    let text = node.text()?;
    let hour = NaiveTime::parse_from_str(text, HOUR).ok().filter(|_| text.len() == "21:00".len());
    hour.or_else(|| node.fault(format!("`{text}` is not an hour of the day: write it like `21:00`.")))
}

/// The dates that the clock in `zone` shows from `from` to `until`, and the one before, whose night may reach in.
fn dates(zone: Tz, from: UnixMs, until: UnixMs) -> impl Iterator<Item = NaiveDate> {
    let (first, last) = (shown(from, zone).date() - Days::new(1), shown(until, zone).date());
    first.iter_days().take_while(move |date| *date <= last)
}

impl Window {
    /// Whether the campaign rests on `date`, which is one of the schedule's calendar.
    pub fn is_blacked_out(&self, date: NaiveDate) -> bool {
        self.blackout.contains(&date)
    }

    /// When, from `from` to before `until`, a message may go out to somebody whose clock hangs in `own`: on no blackout
    /// date of the schedule's zone, `home`, and in no quiet hour. In order, with time between them.
    pub fn open_hours(&self, home: Tz, own: Tz, from: UnixMs, until: UnixMs) -> Vec<Stretch> {
        let day = |date: NaiveDate| {
            let midnight = |date: NaiveDate| instant(date.and_time(NaiveTime::MIN), home);
            Stretch { from: midnight(date), until: midnight(date + Days::new(1)) }
        };
        let mut closed: Vec<_> = self.quiet_hours.map_or_else(Vec::new, |quiet| quiet.stretches(own, from, until));
        closed.extend(self.blackout.iter().copied().map(day));
        closed.sort_unstable();
        without(Stretch { from, until }, &closed)
    }

    /// Whether blackout dates leave the run at `date`, whose window is `open`, anything.
    pub(crate) fn check_blackout(&self, home: Tz, date: NaiveDate, open: Stretch) -> Faults {
        let mut faults = Faults::new();
        let days = Self { quiet_hours: None, ..self.clone() };
        if let Some(place) = self.blackout.iter().position(|listed| *listed == date) {
            let detail = format!("{date} is the day that it is scheduled for: schedule another, or take the date out.");
            faults.add(format!("/window/blackout/{place}"), detail);
        } else if open.from < open.until && days.open_hours(home, home, open.from, open.until).is_empty() {
            let detail = "the whole window lies on these dates: schedule another day, or take one out.";
            faults.add("/window/blackout", detail);
        }
        faults
    }
}

/// What `closed`, in order, leaves of `stretch`.
fn without(stretch: Stretch, closed: &[Stretch]) -> Vec<Stretch> {
    let mut open = Vec::new();
    let mut from = stretch.from;
    let touches = |quiet: &&Stretch| quiet.from.max(stretch.from) < quiet.until.min(stretch.until);
    for quiet in closed.iter().filter(touches) {
        if quiet.from > from {
            open.push(Stretch { from, until: quiet.from });
        }
        from = from.max(quiet.until);
    }
    if from < stretch.until {
        open.push(Stretch { from, until: stretch.until });
    }
    open
}

/// How far into the time after a window a plan may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Not at all: until each window closes.
    Closes,
    /// Until the deadline of each window that had opened before the plan begins; of a campaign that sends late, as far as the
    /// plan goes.
    Deadline,
    /// As far as the plan goes: what is late expires, or is sent late.
    Ever,
}

/// The clocks that the recipients of a run live by, each once.
#[derive(Debug)]
pub struct Clocks {
    window: Window,
    home: Tz,
    reach: Stretch,
    /// What each recipient's own clock shows when the run is for them; `None` where the run has one time for all.
    own: Option<NaiveDateTime>,
    /// How far a recipient's window is looked at for whether there is any time to reach them.
    admits: Until,
    zones: Vec<Tz>,
}

impl Clocks {
    /// Of a run in `window`, scheduled in the zone `home`, that may reach its recipients within `reach`.
    pub fn new(window: &Window, home: Tz, reach: Stretch) -> Self {
        Self { window: window.clone(), home, reach, own: None, admits: Until::Closes, zones: Vec::new() }
    }

    /// Each recipient's window is around the moment at which their own clock shows `civil`; a run that starts late, or was
    /// forced, may also use the time that `admits` names.
    #[must_use]
    pub fn each_own(self, civil: Option<NaiveDateTime>, admits: Until) -> Self {
        Self { own: civil, admits, ..self }
    }

    /// The clock of a recipient who names `timezone`, as a place in [`Clocks::hours`]. Whoever names none lives by the
    /// schedule's.
    ///
    /// # Errors
    /// Why nothing may be sent to the recipient at all.
    pub fn of(&mut self, timezone: Option<&str>) -> Result<u16, String> {
        // Otherwise everybody may be reached at the same times.
        let matters = self.window.quiet_hours.is_some() || self.own.is_some();
        let named = timezone.filter(|_| matters).map(parse_zone).transpose();
        let zone = named.map_err(|why| format!("what time it is there cannot be told: {why}"))?.unwrap_or(self.home);
        if let Some(place) = self.zones.iter().position(|known| *known == zone) {
            return Ok(place as u16);
        }
        if !self.is_over(zone) && self.open(zone, self.reach, self.admits).is_empty() {
            return Err(self.refusal(zone));
        }
        self.zones.push(zone);
        Ok(self.zones.len() as u16 - 1)
    }

    fn refusal(&self, zone: Tz) -> String {
        match self.window.quiet_hours {
            Some(QuietHours { from, to }) => {
                format!("the whole window is quiet in {zone}, from {} to {}", from.format(HOUR), to.format(HOUR))
            }
            None => "the whole window lies on blackout dates".to_owned(),
        }
    }

    /// When each clock's recipients may be reached from `from` to before `to`, and no longer than `until` says.
    pub fn hours(&self, from: UnixMs, to: UnixMs, until: Until) -> Vec<Vec<Stretch>> {
        self.zones.iter().map(|zone| self.open(*zone, Stretch { from, until: to }, until)).collect()
    }

    /// Whether each recipient's own clock is meant.
    pub fn are_own(&self) -> bool {
        self.own.is_some()
    }

    /// By when those of a clock must have heard; `None` where the run has one time for all.
    pub fn deadline(&self, clock: u16) -> Option<UnixMs> {
        Some(self.own_window(self.zones[usize::from(clock)])?.deadline_at)
    }

    /// Whether those of a clock hear nothing any more: their deadline was over before the run could reach anybody.
    pub fn is_too_late(&self, clock: u16) -> bool {
        self.is_over(self.zones[usize::from(clock)])
    }

    fn is_over(&self, zone: Tz) -> bool {
        let expires = self.window.late == Late::Expire;
        expires && self.own_window(zone).is_some_and(|own| own.deadline_at <= self.reach.from)
    }

    fn own_window(&self, zone: Tz) -> Option<Opening> {
        Some(self.window.around(instant(self.own?, zone), UnixMs::MIN))
    }

    fn open(&self, zone: Tz, reach: Stretch, until: Until) -> Vec<Stretch> {
        let Some(own) = self.own_window(zone) else {
            return self.window.open_hours(self.home, zone, reach.from, reach.until);
        };
        let sends_late = self.window.late == Late::Send;
        let end = match until {
            Until::Closes => own.closes_at,
            Until::Deadline if own.opens_at >= self.reach.from => own.closes_at,
            Until::Deadline if !sends_late => own.deadline_at,
            Until::Deadline | Until::Ever => reach.until,
        };
        // The dates of their own calendar.
        self.window.open_hours(zone, zone, reach.from.max(own.opens_at), reach.until.min(end))
    }
}

#[cfg(test)]
#[path = "quiet_tests.rs"]
mod tests;
