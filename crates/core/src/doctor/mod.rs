//! The doctor: judges what was found out about the world that a run goes through (tokens, numbers, webhooks, links, Redis),
//! each with the evidence and with what to do. Preflight, the checks before it and `dawncast doctor` all judge by this.

mod account;
mod files;
mod ground;
mod number;
mod token;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::{
    account::{Subscriber, receipts, subscription},
    files::{Link, LinkAnswer, Upload, link, uploads},
    ground::{DATE_TELLS_TO_MS, RedisState, clock, cloud_api, memory, redis},
    number::{Numbered, capacity, limit, number},
    token::{Needed, Scoped, TokenState, token},
};
use crate::{
    fault::word,
    ids::{CampaignId, RunId},
};

word! {
    /// What was looked at.
    pub enum Check {
        /// The server's HTTP API.
        Api = "api",
        /// The API key that the caller shows.
        Key = "key",
        /// The configuration.
        Config = "config",
        /// Redis: version, persistence, eviction, memory, replicas.
        Redis = "redis",
        /// Clocks against each other.
        Clock = "clock",
        /// Whether the Cloud API answers.
        CloudApi = "cloud_api",
        /// An access token: validity, end, scopes.
        Token = "token",
        /// A number: status, quality, health.
        Number = "number",
        /// A number's configured rate against what Meta allows it.
        Capacity = "capacity",
        /// What is left of a portfolio's messaging limit.
        Limit = "limit",
        /// Whether webhooks are sent, and come.
        Webhook = "webhook",
        /// Templates on the accounts that need them.
        Template = "template",
        /// Files that messages carry.
        Assets = "assets",
        /// Addresses that Meta fetches files from.
        Links = "links",
        /// A run: what it waits for.
        Run = "run",
        /// Who is told when a run is held.
        Notify = "notify",
    }
}

word! {
    /// How it stands. The greatest is the worst.
    pub enum Outcome {
        /// Nothing is wrong.
        Ok = "ok",
        /// It works, and a person should know.
        Warn = "warn",
        /// It does not work.
        Fail = "fail",
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it stands.
    pub outcome: Outcome,
    /// Of what: a number's id, an account's, a link; empty for what there is one of.
    pub subject: String,
    /// What was seen, in plain words and figures.
    pub evidence: String,
    /// What a person can do about it; none where nothing is wrong.
    pub remedy: Option<String>,
}

impl Finding {
    /// Nothing is wrong.
    pub fn ok(check: Check, subject: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Ok, subject: subject.into(), evidence: evidence.into(), remedy: None }
    }

    /// It works, and a person should know.
    pub fn warn(
        check: Check,
        subject: impl Into<String>,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { outcome: Outcome::Warn, remedy: Some(remedy.into()), ..Self::ok(check, subject, evidence) }
    }

    /// It does not work.
    pub fn fail(
        check: Check,
        subject: impl Into<String>,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { outcome: Outcome::Fail, remedy: Some(remedy.into()), ..Self::ok(check, subject, evidence) }
    }

    /// Evidence and remedy in one line, for remarks and holds.
    pub fn in_words(&self) -> String {
        match &self.remedy {
            Some(remedy) => format!("{} → {remedy}", self.evidence),
            None => self.evidence.clone(),
        }
    }
}

/// The worst of the outcomes; ok when there is none.
pub fn worst(findings: &[Finding]) -> Outcome {
    findings.iter().map(|finding| finding.outcome).max().unwrap_or(Outcome::Ok)
}

/// One finding of all that say the same of several subjects, which are then sorted: twenty numbers share a token.
pub fn together(findings: Vec<Finding>) -> Vec<Finding> {
    let mut told: Vec<(Finding, BTreeSet<String>)> = Vec::new();
    for finding in findings {
        let same = |(it, _): &&mut (Finding, BTreeSet<String>)| {
            it.check == finding.check && it.evidence == finding.evidence && it.remedy == finding.remedy
        };
        match told.iter_mut().find(same) {
            Some((_, subjects)) => drop(subjects.insert(finding.subject)),
            None => told.push((finding.clone(), BTreeSet::from([finding.subject]))),
        }
    }
    let join = |subjects: BTreeSet<String>| subjects.into_iter().collect::<Vec<_>>().join(", ");
    told.into_iter().map(|(finding, subjects)| Finding { subject: join(subjects), ..finding }).collect()
}

/// What the doctor looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ward {
    /// The whole deployment, and the runs of the next day.
    All,
    /// What one run needs.
    Run(RunId),
    /// What the latest run of a campaign needs.
    Campaign(CampaignId),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(subject: &str) -> Finding {
        Finding::warn(Check::Token, subject, "it ends", "make another")
    }

    #[test]
    fn what_is_said_of_several_is_said_once() {
        let told = together(vec![finding("3"), Finding::ok(Check::Token, "2", "fine"), finding("1"), finding("3")]);
        assert_eq!(told.iter().map(|it| it.subject.as_str()).collect::<Vec<_>>(), ["1, 3", "2"]);
        assert_eq!(told[0].in_words(), "it ends → make another");
    }

    #[test]
    fn the_worst_decides() {
        assert_eq!(worst(&[]), Outcome::Ok);
        assert_eq!(worst(&[finding("1"), Finding::ok(Check::Token, "2", "fine")]), Outcome::Warn);
    }
}
