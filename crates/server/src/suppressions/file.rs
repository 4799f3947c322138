//! A file of phones that want no messages.

use csv::{ReaderBuilder, StringRecord, Trim};
use dawncast_core::{consent::Scope, phone::Phone};
use serde::Serialize;

use crate::problem::Problem;

/// A line that was not taken.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Reject {
    /// From 1.
    line: u64,
    reason: String,
}

/// What a file holds.
#[derive(Debug, PartialEq)]
pub(super) struct Listed {
    pub(super) entries: Vec<(Phone, Scope)>,
    pub(super) rejects: Vec<Reject>,
}

/// Where the columns stand.
struct Columns {
    phone: usize,
    scope: Option<usize>,
}

/// Reads a CSV whose first line names `phone` and perhaps `scope`; other columns are left alone.
pub(super) fn read(bytes: &[u8]) -> Result<Listed, Problem> {
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(bytes);
    let columns =
        columns(reader.headers().map_err(|error| Problem::malformed(format!("The file is no CSV: {error}.")))?)?;
    let mut listed = Listed { entries: Vec::new(), rejects: Vec::new() };
    for record in reader.records() {
        let line = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
        match record {
            Ok(record) => match entry(&record, &columns) {
                Ok(entry) => listed.entries.push(entry),
                Err(reason) => listed.rejects.push(Reject { line: line(record.position()), reason }),
            },
            Err(error) => {
                listed.rejects.push(Reject { line: line(error.position()), reason: "is not UTF-8".to_owned() })
            }
        }
    }
    Ok(listed)
}

fn columns(header: &StringRecord) -> Result<Columns, Problem> {
    let place = |name: &str| header.iter().position(|field| field.trim_start_matches('\u{feff}') == name);
    let phone = place("phone").ok_or_else(|| {
        let there: Vec<_> = header.iter().take(20).map(|name| format!("`{name}`")).collect();
        Problem::malformed(format!("The first line names no column `phone`; it has {}.", there.join(", ")))
    })?;
    Ok(Columns { phone, scope: place("scope") })
}

fn entry(record: &StringRecord, columns: &Columns) -> Result<(Phone, Scope), String> {
    let phone = record.get(columns.phone).unwrap_or_default().parse::<Phone>().map_err(|error| error.to_string())?;
    let scope = columns.scope.and_then(|place| record.get(place)).filter(|scope| !scope.is_empty());
    let scope = scope.map_or(Ok(Scope::All), |scope| scope.to_ascii_lowercase().parse());
    Ok((phone, scope.map_err(|error| format!("scope: {error}"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_lines_are_taken_and_bad_ones_told_by_line() {
        let file = "\u{feff}name,phone,scope\nAsha,+91 98765 43210,\nBo,12345,all\nCy,919876543211,Marketing\nDi,919876543212,news\n";
        let Listed { entries, rejects } = read(file.as_bytes()).expect("a list");
        let entries: Vec<_> = entries.iter().map(|(phone, scope)| (phone.digits(), *scope)).collect();
        assert_eq!(entries, [(919_876_543_210, Scope::All), (919_876_543_211, Scope::Marketing)]);
        assert_eq!(rejects.iter().map(|reject| reject.line).collect::<Vec<_>>(), [3, 5]);
        assert!(
            rejects[0].reason.contains("5 digits") && rejects[1].reason.contains("`news` is not one of"),
            "{rejects:?}"
        );
    }

    #[test]
    fn a_file_without_the_column_is_refused() {
        let problem = read(b"number\n919876543210\n").expect_err("no phone");
        assert!(format!("{problem:?}").contains("no column `phone`; it has `number`"));
    }
}
