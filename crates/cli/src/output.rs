//! What people and machines read: aligned tables, times in a campaign's zone, JSON.

use std::{
    fmt::Display,
    io::{self, Write},
};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

/// What stands where a value is missing.
const NOTHING: &str = "–";

/// Writes to standard output. A reader that has gone away, such as `head`, is no failure.
pub(crate) fn say(text: impl Display) {
    let text = text.to_string();
    let _ = writeln!(io::stdout(), "{}", text.trim_end_matches('\n'));
}

/// Writes `value` for machines, or what `people` makes of it.
pub(crate) fn show<T: Serialize>(json: bool, value: &T, people: impl FnOnce(&T) -> String) {
    if json {
        say(serde_json::to_string_pretty(value).expect("answers hold nothing that JSON lacks"));
    } else {
        say(people(value));
    }
}

/// Columns as wide as their widest cell; those of numbers stand to the right.
pub(crate) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        Self { heads: heads.to_vec(), rows: Vec::new() }
    }

    /// Adds a row of one cell per column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, or `nothing` when it has no rows.
    pub(crate) fn render(&self, nothing: &str) -> String {
        if self.rows.is_empty() {
            return nothing.to_owned();
        }
        let heads: Vec<_> = self.heads.iter().map(|head| (*head).to_owned()).collect();
        let lines = std::iter::once(&heads).chain(&self.rows);
        lines.map(|cells| self.line(cells)).collect::<Vec<_>>().join("\n")
    }

    fn line(&self, cells: &[String]) -> String {
        let cells = cells.iter().enumerate().map(|(column, cell)| {
            let pad = " ".repeat(self.width(column).saturating_sub(cell.chars().count()));
            if self.is_numeric(column) { format!("{pad}{cell}") } else { format!("{cell}{pad}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }

    fn width(&self, column: usize) -> usize {
        let head = self.heads.get(column).copied().unwrap_or_default();
        self.cells(column).chain([head]).map(|cell| cell.chars().count()).max().unwrap_or_default()
    }

    fn is_numeric(&self, column: usize) -> bool {
        // Identifiers are digits too, but nobody compares their size.
        let counts = |cell: &str| cell.len() < 12 && cell.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.');
        self.cells(column).all(counts)
    }
}

/// Names and values below each other; values that are missing are left out.
pub(crate) fn details<'a>(lines: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let lines: Vec<_> = lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    lines.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect::<Vec<_>>().join("\n")
}

/// The value at `pointer`, as a person would write it.
pub(crate) fn cell(value: &Value, pointer: &str) -> String {
    field(value, pointer).unwrap_or_else(|| NOTHING.to_owned())
}

/// The value at `pointer`, as a person would write it, if there is one.
pub(crate) fn field(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.as_u64().map_or_else(|| number.to_string(), thousands)),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(items.iter().map(|item| cell(item, "")).collect::<Vec<_>>().join(", ")),
        other @ Value::Object(_) => Some(other.to_string()),
    }
}

/// The moment at `pointer`, on the clocks of `zone`.
pub(crate) fn time_cell(value: &Value, pointer: &str, zone: Tz) -> String {
    let at = value.pointer(pointer).and_then(Value::as_str);
    at.and_then(|at| at.parse::<DateTime<Utc>>().ok()).map_or_else(|| NOTHING.to_owned(), |at| local(at, zone))
}

/// The moment at `pointer` in UTC, for what belongs to no campaign.
pub(crate) fn utc_cell(value: &Value, pointer: &str) -> String {
    time_cell(value, pointer, Tz::UTC)
}

/// A moment on the clocks of `zone`.
pub(crate) fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// The time-zone at `pointer`; UTC when there is none.
pub(crate) fn zone_at(value: &Value, pointer: &str) -> Tz {
    value.pointer(pointer).and_then(Value::as_str).and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)
}

/// A count with thousands set apart.
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let grouped = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).expect("digits are ASCII"));
    grouped.collect::<Vec<_>>().join(",")
}

/// A share, 0 to 1, in percent; rounded down, so that 100 % means all.
pub(crate) fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).floor() / 100.0;
    format!("{hundredths} %")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_stand_to_the_right() {
        let mut table = Table::new(&["NUMBER", "ACCEPTED", "HEALTH"]);
        table.row(["100000000000001", "1,665", "active"].map(str::to_owned));
        table.row(["1", "5", "–"].map(str::to_owned));
        assert_eq!(
            table.render("none"),
            "NUMBER           ACCEPTED  HEALTH\n100000000000001     1,665  active\n1                       5  –"
        );
        assert_eq!(Table::new(&["A"]).render("none"), "none");
    }

    #[test]
    fn values_read_as_people_write_them() {
        let value = json!({ "a": 1234567, "b": true, "c": ["x", "y"], "d": null, "at": "2026-11-23T00:30:00.000Z" });
        assert_eq!(["/a", "/b", "/c", "/d", "/e"].map(|p| cell(&value, p)), ["1,234,567", "yes", "x, y", "–", "–"]);
        assert_eq!(time_cell(&value, "/at", Tz::Asia__Kolkata), "2026-11-23 06:00:00 IST");
        assert_eq!(time_cell(&value, "/d", Tz::UTC), "–");
    }

    #[test]
    fn a_share_is_never_rounded_up() {
        assert_eq!([1.0, 0.99999, 0.9985, 0.5].map(percent), ["100 %", "99.99 %", "99.85 %", "50 %"]);
        assert_eq!([0, 999, 1000, 1234567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn details_leave_out_what_is_missing() {
        assert_eq!(
            details([("id", Some("a".to_owned())), ("name", None), ("x", Some("b".to_owned()))]),
            "id  a\nx   b"
        );
    }
}
