//! A figure: measured several times, told as its median with its spread.

use serde::Serialize;

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// In the order in which they were measured.
    pub(super) rounds: Vec<f64>,
}

impl Figure {
    /// Of at least one round.
    pub(super) fn of(rounds: impl IntoIterator<Item = f64>) -> Self {
        let rounds: Vec<f64> = rounds.into_iter().collect();
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Self { median, min: sorted[0], max: sorted[sorted.len() - 1], rounds }
    }

    /// Median and spread, with so many decimals.
    pub(super) fn text(&self, decimals: usize) -> String {
        let Self { median, min, max, .. } = self;
        format!("{median:.decimals$} ({min:.decimals$}–{max:.decimals$})")
    }
}

/// What was promised of a figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) wanted: String,
    pub(super) median: f64,
    pub(super) met: bool,
}

impl Target {
    pub(super) fn at_least(name: &'static str, figure: &Figure, least: f64) -> Self {
        Self { name, wanted: format!("≥ {least}"), median: figure.median, met: figure.median >= least }
    }

    pub(super) fn below(name: &'static str, figure: &Figure, bound: f64) -> Self {
        Self { name, wanted: format!("< {bound}"), median: figure.median, met: figure.median < bound }
    }

    /// In no round.
    pub(super) fn never(name: &'static str, figure: &Figure) -> Self {
        Self { name, wanted: "0 in every round".to_owned(), median: figure.median, met: figure.max == 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_its_median() {
        let figure = Figure::of([3.0, 1.0, 2.0]);
        assert_eq!((figure.median, figure.min, figure.max), (2.0, 1.0, 3.0));
        assert_eq!(figure.rounds, [3.0, 1.0, 2.0]);
        assert_eq!(Figure::of([1.0, 2.0]).median, 1.5);
        assert_eq!(figure.text(1), "2.0 (1.0–3.0)");
    }

    #[test]
    fn a_target_is_met_by_the_median_but_what_must_never_happen_by_every_round() {
        let figure = Figure::of([0.0, 0.0, 5.0]);
        assert!(Target::below("x", &figure, 1.0).met && Target::at_least("x", &figure, 0.0).met);
        assert!(!Target::never("x", &figure).met && !Target::at_least("x", &figure, 0.1).met);
    }
}
