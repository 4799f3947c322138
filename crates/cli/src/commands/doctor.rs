//! `dawncast doctor`: whether all is well that runs depend on. The server looks; where there is none, what can be seen
//! from here.

mod local;

use std::{path::PathBuf, process::ExitCode};

use chrono::{SecondsFormat, Utc};
use dawncast_core::doctor::{Check, Finding, Outcome, worst};
use serde_json::{Value, json};

use crate::{
    client::{Api, Remote},
    failure::{self, Failure},
};

/// See whether all is well that runs depend on. Exits with 1 when anything fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    /// Only what this run needs.
    #[arg(long, value_name = "RUN", conflicts_with = "campaign")]
    run: Option<String>,
    /// Only what the latest run of this campaign needs.
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,
    /// Look at this configuration as well. Without it, at dawncast.toml and the environment where no server answers.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(args: Args) -> failure::Outcome {
    let api = args.remote.api()?;
    let mut found = Vec::new();
    let has_looked = ask(&api, &args, &mut found).await?;
    if !has_looked || args.config.is_some() {
        found.extend(local::examine(args.config.as_deref()).await);
    }
    let outcome = worst(&found);
    let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    args.remote.show(&json!({ "outcome": outcome, "at": at, "findings": found }), |_| people(&found));
    Ok(if outcome == Outcome::Fail { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Lets the server look; false when it could not, and why is found.
async fn ask(api: &Api, args: &Args, found: &mut Vec<Finding>) -> Result<bool, Failure> {
    let query = [("run", args.run.clone()), ("campaign", args.campaign.clone())];
    let answer = match api.get(&["v1", "doctor"], &query).await {
        Ok(answer) => answer,
        Err(failure) => {
            found.extend(away(failure)?);
            return Ok(false);
        }
    };
    found.push(Finding::ok(Check::Api, "", "the server answers"));
    found.push(Finding::ok(Check::Key, "", "the API key is accepted"));
    found.extend(findings(answer)?);
    Ok(true)
}

fn findings(mut answer: Value) -> Result<Vec<Finding>, Failure> {
    let why = |why| Failure::new(format!("the server's findings cannot be read ({why}): is it of another version?"));
    serde_json::from_value(answer["findings"].take()).map_err(why)
}

/// What it says of the server that it did not look; a failure of its own where the question was wrong.
fn away(failure: Failure) -> Result<Vec<Finding>, Failure> {
    let answers = || Finding::ok(Check::Api, "", "the server answers");
    match failure {
        Failure::Other(why) => {
            let remedy = "start it, or set DAWNCAST_URL; what follows is what can be seen from here";
            Ok(vec![Finding::fail(Check::Api, "", why, remedy)])
        }
        Failure::Refused(problem) if matches!(problem.status, 401 | 403) => {
            let evidence = format!("the API key is not accepted: {}", problem.detail);
            let remedy =
                "put one with campaigns:read into DAWNCAST_KEY: `dawncast key create NAME --scope campaigns:read`";
            Ok(vec![answers(), Finding::fail(Check::Key, "", evidence, remedy)])
        }
        Failure::Refused(problem) if problem.status == 503 => Ok(vec![Finding::fail(
            Check::Api,
            "",
            format!("the server cannot look: {}", problem.detail),
            "see its log",
        )]),
        other => Err(other),
    }
}

/// Under which heading a finding stands.
fn heading(finding: &Finding) -> String {
    let subject = &finding.subject;
    match finding.check {
        Check::Redis => "Redis".to_owned(),
        Check::Token | Check::Number | Check::Capacity if !subject.is_empty() => format!("Number {subject}"),
        Check::Limit => format!("Portfolio {subject}"),
        Check::Webhook | Check::Template if !subject.is_empty() => format!("Account {subject}"),
        Check::Assets | Check::Links => "Files".to_owned(),
        Check::Run => format!("Run {subject}"),
        _ => "Server".to_owned(),
    }
}

/// Findings under their headings, in the order in which the headings first come, and a count.
fn people(found: &[Finding]) -> String {
    let mut groups: Vec<(String, Vec<&Finding>)> = Vec::new();
    for finding in found {
        let heading = heading(finding);
        match groups.iter_mut().find(|(it, _)| *it == heading) {
            Some((_, group)) => group.push(finding),
            None => groups.push((heading, vec![finding])),
        }
    }
    let width = found.iter().map(|it| it.check.as_str().len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for (heading, group) in groups {
        lines.push(heading);
        lines.extend(group.into_iter().flat_map(|finding| entry(finding, width)));
        lines.push(String::new());
    }
    let count = |outcome| found.iter().filter(|it| it.outcome == outcome).count();
    let [fail, warn, ok] = [Outcome::Fail, Outcome::Warn, Outcome::Ok].map(count);
    lines.push(format!("{fail} fail, {warn} warn, {ok} ok."));
    lines.join("\n")
}

fn entry(finding: &Finding, width: usize) -> Vec<String> {
    let Finding { check, outcome, evidence, remedy, .. } = finding;
    let line = format!("  {:4}  {:width$}  {evidence}", outcome.as_str(), check.as_str());
    let remedy = remedy.as_ref().map(|remedy| format!("  {:4}  {:width$}  → {remedy}", "", ""));
    [Some(line), remedy].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Problem;

    #[test]
    fn findings_stand_under_what_they_are_of_with_their_remedies() {
        let found = [
            Finding::ok(Check::Api, "", "the server answers"),
            Finding::fail(Check::Token, "1, 2", "the token has expired", "make another"),
            Finding::ok(Check::Redis, "version", "Redis 7.2.4"),
            Finding::warn(Check::Capacity, "1, 2", "too fast", "slow it"),
        ];
        let expected = "Server\n  ok    api       the server answers\n\nNumber 1, 2\n  fail  token     the token has expired\n\
                        \u{20}                 → make another\n  warn  capacity  too fast\n                  → slow it\n\nRedis\n  \
                        ok    redis     Redis 7.2.4\n\n1 fail, 1 warn, 2 ok.";
        assert_eq!(people(&found), expected);
    }

    #[test]
    fn a_server_that_does_not_look_is_a_finding_and_a_wrong_question_is_not() {
        let refused = |status| {
            let text = format!(r#"{{"title":"t","status":{status},"detail":"d"}}"#);
            away(Failure::Refused(Box::new(serde_json::from_str::<Problem>(&text).unwrap())))
        };
        assert_eq!(refused(401).unwrap()[1].check, Check::Key);
        assert_eq!(refused(503).unwrap()[0].outcome, Outcome::Fail);
        assert!(refused(404).is_err());
        assert!(away(Failure::new("refused")).unwrap()[0].evidence.contains("refused"));
    }
}
