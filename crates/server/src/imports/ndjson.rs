//! Newline-delimited JSON as it comes in, piece by piece, in constant memory.

use std::collections::BTreeSet;

use dawncast_core::numbering::Scrutiny;
use serde_json::{Map, Value};

use super::row::{MAX_COLUMNS, MAX_ROW, Row, Unreadable, is_usable, recipient};

/// Reads objects out of pieces of a file.
pub(super) struct NdjsonParser {
    scrutiny: Scrutiny,
    pending: Vec<u8>,
    line: u64,
    columns: BTreeSet<String>,
}

impl NdjsonParser {
    pub(super) fn new(scrutiny: Scrutiny) -> Self {
        Self { scrutiny, pending: Vec::new(), line: 0, columns: BTreeSet::new() }
    }

    /// Takes the next piece; the rows that it completes go to `rows`.
    pub(super) fn feed(&mut self, piece: &[u8], rows: &mut Vec<Row>) -> Result<(), Unreadable> {
        let mut lines = piece.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = lines.next() {
            self.pending.extend_from_slice(part);
            if self.pending.len() > MAX_ROW {
                return Err(Unreadable(format!("line {} is longer than {MAX_ROW} bytes", self.line + 1)));
            }
            if lines.peek().is_some() {
                rows.extend(self.take_line()?);
            }
        }
        Ok(())
    }

    /// Ends the file; the columns that a message can use.
    pub(super) fn end(mut self, rows: &mut Vec<Row>) -> Result<BTreeSet<String>, Unreadable> {
        rows.extend(self.take_line()?);
        Ok(self.columns)
    }

    fn take_line(&mut self) -> Result<Option<Row>, Unreadable> {
        self.line += 1;
        let (line, bytes) = (self.line, std::mem::take(&mut self.pending));
        let not_utf8 = |_| Unreadable(format!("line {line} is not UTF-8; save the file as UTF-8"));
        let text = std::str::from_utf8(&bytes).map_err(not_utf8)?.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(None);
        }
        let recipient = match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(fields)) => texts(fields).and_then(|fields| {
                self.columns.extend(fields.iter().map(|(name, _)| name).filter(|name| is_usable(name)).cloned());
                recipient(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())), self.scrutiny)
            }),
            Ok(_) => Err("is not a JSON object".to_owned()),
            Err(error) => Err(format!("is not JSON: {}", place(&error))),
        };
        if self.columns.len() > MAX_COLUMNS {
            return Err(Unreadable(format!("line {line}: there are more than {MAX_COLUMNS} different attributes")));
        }
        Ok(Some(Row { line, recipient }))
    }
}

/// The error without the line number, which counts from the row and would mislead.
fn place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("{what} at column {}", error.column())
}

/// The values as texts; null is left out.
fn texts(fields: Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let text = |(name, value): (String, Value)| match value {
        Value::Null => None,
        Value::String(text) => Some(Ok((name, text))),
        Value::Number(number) => Some(Ok((name, number.to_string()))),
        Value::Bool(flag) => Some(Ok((name, flag.to_string()))),
        Value::Array(_) | Value::Object(_) => {
            Some(Err(format!("`{name}` must be a text, a number, `true` or `false`")))
        }
    };
    fields.into_iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let (mut parser, mut rows) = (NdjsonParser::new(Scrutiny::Valid), Vec::new());
        for piece in file.as_bytes().chunks(5) {
            parser.feed(piece, &mut rows).map_err(|why| why.0)?;
        }
        let columns = parser.end(&mut rows).map_err(|why| why.0)?;
        let shown = |row: Row| match row.recipient {
            Ok(recipient) => format!("{}:{}:{:?}", row.line, recipient.phone, recipient.attributes),
            Err(reason) => format!("{}!{reason}", row.line),
        };
        Ok((rows.into_iter().map(shown).collect(), columns.into_iter().collect()))
    }

    #[test]
    fn every_line_is_a_recipient_or_tells_why_not() {
        let file = "{\"phone\":919876543210,\"age\":42,\"vip\":true,\"x\":null}\r\n\n[1]\n{\"phone\":\"+919876543211\",\"a\":{}}\n\
                    {\"phone\":\n{\"name\":\"ü\"}\n{\"phone\":\"+91 98765 43212\"}";
        let (rows, columns) = read(file).expect("a file");
        assert_eq!(
            rows,
            [
                "1:919876543210:{\"age\": \"42\", \"vip\": \"true\"}",
                "3!is not a JSON object",
                "4!`a` must be a text, a number, `true` or `false`",
                "5!is not JSON: EOF while parsing a value at column 9",
                "6!the phone number is empty",
                "7:919876543212:{}",
            ]
        );
        assert_eq!(columns, ["age", "name", "vip"]);
    }

    #[test]
    fn an_endless_line_ends_the_import_and_not_the_memory() {
        let why = read(&"x".repeat(MAX_ROW + 10)).expect_err("it cannot be read");
        assert_eq!(why, "line 1 is longer than 65536 bytes");
    }
}
