//! Whether the templates that a campaign may send can be sent, and what it means where they cannot: some are waited for, some
//! are fallen back from, and the rest refuse the campaign.

use std::fmt;

use super::{Definition, lint_template};
use crate::{
    campaign::{Choice, Message},
    fault::Faults,
};

const HOUR_MS: i64 = 3_600_000;
/// A paused template is let go after three hours the first time, six the second (Meta: template pausing).
const LONGEST_PAUSE_MS: i64 = 6 * HOUR_MS;
/// A review takes a day at most (Meta: template review).
const LONGEST_REVIEW_MS: i64 = 24 * HOUR_MS;

/// Whether a template can be sent as a campaign fills it in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fit {
    /// Where the campaign and the template do not fit together: no waiting mends it.
    pub misfits: Faults,
    /// Where it stands, if Meta does not send it now.
    pub standing: Option<Standing>,
}

/// A template that Meta does not send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which of the campaign's messages it is.
    pub choice: Choice,
    /// Its name.
    pub name: String,
    /// Meta's word for where it stands.
    pub status: String,
}

impl Fit {
    /// Whether it can be sent now.
    pub fn is_sendable(&self) -> bool {
        self.misfits.is_empty() && self.standing.is_none()
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.standing {
            Some(standing) => write!(f, "template `{}` is {}", standing.name, standing.status)?,
            None => self.misfits.fmt(f)?,
        }
        if self.standing.is_some() && !self.misfits.is_empty() { write!(f, "; {}", self.misfits) } else { Ok(()) }
    }
}

/// What is to be said of a campaign's templates in one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lint {
    /// It cannot go out like this.
    pub faults: Faults,
    /// It may, if what is waited for comes, or in other words than its own.
    pub warnings: Faults,
}

/// Whether an account that knows these templates can send each of those of `message`.
pub fn fits(known: &[Definition], message: &Message) -> Vec<(Choice, Fit)> {
    message.templates().map(|(choice, template)| (choice, lint_template(known, choice, template))).collect()
}

/// Whether an account that knows these templates can send `message`, the first time in `lead_ms`.
pub fn lint_for(known: &[Definition], message: &Message, lead_ms: i64) -> Lint {
    let (mut lint, fits) = (Lint::default(), fits(known, message));
    let can_send = fits.iter().any(|(_, fit)| fit.is_sendable());
    for (_, Fit { misfits, standing }) in fits {
        lint.standing(standing, can_send, lead_ms);
        lint.faults.append(misfits);
    }
    lint
}

impl Lint {
    fn standing(&mut self, standing: Option<Standing>, can_send: bool, lead_ms: i64) {
        let Some(standing) = standing else { return };
        let (at, name, status) = (format!("{}/name", standing.choice.pointer()), standing.name, standing.status);
        let is_awaited = match status.as_str() {
            "PENDING" | "IN_APPEAL" => lead_ms > LONGEST_REVIEW_MS,
            "PAUSED" => lead_ms > LONGEST_PAUSE_MS,
            _ => false,
        };
        if is_awaited {
            let told = "it may be approved by then. You are told if it is not, and the run is held";
            self.warnings.add(at, format!("template `{name}` is {status}: {told}."));
        } else if can_send {
            self.warnings.add(at, format!("template `{name}` is {status}: what can be sent of the others goes out."));
        } else {
            let told = "Meta sends APPROVED ones only. Wait for it, use another, or give one to fall back to";
            self.faults.add(at, format!("template `{name}` is {status}: {told}."));
        }
    }
}

/// The templates of `message` that cannot be sent from an account, each in words; none where one can be.
pub fn unsendable(known: &[Definition], message: &Message) -> Option<String> {
    let fits = fits(known, message);
    let none = !fits.iter().any(|(_, fit)| fit.is_sendable());
    none.then(|| in_words(&fits))
}

/// What is to be said of each, in one line.
pub fn in_words(fits: &[(Choice, Fit)]) -> String {
    fits.iter().map(|(_, fit)| fit.to_string()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::campaign::CampaignSpec;

    fn known(name: &str, status: &str) -> Definition {
        serde_json::from_value(json!({
            "name": name, "language": "en", "status": status, "category": "UTILITY", "parameter_format": "POSITIONAL",
            "header": null, "body_text": "Good morning.", "buttons": [],
        }))
        .expect("a definition")
    }

    /// A campaign that sends `one` and falls back to `two`.
    fn message() -> Message {
        let spec = json!({
            "pool": "p", "audience": { "id": "aud_1" },
            "message": { "type": "template", "name": "one", "language": "en", "category": "UTILITY", "components": [],
                         "fallback": ["two"] },
            "schedule": { "type": "now" },
        });
        CampaignSpec::parse(spec.to_string().as_bytes()).expect("a campaign").message
    }

    /// How many faults and warnings there are when the two stand so, and why neither can be sent now, if so.
    fn check(one: &str, two: &str, lead_ms: i64, faults: usize, warnings: usize, is_stuck: bool) {
        let known = [known("one", one), known("two", two)];
        let lint = lint_for(&known, &message(), lead_ms);
        assert_eq!((lint.faults.len(), lint.warnings.len()), (faults, warnings), "{one} {two}: {lint:?}");
        assert_eq!(unsendable(&known, &message()).is_some(), is_stuck, "{one} {two}");
    }

    #[test]
    fn what_can_be_sent_stands_in_for_what_cannot() {
        check("APPROVED", "APPROVED", 0, 0, 0, false);
        check("PAUSED", "APPROVED", 0, 0, 1, false);
        check("APPROVED", "DISABLED", 0, 0, 1, false);
        check("DISABLED", "PAUSED", 0, 2, 0, true);
    }

    #[test]
    fn what_comes_in_time_is_waited_for() {
        check("PENDING", "REJECTED", LONGEST_REVIEW_MS + 1, 1, 1, true);
        check("PENDING", "PENDING", LONGEST_REVIEW_MS + 1, 0, 2, true);
        check("PENDING", "PENDING", LONGEST_REVIEW_MS, 2, 0, true);
        check("PAUSED", "PAUSED", LONGEST_PAUSE_MS + 1, 0, 2, true);
    }
}
