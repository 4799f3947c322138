//! What the shipped dashboards ask of Prometheus, with Grafana's variables filled in as Grafana fills them.

use std::fs;

use serde_json::Value;

use crate::live_observe_scene::{Observed, Sample, root};

/// Everything is chosen, of the last quarter of an hour, and what was scraped every five seconds is rated over twenty.
const VARIABLES: [(&str, &str); 6] = [
    ("$__rate_interval", "20s"),
    ("$__interval", "5s"),
    ("$__range", "15m"),
    ("$pool", ".*"),
    ("$campaign", ".*"),
    ("$run", ".*"),
];
const MINUTES: i64 = 15;

/// One query of a panel.
#[derive(Debug)]
pub(crate) struct Query {
    /// The title of the panel and the query's letter, such as `Lateness A`.
    pub(crate) name: String,
    /// What the panel calls its series.
    pub(crate) legend: String,
    expression: String,
    /// Whether the panel shows the present alone.
    instant: bool,
}

impl Query {
    /// The series that the panel shows: each with its label set and its last value.
    pub(crate) async fn answer(&self, observed: &Observed) -> Vec<Sample> {
        if self.instant {
            observed.query(&self.expression).await
        } else {
            observed.query_over(&self.expression, MINUTES).await
        }
    }
}

/// The queries of all panels and annotations of all dashboards.
pub(crate) fn queries() -> Vec<Query> {
    let files = fs::read_dir(root().join("dashboards")).unwrap().map(|file| file.unwrap().path());
    let dashboards = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let queries: Vec<_> = dashboards
        .flat_map(|file| {
            let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
            let mut queries = Vec::new();
            collect(&dashboard, "", &mut queries);
            queries
        })
        .collect();
    assert!(!queries.is_empty(), "there are dashboards");
    queries
}

/// Whatever has an `expr` is a query, of the nearest thing around it that has a name.
fn collect(value: &Value, around: &str, found: &mut Vec<Query>) {
    let title = value.get("title").or(value.get("name")).and_then(Value::as_str).unwrap_or(around);
    if let Some(expression) = value.get("expr").and_then(Value::as_str) {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let (name, legend) = (format!("{title} {}", text("refId")), text("legendFormat"));
        found.push(Query { name, legend, expression: filled(expression), instant: value["instant"] == true });
    }
    match value {
        Value::Object(members) => members.values().for_each(|member| collect(member, title, found)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, title, found)),
        _ => {}
    }
}

fn filled(expression: &str) -> String {
    let filled = VARIABLES.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value));
    // A `$1` is a group of label_replace.
    let unknown = filled.match_indices('$').any(|(at, _)| !filled[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    assert!(!unknown, "a variable is not filled in: {filled}");
    filled
}
