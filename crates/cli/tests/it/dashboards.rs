//! Dashboards ask for what there is: metrics that the code exports or that a rule records, runbooks that exist, variables
//! that are defined, codes as the error table explains them.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use dawncast_cloud_api::ErrorEntry;
use serde_json::Value;

const DASHBOARDS: [&str; 2] = ["tonights-run", "pipeline"];
/// Where metrics are named.
const SOURCES: [&str; 3] =
    ["crates/engine/src/metrics.rs", "crates/server/src/metrics.rs", "crates/cli/src/telemetry.rs"];
const RUNBOOKS: &str = "https://github.com/dawncast/dawncast/blob/main/docs/runbooks/";
/// What Prometheus itself says of a target.
const OF_PROMETHEUS: [&str; 1] = ["up"];
const GRID_COLUMNS: u64 = 24;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn dashboard(name: &str) -> Value {
    serde_json::from_str(&read(&format!("dashboards/{name}.json"))).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Every string under one of `keys`, at any depth.
fn strings<'a>(value: &'a Value, keys: &[&str], found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.extend(value.as_str().filter(|_| keys.contains(&key.as_str())));
                strings(value, keys, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, keys, found)),
        _ => {}
    }
}

fn under<'a>(value: &'a Value, keys: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    strings(value, keys, &mut found);
    found
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_:$".contains(c)
}

/// A query without what stands between `open` and `close`.
fn without(query: &str, open: char, close: char) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for c in query.chars() {
        match inside {
            true if c == close => inside = false,
            false if c == open => inside = true,
            false => kept.push(c),
            true => {}
        }
    }
    kept
}

/// The metrics that a query in PromQL asks for.
fn metrics_of(query: &str) -> BTreeSet<String> {
    const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
    const WORDS: [&str; 6] = ["and", "or", "unless", "offset", "bool", "atan2"];
    let bare = [('"', '"'), ('{', '}'), ('[', ']')].iter().fold(query.to_owned(), |q, (a, b)| without(&q, *a, *b));
    let (mut found, mut rest) = (BTreeSet::new(), bare.as_str());
    while let Some(start) = rest.find(is_word) {
        rest = &rest[start..];
        let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        rest = after;
        if LISTS.contains(&word) {
            rest =
                after.trim_start().strip_prefix('(').and_then(|list| list.split_once(')')).map_or("", |(_, rest)| rest);
            continue;
        }
        let follows = after.trim_start();
        let is_function = ["(", "by", "without"].iter().any(|start| follows.starts_with(start));
        // A number or a duration, or a variable that stands for one.
        let is_figure = word.starts_with(|c: char| c.is_ascii_digit() || c == '$');
        if !(is_function || is_figure || WORDS.contains(&word)) {
            found.insert(word.to_owned());
        }
    }
    found
}

/// The names of metrics in the code, with what Prometheus makes of a histogram; and those that rules record.
fn known_metrics() -> HashSet<String> {
    let mut known: HashSet<String> = OF_PROMETHEUS.map(str::to_owned).into();
    for source in SOURCES.map(read) {
        let is_name = |text: &&str| text.starts_with("dawncast_") && text.chars().all(is_word);
        for name in source.split('"').skip(1).step_by(2).filter(is_name) {
            known.extend(["", "_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
        }
    }
    for file in fs::read_dir(root().join("deploy/prometheus/rules")).unwrap() {
        let rules = fs::read_to_string(file.unwrap().path()).unwrap();
        let records = rules.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("record:"));
        known.extend(records.map(|name| name.trim().to_owned()));
    }
    known
}

#[test]
fn the_metrics_of_a_query_are_found() {
    let query = r#"1000 * sum by (code, le) (rate(dawncast_a_total{code="up x", le!=""}[$__range])) and on (run) run:b:ratio
        or label_replace(min_over_time(c[5m]) unless c offset 5m, "d", "$1", "e", "(.*)") > bool 0.5"#;
    assert_eq!(metrics_of(query), ["c", "dawncast_a_total", "run:b:ratio"].map(str::to_owned).into());
}

#[test]
fn every_metric_that_a_panel_asks_for_exists() {
    let known = known_metrics();
    assert!(known.len() > 60, "the sources are read otherwise than they are written: {known:?}");
    let mut unknown = BTreeMap::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let queries = under(&dashboard, &["expr"]);
        assert!(queries.len() > 20, "{name} is read otherwise than it is written");
        for query in queries {
            let metrics = metrics_of(query);
            assert!(!metrics.is_empty(), "{name} asks for nothing: {query}");
            unknown.extend(metrics.into_iter().filter(|metric| !known.contains(metric)).map(|metric| (metric, name)));
        }
        for definition in under(&dashboard, &["definition"]) {
            let metric = definition.trim_start_matches("label_values(").split(['{', ',']).next().unwrap();
            assert!(known.contains(metric), "{name}: {definition}");
        }
    }
    assert_eq!(
        unknown,
        BTreeMap::new(),
        "metrics that neither the code nor a rule makes, and where they are asked for"
    );
}

