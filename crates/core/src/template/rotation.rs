//! Versions of a template: campaigns go on naming the first, and what goes out is the version that it was rotated to; those
//! before it stand in where that one is stopped. An approved template can hardly be edited, so a new wording is a new template.

use serde::{Deserialize, Serialize};

use super::trial::{Arm, Finding, Trial};
use crate::{
    UnixMs,
    campaign::{Message, TemplateMessage, TrialShare},
    ids::RunId,
};

/// Changes that are kept, the latest.
const KEPT: usize = 50;

/// What goes out for campaigns that name a template in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The template that campaigns name.
    pub name: String,
    /// Its language, and that of every version.
    pub language: String,
    /// The templates that it was rotated to, from itself on; the last is what goes out.
    pub versions: Vec<String>,
    /// How it came to that, the latest last.
    #[serde(default)]
    pub changes: Vec<Rotated>,
    /// A version that is tried beside the current one.
    #[serde(default)]
    pub trial: Option<Trial>,
}

/// A change of version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// When.
    pub at: UnixMs,
    /// From which version.
    pub from: String,
    /// To which; to the same, where a trial begins, goes on or ends.
    pub to: String,
    /// Why, where nobody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Rotation {
    /// A template that goes out as itself.
    pub fn of(name: &str, language: &str) -> Self {
        let (name, language) = (name.to_owned(), language.to_owned());
        Self { versions: vec![name.clone()], name, language, changes: Vec::new(), trial: None }
    }

    /// The version that goes out.
    pub fn current(&self) -> &str {
        self.versions.last().unwrap_or(&self.name)
    }

    /// The versions in the order in which they go out: the current one, then those before it.
    pub fn in_order(&self) -> impl Iterator<Item = &str> {
        self.versions.iter().rev().map(String::as_str)
    }

    /// Lets another version go out from now on; false when it does already. One that went out before comes to the front. A
    /// trial is over with that.
    pub fn rotate(&mut self, to: &str, at: UnixMs) -> bool {
        if self.current() == to {
            return false;
        }
        self.bring_forward(to, at, None);
        true
    }

    /// Lets the version before this one go out again; false when there is none. A trial is over with that.
    pub fn roll_back(&mut self, at: UnixMs) -> bool {
        if self.versions.len() < 2 {
            return false;
        }
        let from = self.versions.pop().unwrap_or_default();
        self.trial = None;
        self.note(from, at, None);
        true
    }

    /// Tries a version on a share of the recipients, in place of what was tried before; false when it is the one that goes out.
    pub fn start_trial(&mut self, version: &str, share: TrialShare, at: UnixMs) -> bool {
        if self.current() == version {
            return false;
        }
        self.trial = Some(Trial::starting(version, share, at));
        true
    }

    /// Ends the trial: all get the current version; false when nothing is tried.
    pub fn end_trial(&mut self) -> bool {
        self.trial.take().is_some()
    }

    /// Takes what became of the messages of `run`, of the version that is tried and of the current one, and moves the share
    /// where that is evidence; false when nothing of it is new, or another trial goes on by now.
    pub fn learn(&mut self, run: &RunId, arms: [(&str, Arm); 2], at: UnixMs) -> bool {
        let [(version, tried), (other, current)] = arms;
        let is_own = self.current() == other;
        let Some(trial) = self.trial.as_mut().filter(|trial| is_own && trial.version == version) else { return false };
        if !trial.count(run, tried, current) {
            return false;
        }
        let (finding, trial) = (trial.finding(), trial.clone());
        let (version, seen) = (&trial.version, trial.evidence());
        match finding {
            Finding::Open => {}
            Finding::Better => match trial.next(at) {
                Some(next) => {
                    let why = format!("{version} goes to {:.0} % now: {seen}", f64::from(next.share_milli) / 10.0);
                    self.trial = Some(next);
                    self.note(self.current().to_owned(), at, Some(why));
                }
                None => self.bring_forward(version, at, Some(format!("{version} goes to all now: {seen}"))),
            },
            Finding::ReadLess | Finding::FailsMore => {
                let less = if finding == Finding::ReadLess { "is read less" } else { "fails more" };
                self.trial = None;
                self.note(
                    self.current().to_owned(),
                    at,
                    Some(format!("the trial of {version} ends, it {less}: {seen}")),
                );
            }
        }
        true
    }

    fn bring_forward(&mut self, to: &str, at: UnixMs, why: Option<String>) {
        let from = self.current().to_owned();
        self.versions.retain(|version| version != to);
        self.versions.push(to.to_owned());
        self.trial = None;
        self.note(from, at, why);
    }

    fn note(&mut self, from: String, at: UnixMs, why: Option<String>) {
        let to = self.current().to_owned();
        self.changes.push(Rotated { at, from, to, why });
        self.changes.drain(..self.changes.len().saturating_sub(KEPT));
    }

    /// What goes out for `message`, by the rotations of its templates among all there are. Of its first template, a share of the
    /// recipients gets what is tried, unless the campaign tries two itself.
    pub fn applied(all: &[Self], message: &Message) -> Message {
        let of = |named: &TemplateMessage| all.iter().find(|it| it.name == named.name && it.language == named.language);
        let versions = |named: &TemplateMessage| {
            of(named).map_or_else(|| vec![named.clone()], |rotation| rotation.messages(named))
        };
        let rotated = message.rotated(versions);
        let lead = message.templates().next().map(|(_, lead)| lead).filter(|_| message.trial().is_none());
        let trial = lead.and_then(|lead| Some((lead, of(lead)?.trial.as_ref()?)));
        trial.map_or(rotated.clone(), |(lead, trial)| {
            let version = TemplateMessage { name: trial.version.clone(), ..lead.clone() };
            rotated.tried(version, TrialShare::of(trial.share_milli))
        })
    }

    /// The messages that go out for `named`, in order: its versions, all filled in as it is. One that misfits is told and
    /// passed over like any other.
    fn messages(&self, named: &TemplateMessage) -> Vec<TemplateMessage> {
        self.in_order().map(|name| TemplateMessage { name: name.to_owned(), ..named.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rotation: &Rotation) -> Vec<&str> {
        rotation.in_order().collect()
    }

    #[test]
    fn what_went_out_before_stands_behind_what_goes_out() {
        let mut rotation = Rotation::of("v1", "en");
        assert_eq!((rotation.current(), order(&rotation)), ("v1", vec!["v1"]));
        assert!(rotation.rotate("v2", 1) && rotation.rotate("v3", 2));
        assert_eq!(order(&rotation), ["v3", "v2", "v1"]);
        assert!(!rotation.rotate("v3", 3), "it goes out already");
        assert!(rotation.rotate("v1", 4));
        assert_eq!(order(&rotation), ["v1", "v3", "v2"]);
    }

    #[test]
    fn a_rollback_takes_the_last_rotation_back_and_there_is_an_end_to_it() {
        let mut rotation = Rotation::of("v1", "en");
        rotation.rotate("v2", 1);
        assert!(rotation.roll_back(2));
        assert_eq!(order(&rotation), ["v1"]);
        assert!(!rotation.roll_back(3));
        let told: Vec<_> = rotation.changes.iter().map(|it| (it.at, it.from.as_str(), it.to.as_str())).collect();
        assert_eq!(told, [(1, "v1", "v2"), (2, "v2", "v1")]);
    }

    fn arm(of: u64, read: u64) -> Arm {
        Arm { tried: of, failed: 0, delivered: of, read }
    }

    /// A trial of v2 beside v1, from a tenth.
    fn on_trial() -> Rotation {
        let mut rotation = Rotation::of("v1", "en");
        assert!(rotation.start_trial("v2", TrialShare::of(100), 1));
        rotation
    }

    fn run(n: u8) -> RunId {
        format!("run_{n}").parse().expect("an id")
    }

    #[test]
    fn a_version_that_is_read_more_goes_to_half_and_then_to_all() {
        let mut rotation = on_trial();
        let better = [("v2", arm(1_000, 800)), ("v1", arm(9_000, 6_000))];
        assert!(rotation.learn(&run(1), better, 5));
        assert_eq!((rotation.current(), rotation.trial.as_ref().map(|it| it.share_milli)), ("v1", Some(500)));
        assert!(!rotation.learn(&run(1), better, 6), "a run counts once");
        assert!(rotation.learn(&run(2), better, 7));
        assert_eq!((order(&rotation), &rotation.trial), (vec!["v2", "v1"], &None));
        let why: Vec<_> = rotation.changes.iter().filter_map(|it| it.why.as_deref()).collect();
        assert!(why[0].starts_with("v2 goes to 50 % now: 80.0 % of 1000 read against 66.7 % of 9000"), "{why:?}");
        assert!(why[1].starts_with("v2 goes to all now: "), "{why:?}");
        assert!(!rotation.learn(&run(3), better, 8), "the trial is over");
    }

    #[test]
    fn a_version_that_is_read_less_or_fails_more_ends_its_trial() {
        let failing = Arm { tried: 1_000, failed: 200, delivered: 800, read: 700 };
        for (tried, word) in [(arm(1_000, 400), "is read less"), (failing, "fails more")] {
            let mut rotation = on_trial();
            assert!(rotation.learn(&run(1), [("v2", tried), ("v1", arm(9_000, 6_000))], 5));
            assert_eq!((order(&rotation), &rotation.trial), (vec!["v1"], &None));
            let why = rotation.changes[0].why.as_deref().unwrap_or_default();
            assert!(why.starts_with(&format!("the trial of v2 ends, it {word}: ")), "{why}");
        }
    }

    #[test]
    fn what_was_learnt_of_another_trial_moves_nothing() {
        let mut rotation = on_trial();
        let better = |version| [(version, arm(1_000, 900)), ("v1", arm(9_000, 6_000))];
        assert!(!rotation.learn(&run(1), better("v3"), 5));
        assert!(rotation.rotate("v4", 6) && !rotation.learn(&run(1), better("v2"), 7), "a rotation ends it");
        assert!(!rotation.start_trial("v4", TrialShare::of(100), 8), "it goes out already");
    }

    #[test]
    fn what_is_tried_goes_out_beside_the_current_version_of_the_first_template() {
        use serde_json::json;

        let spec = json!({
            "pool": "p", "audience": { "id": "aud_1" }, "schedule": { "type": "now" },
            "message": { "type": "template", "name": "v1", "language": "en", "category": "UTILITY", "components": [],
                         "fallback": ["other"] },
        });
        let message = crate::campaign::CampaignSpec::parse(spec.to_string().as_bytes()).expect("a campaign").message;
        let names = |rotation: &Rotation| {
            let applied = Rotation::applied(std::slice::from_ref(rotation), &message);
            let names: Vec<String> = applied.templates().map(|(_, it)| it.name.clone()).collect();
            (names.join(" "), applied.trial().map(TrialShare::milli))
        };
        let mut rotation = on_trial();
        assert_eq!(names(&rotation), ("v2 v1 other".to_owned(), Some(100)));
        rotation.rotate("v2", 2);
        assert_eq!(names(&rotation), ("v2 v1 other".to_owned(), None));
        rotation.start_trial("v1", TrialShare::of(500), 3);
        assert_eq!(names(&rotation), ("v1 v2 other".to_owned(), Some(500)));
    }

    #[test]
    fn only_the_latest_changes_are_kept() {
        let mut rotation = Rotation::of("v1", "en");
        (0..60).for_each(|at| assert!(rotation.rotate(if at % 2 == 0 { "v2" } else { "v1" }, at)));
        assert_eq!((rotation.changes.len(), rotation.changes[0].at), (KEPT, 10));
    }
}
