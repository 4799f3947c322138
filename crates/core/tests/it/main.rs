//! The delivery protocol, explored exhaustively within small bounds.

mod explore;
mod protocol;
