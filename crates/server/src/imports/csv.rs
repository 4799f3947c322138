//! CSV as it comes in, piece by piece, in constant memory.

use std::collections::BTreeSet;

use csv_core::{ReadRecordResult, Reader};
use dawncast_core::numbering::Scrutiny;

use super::row::{MAX_COLUMNS, MAX_ROW, Row, Unreadable, is_usable, recipient};

/// Reads records out of pieces of a file.
pub(super) struct CsvParser {
    reader: Reader,
    scrutiny: Scrutiny,
    text: Box<[u8]>,
    text_len: usize,
    ends: Box<[usize]>,
    ends_len: usize,
    header: Option<Vec<String>>,
}

impl CsvParser {
    pub(super) fn new(scrutiny: Scrutiny) -> Self {
        let (text, ends) = (vec![0; MAX_ROW].into(), vec![0; MAX_COLUMNS].into());
        Self { reader: Reader::new(), scrutiny, text, text_len: 0, ends, ends_len: 0, header: None }
    }

    /// Takes the next piece; the rows that it completes go to `rows`.
    pub(super) fn feed(&mut self, mut piece: &[u8], rows: &mut Vec<Row>) -> Result<(), Unreadable> {
        while !piece.is_empty() {
            piece = &piece[self.step(piece, rows)?..];
        }
        Ok(())
    }

    /// Ends the file; the columns that a message can use.
    pub(super) fn end(mut self, rows: &mut Vec<Row>) -> Result<BTreeSet<String>, Unreadable> {
        self.step(&[], rows)?;
        let header =
            self.header.ok_or_else(|| Unreadable("the file is empty; its first line must name the columns".into()))?;
        Ok(header.into_iter().filter(|name| is_usable(name)).collect())
    }

    /// Reads up to the end of a record or of `piece`; how many bytes it took.
    fn step(&mut self, piece: &[u8], rows: &mut Vec<Row>) -> Result<usize, Unreadable> {
        let (text, ends) = (&mut self.text[self.text_len..], &mut self.ends[self.ends_len..]);
        let (result, taken, text_len, ends_len) = self.reader.read_record(piece, text, ends);
        self.text_len += text_len;
        self.ends_len += ends_len;
        match result {
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            ReadRecordResult::OutputFull => {
                let line = self.line(false);
                return Err(Unreadable(format!(
                    "line {line}: the row is longer than {MAX_ROW} bytes; is a quote left open?"
                )));
            }
            ReadRecordResult::OutputEndsFull => {
                return Err(Unreadable(format!(
                    "line {}: there are more than {MAX_COLUMNS} columns",
                    self.line(false)
                )));
            }
            ReadRecordResult::Record => {
                let line = self.line(piece[..taken].ends_with(b"\n"));
                let row = self.record(line);
                (self.text_len, self.ends_len) = (0, 0);
                rows.extend(row?);
            }
        }
        Ok(taken)
    }

    /// The line on which the record at hand began. The reader has counted the line breaks inside it and, if it has
    /// read that far, the one after it.
    fn line(&self, past_its_end: bool) -> u64 {
        let inside = self.text[..self.text_len].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.reader.line() - inside - u64::from(past_its_end)
    }

    fn record(&mut self, line: u64) -> Result<Option<Row>, Unreadable> {
        let not_utf8 = |_| Unreadable(format!("line {line} is not UTF-8; save the file as UTF-8"));
        let text = std::str::from_utf8(&self.text[..self.text_len]).map_err(not_utf8)?;
        let ends = &self.ends[..self.ends_len];
        let starts = std::iter::once(0).chain(ends.iter().copied());
        // A field boundary inside a character would have been seen above: delimiters are ASCII.
        let fields: Vec<&str> = starts.zip(ends).map(|(start, end)| &text[start..*end]).collect();
        let Some(header) = &self.header else {
            self.header = Some(header(&fields)?);
            return Ok(None);
        };
        let recipient = if fields.len() == header.len() {
            recipient(header.iter().map(String::as_str).zip(fields), self.scrutiny)
        } else {
            Err(format!("{} fields where the header has {}", fields.len(), header.len()))
        };
        Ok(Some(Row { line, recipient }))
    }
}

/// The names of the columns.
fn header(fields: &[&str]) -> Result<Vec<String>, Unreadable> {
    // The reader takes a byte-order mark away only when it comes in one piece.
    let names: Vec<String> = fields.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    for (place, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Unreadable(format!("column {} has no name in the first line", place + 1)));
        }
        if names[..place].contains(name) {
            return Err(Unreadable(format!("the first line names the column `{name}` twice")));
        }
    }
    if names.iter().any(|name| name == "phone") {
        return Ok(names);
    }
    let there = names.iter().take(20).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Err(Unreadable(format!("the first line names no column `phone`; it has {there}")))
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
