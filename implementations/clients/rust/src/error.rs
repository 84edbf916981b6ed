//! What goes wrong, and whose fault it is.

use std::fmt;
use std::io;

/// Why a run, or the whole conversation, cannot go on.
///
/// Return one made by [`Error::new`] from a method of [`Driver`](crate::Driver) or [`Iommu`](crate::Iommu): the suite
/// is told the text, the run has no verdict.
#[derive(Debug)]
pub struct Error {
    pub(crate) kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What is under test cannot go on: the suite is told.
    Run,
    /// The conversation itself is broken: the program ends with exit code 2.
    Conversation,
}

impl Error {
    /// The run at hand cannot go on, for this reason.
    pub fn new(message: impl Into<String>) -> Error {
        Error { kind: Kind::Run, message: message.into() }
    }

    pub(crate) fn conversation(message: impl Into<String>) -> Error {
        Error { kind: Kind::Conversation, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::conversation(error.to_string())
    }
}
