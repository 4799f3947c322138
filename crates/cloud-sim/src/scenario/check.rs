//! What is wrong with a scenario that can be read: words and ids that are not known, and steps that undo each other.

use std::time::Duration;

use humantime::format_duration;

use super::file::Mistakes;
use super::step::{DEEDS, Deed, Step};
use crate::cloud::Cloud;
use crate::faults::{FaultRule, validate};
use crate::rules::Rules;
use crate::wa_id::WaId;

/// The longest that a scenario plays: a year, so that no time overflows.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

pub(crate) fn faults(rules: &[(usize, FaultRule)], cloud: &Cloud, mistakes: &mut Mistakes<'_>) {
    for (place, (line, rule)) in rules.iter().enumerate() {
        if let Err(words) = validate(rule, |id| cloud.number(id).is_some()) {
            mistakes.add(*line, format_args!("faults[{place}].{words}"));
        }
    }
}

pub(crate) fn steps(steps: &[(usize, Step)], cloud: &Cloud, mistakes: &mut Mistakes<'_>) {
    for (place, (line, step)) in steps.iter().enumerate() {
        for words in faults_of(step, cloud) {
            mistakes.add(*line, format_args!("steps[{place}].{words}"));
        }
        for (other, (_, earlier)) in steps.iter().enumerate() {
            let held = undoes(earlier, step).filter(|_| is_before((other, earlier), (place, step)));
            if let Some(held) = held {
                mistakes.add(*line, format_args!("steps[{place}].at: begins while steps[{other}] still holds {held}"));
            }
        }
    }
}

/// Whether a step begins before the other; of two at one time, the first in the file does.
fn is_before((place, step): (usize, &Step), (other_place, other): (usize, &Step)) -> bool {
    (step.at, place) < (other.at, other_place)
}

/// Everything wrong with a step by itself.
fn faults_of(step: &Step, cloud: &Cloud) -> Vec<String> {
    let mut wrong = Vec::new();
    if step.span == Some(Duration::ZERO) {
        wrong.push("for: is no time at all: leave it out, or give one such as `2m`".to_owned());
    }
    if step.ends().unwrap_or(step.at) > LONGEST {
        wrong.push("at: lies more than a year ahead: give an earlier time".to_owned());
    }
    let narrows = step.matches.is_some() || step.times.is_some() || step.probability.is_some();
    if narrows && step.fault.is_none() {
        wrong.push("match, times and probability: belong to `fault` alone: leave them out".to_owned());
    }
    match &step.deeds()[..] {
        [deed] => wrong.extend(fault_of(deed, step, cloud)),
        [] => wrong.push(format!("at: nothing happens then: give one of {DEEDS}")),
        _ => wrong.push(format!(
            "at: more than one thing happens: give one of {DEEDS}, and the others in steps of their own"
        )),
    }
    wrong
}

/// What is wrong with the one thing that a step does.
fn fault_of(deed: &Deed<'_>, step: &Step, cloud: &Cloud) -> Option<String> {
    let unknown_number = |field: &str, id: &str| {
        cloud.number(id).is_none().then(|| {
            let known: Vec<_> = cloud.numbers.iter().map(|number| number.id.as_str()).take(5).collect();
            format!("{field}: `{id}` is not a number of this simulator: give one such as {}", known.join(", "))
        })
    };
    let unknown_account = |id: &&String| cloud.waba(id).is_none();
    let account = |field: &str, id: &String| format!("{field}: `{id}` is not an account of this simulator");
    let lasts = |field: &str| step.span.map(|_| format!("for: `{field}` cannot be taken back: leave `for` out"));
    match deed {
        Deed::Fault(rule) => validate(rule, |id| cloud.number(id).is_some()).err(),
        Deed::Latency(_) => None,
        Deed::Webhooks(stop) if !stop.stop => Some("webhooks.stop: give true, or leave the step out".to_owned()),
        Deed::Webhooks(_) if step.span.is_none() => {
            Some("for: is missing: say how long no webhooks come, such as `40s`".to_owned())
        }
        Deed::Webhooks(_) => None,
        Deed::Number(number) => unknown_number("number.id", &number.name)
            .or_else(|| number.order.check().err().map(|wrong| format!("number: {wrong}"))),
        Deed::Template(template) => {
            let elsewhere = template.order.waba.as_ref().filter(unknown_account);
            let wrong = || template.order.check().err().map(|wrong| format!("template: {wrong}"));
            elsewhere.map(|id| account("template.waba", id)).or_else(wrong)
        }
        Deed::Token(token) => token.check().err().map(|wrong| format!("token: {wrong}")),
        Deed::Rules(rules) => Rules::default().with(rules).err().map(|wrong| format!("rules: {wrong}")),
        Deed::User(user) => {
            let wrong = user.name.parse::<WaId>().err().map(|wrong| format!("user.phone: {wrong}"));
            let number = user.order.came_to.as_ref().and_then(|id| unknown_number("user.came_to", id));
            wrong.or(number).or_else(|| lasts("user"))
        }
        Deed::Reply(reply) => unknown_number("reply.number", &reply.number).or_else(|| lasts("reply")),
        Deed::Block(block) => unknown_number("block.number", &block.number).or_else(|| lasts("block")),
        Deed::Preference(wish) => unknown_number("preference.number", &wish.number).or_else(|| lasts("preference")),
    }
}

/// What an earlier step still holds when the later one begins, so that one of them would be undone or never be seen.
fn undoes(earlier: &Step, later: &Step) -> Option<String> {
    let (deeds, others) = (earlier.deeds(), later.deeds());
    let (Some(deed), Some(other)) = (deeds.first(), others.first()) else { return None };
    let ends = earlier.ends().filter(|ends| later.at < *ends)?;
    let held = held_by(deed, other)?;
    Some(format!("{held}: let it begin at {} or later, or end the other before", format_duration(ends)))
}

/// What two steps have in common.
fn held_by(deed: &Deed<'_>, other: &Deed<'_>) -> Option<String> {
    match (deed, other) {
        (Deed::Fault(first), Deed::Fault(second)) => {
            let is_always = first.times.is_none() && first.probability.is_none();
            (is_always && first.matches == second.matches).then(|| "every call that this fault is for".to_owned())
        }
        (Deed::Latency(_), Deed::Latency(_)) => Some("the latency".to_owned()),
        (Deed::Webhooks(_), Deed::Webhooks(_)) => Some("the webhooks".to_owned()),
        (Deed::Rules(_), Deed::Rules(_)) => Some("the rules".to_owned()),
        (Deed::Token(_), Deed::Token(_)) => Some("the token".to_owned()),
        (Deed::Number(first), Deed::Number(second)) if first.name == second.name => {
            Some(format!("number {}", first.name))
        }
        (Deed::Template(first), Deed::Template(second)) if first.name == second.name => {
            Some(format!("template {}", first.name))
        }
        _ => None,
    }
}
