//! A trial: a share of the recipients gets the first of a campaign's templates and all others the one after it, so that what
//! becomes of both can be compared.

use serde::{Serialize, Serializer};

use super::{Choice, Content, Message, TemplateMessage};
use crate::{
    fault::read::{Fields, Node},
    home::{fnv1a, mix},
};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialShare {
    /// The share that gets the first template, in thousandths: 1 to 999.
    share_milli: u16,
}

impl Serialize for TrialShare {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told {
            share: f64,
        }
        Told { share: self.share() }.serialize(serializer)
    }
}

impl TrialShare {
    /// What is said of a share that it cannot have.
    pub const RANGE: &str = "must lie above 0 and below 1, in steps of 0.001.";

    /// A trial on a share in thousandths, at least 1 and at most 999 of them.
    pub fn of(share_milli: u16) -> Self {
        Self { share_milli: share_milli.clamp(1, 999) }
    }

    /// A trial on a share; none where that is not above 0 and below 1, to the thousandth.
    pub fn of_share(share: f64) -> Option<Self> {
        let share_milli = (share * 1_000.0).round() as u16;
        (1..1_000).contains(&share_milli).then_some(Self { share_milli })
    }

    /// The share that gets the first template: above 0 and below 1.
    pub fn share(self) -> f64 {
        f64::from(self.share_milli) / 1_000.0
    }

    /// The same in thousandths.
    pub fn milli(self) -> u16 {
        self.share_milli
    }

    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        let share = |fields: &mut Fields<'_, '_>| {
            fields.required("share", |node| match Self::of_share(node.number(0.0..=1.0)?) {
                None => node.fault(Self::RANGE),
                share => share,
            })
        };
        node.object(share)
    }

    /// Whether it is this person who gets the first template, called `name`: by a hash, so that whoever gets it once gets it
    /// each time, and goes on to get it when the share grows.
    fn takes(self, name: &str, person: u64) -> bool {
        mix(mix(person) ^ fnv1a(name.as_bytes())) % 1_000 < u64::from(self.share_milli)
    }
}

impl Message {
    /// The trial that it takes part in.
    pub fn trial(&self) -> Option<TrialShare> {
        self.trial
    }

    /// The message with `version` before the first of its templates, for a share of the recipients. What there is no room for
    /// then is left out, at the end.
    #[must_use]
    pub fn tried(&self, version: TemplateMessage, trial: TrialShare) -> Self {
        let version = Content::Template(version);
        let mut all: Vec<Content> =
            self.all().map(|(_, content)| content.clone()).filter(|it| *it != version).collect();
        all.insert(self.lead().place().min(all.len()), version);
        self.with_all(all, Some(trial))
    }

    /// Which of its messages a recipient gets: a free-form one goes only by a number that the recipient has written to, and
    /// of two templates on trial each person gets one.
    pub fn choice(&self, by_written_to: bool, person: u64) -> Choice {
        let first = if by_written_to { Choice::OWN } else { self.lead() };
        let (true, Some(trial), Some(version)) = (first == self.lead(), self.trial, self.of(first)) else {
            return first;
        };
        let name = version.template().map(|template| template.name.as_str()).unwrap_or_default();
        if trial.takes(name, person) { first } else { Choice(first.0 + 1) }
    }

    /// Whether a message goes out in the place of one that cannot, or for which no service window is open: not one of two on
    /// trial.
    pub fn falls_back(&self, choice: Choice) -> bool {
        let tried = self.trial.is_some() && choice > self.lead();
        choice.0 > u8::from(tried)
    }

    /// The two templates that are on trial: the one of the share, and the other.
    pub fn on_trial(&self) -> Option<[&TemplateMessage; 2]> {
        self.trial?;
        let first = self.lead();
        let template = |choice| self.of(choice).and_then(Content::template);
        Some([template(first)?, template(Choice(first.0 + 1))?])
    }

    /// The first of its templates.
    fn lead(&self) -> Choice {
        if self.is_free_form() { Choice::FALLBACK } else { Choice::OWN }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::campaign::message::tests::{named, read, with_fallback};

    fn tried(share: f64) -> Value {
        let mut given = named("v2");
        given["fallback"] = json!(["v1", "v0"]);
        given["trial"] = json!({ "share": share });
        given
    }

    fn message(share: f64) -> Message {
        read(&tried(share)).expect("a message")
    }

    #[test]
    fn each_person_gets_one_of_the_two_and_the_same_each_time() {
        let takers = |share: f64| {
            let message = message(share);
            (0..10_000).map(move |person| message.choice(false, 919_900_000_000 + person) == Choice::OWN)
        };
        let few: Vec<bool> = takers(0.1).collect();
        let count = few.iter().filter(|takes| **takes).count();
        assert!((900..=1_100).contains(&count), "{count} of 10,000");
        assert!(few.iter().zip(takers(0.5)).all(|(few, more)| !few || more), "nobody goes back as the share grows");
        let others = (0..1_000).filter(|person| message(0.1).choice(true, *person) == Choice(1));
        assert!((850..950).contains(&others.count()));
    }

    #[test]
    fn neither_of_the_two_falls_back_and_what_comes_after_them_does() {
        let falls = |message: &Message| Choice::all().map(|choice| message.falls_back(choice)).collect::<Vec<_>>();
        assert_eq!(falls(&message(0.1)), [false, false, true, true]);
        let mut free_form = with_fallback(json!([named("v2"), named("v1")]));
        assert_eq!(falls(&read(&free_form).expect("a message")), [false, true, true, true]);
        free_form["trial"] = json!({ "share": 0.5 });
        let free_form = read(&free_form).expect("a message");
        assert_eq!(free_form.choice(true, 7), Choice::OWN, "the window is open");
        let names = free_form.on_trial().expect("two").map(|it| it.name.as_str());
        assert_eq!(names, ["v2", "v1"]);
        let got: std::collections::BTreeSet<_> = (0..100).map(|person| free_form.choice(false, person)).collect();
        assert_eq!(got.into_iter().collect::<Vec<_>>(), [Choice(1), Choice(2)]);
    }

    #[test]
    fn it_is_read_as_it_is_written_and_its_faults_are_told() {
        let message = message(0.125);
        let stored = serde_json::to_value(&message).expect("JSON");
        assert_eq!(stored["trial"], json!({ "share": 0.125 }));
        assert_eq!(read(&stored).expect("it reads back"), message);
        for share in [0.0, 1.0, 0.0004] {
            assert!(read(&tried(share)).expect_err("a fault").starts_with("/trial/share: must lie above 0"), "{share}");
        }
        let mut alone = tried(0.5);
        alone["fallback"] = json!([]);
        assert!(read(&alone).expect_err("a fault").starts_with("/trial: needs two templates"));
    }

    #[test]
    fn a_version_on_trial_stands_before_the_one_that_goes_out() {
        let mut given = named("v1");
        given["fallback"] = json!(["a", "b", "c"]);
        let (own, version) = (read(&given).expect("a message"), read(&named("v2")).expect("a message"));
        let version = version.content.template().expect("a template").clone();
        let tried = own.tried(version.clone(), TrialShare::of(100));
        let names: Vec<String> = tried.all().map(|(_, content)| content.name()).collect();
        assert_eq!(names, ["template v2", "template v1", "template a", "template b"]);
        assert_eq!(tried.tried(version, TrialShare::of(100)), tried, "tried twice is tried once");
    }
}
