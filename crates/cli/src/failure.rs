//! Why a command failed, in words for the person at the terminal.

use std::{fmt, path::Path, process::ExitCode};

use dawncast_core::fault::Fault;
use serde::Deserialize;

/// What a command comes to: how the process exits, or why it failed.
pub(crate) type Outcome = Result<ExitCode, Failure>;

/// A command did not do what it was told. Told apart by what the person does next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command was not understood: mend the command.
    #[error("{0}")]
    Usage(String),
    /// The server refused: mend what was sent.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// Anything else; the text says what to do.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// A failure with this text.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self::Other(text.to_string())
    }

    /// The same failure, its faults lying in `file`.
    pub(crate) fn of(mut self, file: &Path) -> Self {
        if let Self::Refused(problem) = &mut self
            && file != Path::new("-")
        {
            problem.source = Some(file.display().to_string());
        }
        self
    }

    /// 1: refused or failed. 2: wrong usage.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Refused(_) | Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

/// What went wrong below is told as it is.
macro_rules! told {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self { Self::new(error) }
        }
    )*};
}

told!(
    crate::config::BadConfig,
    dawncast_store::StoreError,
    dawncast_store::private::PrivateError,
    dawncast_cloud_api::ClientError,
    dawncast_cloud_sim::SimError,
);

/// An RFC 9457 problem document.
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    pub(crate) title: String,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) errors: Vec<Fault>,
    /// Where the faults are: a file that was sent.
    #[serde(skip)]
    pub(crate) source: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.title, self.status)?;
        if !self.detail.is_empty() && self.errors.len() != 1 {
            write!(f, ": {}", self.detail)?;
        }
        for fault in &self.errors {
            write!(f, "\n  ")?;
            if let Some(source) = &self.source {
                write!(f, "{source}: ")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_problem_stands_on_a_line_with_its_place() {
        let mut problem: Problem = serde_json::from_str(
            r#"{"type":"/problems/validation","title":"The request has faults","status":422,"detail":"There are 2 faults.",
                "errors":[{"pointer":"/pool","detail":"is missing."},{"pointer":"/sla/objective","detail":"is 2."}]}"#,
        )
        .unwrap();
        problem.source = Some("daily.json".to_owned());
        let text = Failure::Refused(Box::new(problem)).to_string();
        assert_eq!(
            text,
            "The request has faults (422): There are 2 faults.\n  daily.json: /pool: is missing.\n  daily.json: \
             /sla/objective: is 2."
        );
    }
}