#[test]
fn every_runbook_that_a_panel_links_to_exists() {
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let links: Vec<_> =
            under(&dashboard, &["url"]).into_iter().filter_map(|url| url.strip_prefix(RUNBOOKS)).collect();
        assert!(links.len() > 5, "{name} is read otherwise than it is written: {links:?}");
        for file in links {
            assert!(root().join("docs/runbooks").join(file).exists(), "{name} links to docs/runbooks/{file}");
        }
    }
}

/// The names after a `$`, in braces or not; what Grafana knows by itself (`$__range`) and groups (`$1`) apart.
fn variables_in(text: &str) -> BTreeSet<&str> {
    let names = text.split('$').skip(1).map(|after| {
        let after = after.strip_prefix('{').unwrap_or(after);
        &after[..after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())]
    });
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())).collect()
}

#[test]
fn the_variables_that_are_used_are_those_that_are_defined() {
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let defined: BTreeSet<_> =
            list(&dashboard, "/templating/list").iter().filter_map(|variable| variable["name"].as_str()).collect();
        for wanted in ["datasource", "pool", "campaign"] {
            assert!(defined.contains(wanted), "{name} cannot be set to one {wanted}");
        }
        let texts = under(&dashboard, &["expr", "uid", "definition", "query", "title", "legendFormat"]);
        let used: BTreeSet<_> = texts.into_iter().flat_map(variables_in).collect();
        assert_eq!(used, defined, "{name}");
    }
}

#[test]
fn dashboards_have_names_and_panels_have_ids_words_and_places_of_their_own() {
    let mut uids = HashSet::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        assert!(dashboard["title"].is_string() && uids.insert(dashboard["uid"].as_str().unwrap().to_owned()));
        assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39, "{name} is written for an old Grafana");
        let (mut ids, mut places) = (HashSet::new(), HashSet::new());
        for panel in list(&dashboard, "/panels") {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: the id of {title} is taken");
            assert!(panel["type"] == "row" || panel["description"].is_string(), "{name}: {title} explains nothing");
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            assert!(x + w <= GRID_COLUMNS, "{name}: {title} is wider than the page");
            let mut cells = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
            assert!(cells.all(|cell| places.insert(cell)), "{name}: {title} lies over another panel");
        }
    }
}

#[test]
fn codes_mean_what_the_error_table_says() {
    let dashboard = dashboard("tonights-run");
    let panels = list(&dashboard, "/panels").iter();
    let overrides = panels.flat_map(|panel| list(panel, "/fieldConfig/overrides"));
    let meaning = overrides.clone().find(|over| over["matcher"]["options"] == "Meaning").expect("a column Meaning");
    let mappings = list(meaning, "/properties").iter().find(|property| property["id"] == "mappings").unwrap();
    let mappings = list(mappings, "/value");
    let by_code = mappings[0]["options"].as_object().unwrap();
    let by_pattern: HashSet<_> =
        mappings.iter().filter_map(|mapping| mapping["options"]["result"]["text"].as_str()).collect();
    let mut single = 0;
    for entry in ErrorEntry::table() {
        let codes = entry.codes();
        if codes.start() == codes.end() {
            single += 1;
            let shown = by_code.get(&codes.start().to_string()).and_then(|mapping| mapping["text"].as_str());
            assert_eq!(shown, Some(entry.hint()), "{}", codes.start());
        } else {
            assert!(by_pattern.contains(entry.hint()), "{codes:?}: {}", entry.hint());
        }
    }
    assert_eq!(by_code.len(), single, "a code that the table does not list is explained");
}
