//! Duplicates of an upload: rows whose phone, or whose recipient's id, came before. Found when all rows are in, by one
//! walk over the sorted [`Sightings`]; the same walk finds the rows that an upsert replaces.

use std::{collections::BinaryHeap, io, iter::Peekable};

use serde::{Deserialize, Serialize};

use super::sightings::{Sighting, Sightings};

/// Duplicates kept per import; beyond them only the count grows.
pub const MAX_DUPLICATES: usize = 10_000;

/// What a row has in common with an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeated {
    /// The phone: a run drops all but the first.
    Phone,
    /// The recipient's id, with another phone: a run sends to both.
    Id,
}

/// A row that repeats an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Duplicate {
    /// The line of the upload, from 1.
    pub line: u64,
    /// What is repeated.
    pub by: Repeated,
    /// The line where it stood first.
    pub first_line: u64,
    /// The same in words. Never holds what stood in the row.
    pub reason: String,
}

impl Duplicate {
    fn new(line: u64, by: Repeated, first_line: u64) -> Self {
        let reason = match by {
            Repeated::Phone => format!("the phone stands on line {first_line} already; a run sends to the first row"),
            Repeated::Id => {
                format!("the id stands on line {first_line} already, with another phone; a run sends to both")
            }
        };
        Self { line, by, first_line, reason }
    }
}

/// What became known of an upload's rows.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Rows whose phone came before.
    pub(super) phones: u64,
    /// Rows whose id came before, with another phone.
    pub(super) ids: u64,
    /// The first [`MAX_DUPLICATES`] of both, by line.
    pub(super) told: Vec<Duplicate>,
    /// The rows of the version before whose phone the upload has, a bit each.
    pub(super) replaced: Rows,
}

/// A set of rows, counted from 0.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<u64>);

impl Rows {
    fn add(&mut self, row: u64) {
        let word = (row / 64) as usize;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (row % 64);
    }

    pub(super) fn has(&self, row: u64) -> bool {
        self.0.get((row / 64) as usize).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }
}

/// Walks over the upload, and over the phones of the version before with their rows as lines. Works for a while: not
/// for an async thread.
pub(super) fn settle(upload: Sightings, before: Sightings) -> io::Result<Settled> {
    let mut before = before.sorted()?.peekable();
    let (mut settled, mut told, mut first) = (Settled::default(), BinaryHeap::new(), None::<Sighting>);
    for sighting in upload.sorted()? {
        let sighting = sighting?;
        let Some(before_it) = first.filter(|first| first.key == sighting.key) else {
            replace(&mut before, &sighting, &mut settled.replaced)?;
            first = Some(sighting);
            continue;
        };
        let by = match (sighting.is_id(), sighting.phone == before_it.phone) {
            (false, _) => Repeated::Phone,
            (true, false) => Repeated::Id,
            // Its phone has told of it.
            (true, true) => continue,
        };
        *if by == Repeated::Phone { &mut settled.phones } else { &mut settled.ids } += 1;
        told.push((sighting.line, by, before_it.line));
        if told.len() > MAX_DUPLICATES {
            told.pop();
        }
    }
    let told = told.into_sorted_vec().into_iter();
    settled.told = told.map(|(line, by, first)| Duplicate::new(line, by, first)).collect();
    Ok(settled)
}

/// Notes the rows of the version before that have the phone of `sighting`.
fn replace<I>(before: &mut Peekable<I>, sighting: &Sighting, replaced: &mut Rows) -> io::Result<()>
where
    I: Iterator<Item = io::Result<Sighting>>,
{
    while let Some(row) = before.next_if(|row| row.as_ref().map_or(true, |row| row.key <= sighting.key)) {
        let row = row?;
        if row.key == sighting.key {
            replaced.add(row.line);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(seen: impl IntoIterator<Item = Sighting>) -> Sightings {
        let mut sightings = Sightings::new(std::env::temp_dir());
        seen.into_iter().for_each(|sighting| {
            sightings.note(sighting);
        });
        sightings
    }

    fn rows(rows: &[(u64, u64, &str)]) -> Sightings {
        let of =
            |&(line, phone, id): &(u64, u64, &str)| [Sighting::of_phone(line, phone), Sighting::of_id(line, phone, id)];
        noted(rows.iter().flat_map(of))
    }

    #[test]
    fn a_row_is_told_once_for_its_phone_and_once_for_an_id_that_another_phone_has() {
        let upload = rows(&[(2, 7, "a"), (3, 8, "b"), (4, 7, "a"), (5, 9, "b"), (6, 8, "a")]);
        let settled = settle(upload, noted([])).expect("no file");
        let told = settled.told.iter().map(|found| (found.line, found.by, found.first_line));
        let expected = [(4, Repeated::Phone, 2), (5, Repeated::Id, 3), (6, Repeated::Phone, 3), (6, Repeated::Id, 2)];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert_eq!((settled.phones, settled.ids), (2, 2));
    }

    #[test]
    fn rows_that_the_upload_has_are_replaced_however_often_they_stood_there() {
        let before = [7, 3, 9, 7, 1].into_iter().zip(0..).map(|(phone, row)| Sighting::of_phone(row, phone));
        let settled = settle(rows(&[(2, 7, "a"), (3, 1, "b"), (4, 2, "c")]), noted(before)).expect("no file");
        assert_eq!((0..70).filter(|row| settled.replaced.has(*row)).collect::<Vec<_>>(), [0, 3, 4]);
    }

    #[test]
    fn the_first_are_kept_when_there_are_too_many() {
        let upload = noted((0..MAX_DUPLICATES as u64 + 50).rev().map(|line| Sighting::of_phone(line + 1, 7)));
        let settled = settle(upload, noted([])).expect("no file");
        assert_eq!((settled.phones, settled.told.len()), (MAX_DUPLICATES as u64 + 49, MAX_DUPLICATES));
        assert_eq!((settled.told[0].line, settled.told[MAX_DUPLICATES - 1].line), (2, MAX_DUPLICATES as u64 + 1));
    }
}
