//! The alerts, and the runbooks that go with them: each alert has one and is tested, and what a runbook tells people to
//! type or to look at exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::dawncast::{dawncast, run};

const LINKS: &str = "https://github.com/dawncast/dawncast/blob/main/docs/runbooks/";
/// What somebody who was just woken wants to know, in this order.
const SECTIONS: [&str; 6] = ["## Means", "## See it", "## Do now", "## Do not", "## Wake", "## Ends"];

fn path(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(place)
}

fn text(place: &str) -> String {
    fs::read_to_string(path(place)).unwrap_or_else(|why| panic!("{place}: {why}"))
}

/// The files in a folder whose names end so, with their texts.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let names = fs::read_dir(path(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names.into_iter().map(|name| (text(&format!("{folder}/{name}")), name)).map(|(text, name)| (name, text)).collect()
}

fn rules() -> String {
    files("deploy/prometheus/rules", ".yml").into_iter().map(|(_, text)| text).collect()
}

/// The alerting rules, each as its name and its lines.
fn alerts() -> Vec<(String, String)> {
    let rules = text("deploy/prometheus/rules/alerts.yml");
    let alerts = rules.split("- alert: ").skip(1);
    alerts.map(|rule| (rule.lines().next().unwrap().to_owned(), rule.to_owned())).collect()
}

/// `DawncastRunHeld` is `run-held.md`.
fn runbook_of(alert: &str) -> String {
    let words = alert.strip_prefix("Dawncast").unwrap_or_else(|| panic!("{alert} is not named Dawncast…"));
    let kebab: String = words
        .char_indices()
        .map(|(at, c)| if at > 0 && c.is_ascii_uppercase() { format!("-{c}") } else { c.to_string() })
        .collect();
    format!("{}.md", kebab.to_ascii_lowercase())
}

/// The runbooks, their index left out.
fn runbooks() -> Vec<(String, String)> {
    files("docs/runbooks", ".md").into_iter().filter(|(name, _)| name != "README.md").collect()
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let alerts: BTreeSet<String> = alerts().iter().map(|(name, _)| runbook_of(name)).collect();
    assert!(alerts.len() > 10, "the rules are read otherwise than they are written: {alerts:?}");
    let found: BTreeSet<String> = runbooks().into_iter().map(|(name, _)| name).collect();
    assert_eq!(alerts, found);
    let index = text("docs/runbooks/README.md");
    for runbook in found {
        assert!(index.contains(&format!("]({runbook})")), "{runbook} is not in the index");
    }
}

#[test]
fn every_alert_says_how_urgent_it_is_what_is_wrong_and_where_to_read_on() {
    for (name, rule) in alerts() {
        let severities = ["page", "ticket", "none"];
        assert!(severities.iter().any(|it| rule.contains(&format!("severity: {it}\n"))), "{name}: no severity");
        assert!(rule.contains("summary: ") && rule.contains("description: "), "{name}: no words");
        assert!(rule.contains(&format!("runbook_url: {LINKS}{}\n", runbook_of(&name))), "{name}: no runbook");
    }
}

#[test]
fn every_runbook_is_a_page_that_tells_the_same_things_in_the_same_order() {
    for (name, text) in runbooks() {
        let places = SECTIONS.map(|section| text.find(section).unwrap_or_else(|| panic!("{name}: no `{section}`")));
        assert!(places.is_sorted(), "{name}: its sections are in another order");
        assert!(text.lines().count() <= 60, "{name} is longer than a page");
        assert!(text.contains("```bash"), "{name} has nothing to paste");
    }
}

#[test]
fn every_alert_is_tested_firing_and_silent() {
    let tests: String = files("deploy/prometheus/tests", ".yml").into_iter().map(|(_, text)| text).collect();
    for (name, _) in alerts() {
        let fires = tests.contains(&format!("alertname: {name}\n")) || tests.contains(&format!("{name}, exp_alerts"));
        assert!(fires, "no test sees {name} fire");
        // The watchdog is never silent.
        let is_silent = tests.contains(&format!("alertname: {name} }}")) || name == "DawncastWatchdog";
        assert!(is_silent, "no test sees {name} keep silent");
    }
}

/// Names of metrics in a text, comments left out.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')));
    words.map(|word| word.trim_end_matches(':')).filter(|word| word.contains("dawncast_")).collect()
}

