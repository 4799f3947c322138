//! Walks over the deliveries of a run, page by page, then over the rows that were dropped.

use std::{fmt, str::FromStr};

use dawncast_core::delivery::DeliveryState;
use dawncast_store::{
    StoreError,
    run::{DeliveryRow, DroppedRow, Run},
};

use super::View;
use crate::state::ApiState;

/// The state of a row that the freeze dropped, in the words of the API.
pub(super) const DROPPED: &str = "dropped";

/// Every state that a delivery can have.
const STATES: [DeliveryState; 10] = [
    DeliveryState::Planned,
    DeliveryState::Sending,
    DeliveryState::Unconfirmed,
    DeliveryState::Accepted,
    DeliveryState::Sent,
    DeliveryState::Delivered,
    DeliveryState::Read,
    DeliveryState::Failed,
    DeliveryState::Expired,
    DeliveryState::Cancelled,
];

/// The state of this name; else what would have been right.
pub(super) fn known_state(given: &str) -> Result<&'static str, String> {
    let mut states = STATES.iter().map(|state| state.as_str()).chain([DROPPED]);
    states.clone().find(|state| *state == given).ok_or_else(|| {
        let all: Vec<_> = states.by_ref().map(|state| format!("`{state}`")).collect();
        format!("`state` is `{given}`; it must be one of {}.", all.join(", "))
    })
}

/// What a list is narrowed to.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) phone: Option<u64>,
    pub(super) recipient_id: Option<String>,
    pub(super) state: Option<&'static str>,
}

impl Filter {
    fn admits(&self, phone: u64, id: &str, state: &str) -> bool {
        self.phone.is_none_or(|wanted| wanted == phone)
            && self.recipient_id.as_deref().is_none_or(|wanted| wanted == id)
            && self.state.is_none_or(|wanted| wanted == state)
    }

    fn admits_delivery(&self, row: &DeliveryRow) -> bool {
        self.admits(row.recipient.phone, &row.recipient.id, row.state.as_str())
    }

    fn admits_dropped(&self, row: &DroppedRow) -> bool {
        self.admits(row.phone, &row.id, DROPPED)
    }
}

/// A place in a walk; written, it is a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// A delivery.
    Delivery { page: u32, index: usize },
    /// A dropped row.
    Dropped(usize),
    /// Behind everything.
    End,
}

impl Position {
    pub(super) const START: Self = Self::Delivery { page: 0, index: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivery { page, index } => write!(f, "p{page}.{index}"),
            Self::Dropped(index) => write!(f, "d{index}"),
            Self::End => f.write_str("end"),
        }
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(index) = text.strip_prefix('d') {
            return index.parse().map(Self::Dropped).map_err(drop);
        }
        let (page, index) = text.strip_prefix('p').and_then(|rest| rest.split_once('.')).ok_or(())?;
        Ok(Self::Delivery { page: page.parse().map_err(drop)?, index: index.parse().map_err(drop)? })
    }
}

/// A walk under way.
pub(super) struct Walk {
    state: ApiState,
    run: Run,
    filter: Filter,
    at: Position,
}

impl Walk {
    pub(super) fn new(state: ApiState, run: Run, filter: Filter, at: Position) -> Self {
        Self { state, run, filter, at }
    }

    /// Where it is: behind what the last call of [`Self::next`] looked at.
    pub(super) fn at(&self) -> Position {
        self.at
    }

    /// Goes on with the dropped rows, unless it is among them already.
    pub(super) fn skip_to_dropped(&mut self) {
        if let Position::Delivery { .. } = self.at {
            self.at = Position::Dropped(0);
        }
    }

    /// The next rows that the filter admits, perhaps none; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<(Position, View)>>, StoreError> {
        match self.at {
            Position::Delivery { page, index } => {
                let rows = self.state.store.deliveries(&self.run, page, self.state.now()).await?;
                self.at = match rows {
                    Some(_) => Position::Delivery { page: page + 1, index: 0 },
                    None => Position::Dropped(0),
                };
                let rows = rows.unwrap_or_default().into_iter().enumerate().skip(index);
                let admitted = rows.filter(|(_, row)| self.filter.admits_delivery(row));
                Ok(Some(admitted.map(|(index, row)| (Position::Delivery { page, index }, row.into())).collect()))
            }
            Position::Dropped(from) => {
                self.at = Position::End;
                let rows = self.state.store.dropped(&self.run.record.id).await?.into_iter().enumerate().skip(from);
                let admitted = rows.filter(|(_, row)| self.filter.admits_dropped(row));
                Ok(Some(admitted.map(|(index, row)| (Position::Dropped(index), row.into())).collect()))
            }
            Position::End => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_written() {
        for position in [Position::START, Position::Delivery { page: 7, index: 255 }, Position::Dropped(12)] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        for bad in ["", "p", "p1", "p1.x", "d", "7.1", "end"] {
            assert_eq!(bad.parse::<Position>(), Err(()), "{bad:?}");
        }
    }

    #[test]
    fn a_filter_narrows_by_everything_it_holds() {
        let filter = Filter { phone: Some(1), recipient_id: Some("a".into()), state: Some("sent") };
        assert!(filter.admits(1, "a", "sent"));
        for (phone, id, state) in [(2, "a", "sent"), (1, "b", "sent"), (1, "a", "read")] {
            assert!(!filter.admits(phone, id, state));
        }
        assert!(Filter::default().admits(9, "", "planned"));
    }

    #[test]
    fn an_unknown_state_is_told_the_known_ones() {
        assert_eq!(known_state("dropped"), Ok("dropped"));
        let why = known_state("done").expect_err("no state");
        assert!(why.contains("`done`") && why.contains("`planned`") && why.contains("`dropped`"), "{why}");
    }
}