/// Names of metrics that the code exports: string literals in its sources.
fn exported(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            exported(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).unwrap();
            found.extend(source.split('"').filter(|text| text.starts_with("dawncast_")).map(str::to_owned));
        }
    }
}

#[test]
fn every_metric_that_is_named_to_people_or_to_prometheus_exists() {
    let mut known = BTreeSet::new();
    for name in ["engine", "server", "cli"] {
        exported(&path(&format!("crates/{name}/src")), &mut known);
    }
    let rules = rules();
    known.extend(rules.lines().filter_map(|line| Some(line.trim().strip_prefix("- record: ")?.to_owned())));
    assert!(known.len() > 30, "the sources are read otherwise than they are written: {known:?}");
    let texts = files("docs/runbooks", ".md").into_iter().chain([("the rules".to_owned(), rules)]);
    for (name, text) in texts {
        for metric in metrics_in(&text) {
            let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|ending| metric.strip_suffix(ending));
            let exists = known.contains(metric) || of_histogram.is_some_and(|base| known.contains(base));
            assert!(exists, "{name}: there is no metric `{metric}`");
        }
    }
}

/// The commands of `dawncast` that a page tells: lines of its scripts, and what stands between backticks.
fn commands_in(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for (place, block) in page.split("```").enumerate() {
        let pieces: Vec<&str> = match block.strip_prefix("bash\n") {
            Some(script) if place % 2 == 1 => script.lines().collect(),
            _ if place % 2 == 1 => continue,
            _ => block.split('`').skip(1).step_by(2).collect(),
        };
        let ours = pieces.into_iter().filter(|piece| piece.starts_with("dawncast "));
        commands.extend(ours.map(|piece| piece.split(['#', '|', '>']).next().unwrap().trim().to_owned()));
    }
    commands
}

/// What the lines of a section of clap's help begin with. What they go on with is indented further.
fn section<'a>(help: &'a str, title: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = help.lines().skip_while(move |line| *line != title).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next())
}

/// What the real binary says against a command, if it does.
fn fault_of(command: &str) -> Option<String> {
    let mut words = command.split_whitespace().skip(1).peekable();
    let mut at: Vec<&str> = Vec::new();
    let help = loop {
        let said = run(&mut dawncast(at.iter().copied().chain(["--help"])));
        assert_eq!(said.code, 0, "{at:?}: {}", said.err);
        let names: Vec<_> = section(&said.out, "Commands:").collect();
        match words.peek() {
            _ if names.is_empty() => break said.out,
            None if said.out.contains("[COMMAND]") => return None,
            Some(word) if names.contains(word) => at.extend(words.next()),
            other => return Some(format!("`{at:?}` has no command {other:?}")),
        }
    };
    let mut arguments = 0;
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            arguments += 1;
            continue;
        }
        let Some(option) = help.lines().find(|line| line.split_whitespace().any(|it| it == word)) else {
            return Some(format!("`{at:?}` has no option {word}"));
        };
        if option.contains(&format!("{word} <")) && words.next().is_none() {
            return Some(format!("{word} wants a value"));
        }
    }
    let taken = |bracket| section(&help, "Arguments:").filter(|name| name.starts_with(bracket)).count();
    let (required, optional) = (taken('<'), taken('['));
    let fits = (required..=required + optional).contains(&arguments);
    (!fits).then(|| format!("`{at:?}` takes {required} arguments, {optional} more at will, and is given {arguments}"))
}

#[test]
fn every_command_in_a_runbook_or_an_alert_is_one() {
    let pages = files("docs/runbooks", ".md").into_iter().chain(files("deploy/prometheus/rules", "alerts.yml"));
    let commands: BTreeSet<(String, String)> =
        pages.flat_map(|(name, page)| commands_in(&page).into_iter().map(move |it| (it, name.clone()))).collect();
    assert!(commands.len() > 50, "the pages are read otherwise than they are written: {commands:?}");
    let faults: Vec<_> =
        commands.iter().filter_map(|(command, page)| Some((page, command, fault_of(command)?))).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_command_that_is_none_is_noticed() {
    for command in [
        "dawncast run",
        "dawncast run stop RUN",
        "dawncast run show",
        "dawncast run show RUN NOW",
        "dawncast run deliveries RUN --status failed",
        "dawncast run deliveries RUN --state",
        "dawncast halt",
    ] {
        assert!(fault_of(command).is_some(), "{command}");
    }
}
