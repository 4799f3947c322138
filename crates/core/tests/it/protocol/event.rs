//! What may happen, and how it is told.

use std::fmt::{self, Display};

use dawncast_core::{
    delivery::{Attempt, Outcome},
    desk::Intent,
};

/// What went wrong on the way of a call, or did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    Answered,
    /// The script ran; nobody heard of it.
    Lost,
    /// The request was lost: nothing ran.
    Unasked,
}

/// What Meta makes of a POST that has reached it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Taken,
    /// Refused; another attempt may fare better.
    Refused,
    RefusedForGood,
}

/// Mishaps and whims. A setting says which there may be, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    Crash,
    Freeze,
    LostReply,
    LostResponse,
    Refusal,
    RefusalForGood,
    /// Meta tells `failed` of a message that it had taken, and another attempt may fare better.
    LateFailure,
    LateFailureForGood,
    HandlerDeath,
    /// A begin that was answered too late to be sent.
    Slow,
    Pause,
    Cancel,
    Deadline,
    LostWrites,
}

/// Something that happens. The first number is the worker's, deliveries and attempts are named by two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    Lease(usize),
    Claim(usize, Reply),
    Begin {
        worker: usize,
        intent: Intent,
        /// The place of the number that is to send it.
        place: u8,
        past_grace: bool,
        reply: Reply,
    },
    GiveUp(usize),
    Post {
        worker: usize,
        in_time: bool,
    },
    Answer {
        worker: usize,
        index: u16,
        attempt: Attempt,
        lost: bool,
    },
    Commit(usize, Reply),
    Look(usize),
    Finish(usize, Reply),
    LeaveLane(usize),
    SecondLook(usize),
    GiveBack(usize),
    Depart(usize),
    Crash(usize),
    Freeze(usize),
    Wake(usize),
    Lapse,
    Arrive {
        index: u16,
        attempt: Attempt,
        fate: Fate,
    },
    Receipt {
        index: u16,
        attempt: Attempt,
        told: Outcome,
    },
    PutBack,
    HandlerDeath,
    Reconcile,
    Pause,
    Resume,
    Cancel,
    Deadline,
    /// Redis' memory reaches its disk, or its replica: what is lost later is lost from here on.
    Keep,
    LoseWrites,
}

impl Event {
    /// The fault that it is, if it is one.
    pub(crate) fn fault(self) -> Option<Fault> {
        Some(match self {
            Self::Claim(_, Reply::Lost | Reply::Unasked)
            | Self::Commit(_, Reply::Lost | Reply::Unasked)
            | Self::Finish(_, Reply::Lost | Reply::Unasked)
            | Self::Begin { reply: Reply::Lost | Reply::Unasked, .. } => Fault::LostReply,
            Self::Post { in_time: false, .. } => Fault::Slow,
            Self::Answer { lost: true, .. } => Fault::LostResponse,
            Self::Arrive { fate: Fate::Refused, .. } => Fault::Refusal,
            Self::Arrive { fate: Fate::RefusedForGood, .. } => Fault::RefusalForGood,
            Self::Receipt { told: Outcome::FailedRetryable, .. } => Fault::LateFailure,
            Self::Receipt { told: Outcome::Failed, .. } => Fault::LateFailureForGood,
            Self::Crash(_) => Fault::Crash,
            Self::Freeze(_) => Fault::Freeze,
            Self::HandlerDeath => Fault::HandlerDeath,
            Self::Pause => Fault::Pause,
            Self::Cancel => Fault::Cancel,
            Self::Deadline => Fault::Deadline,
            Self::LoseWrites => Fault::LostWrites,
            _ => return None,
        })
    }

    /// True for what happens by itself sooner or later. No receipt has to come, and nobody has to look twice.
    pub(crate) fn is_progress(self) -> bool {
        self.fault().is_none() && !matches!(self, Self::Receipt { .. } | Self::Keep)
    }
}

fn name(worker: &usize) -> char {
    ['A', 'B'][*worker]
}

impl Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "",
            Self::Lost => "; the reply is lost",
            Self::Unasked => "; the request is lost",
        })
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lease(w) => write!(f, "{} leases the page", name(w)),
            Self::Claim(w, reply) => write!(f, "{} claims the page{reply}", name(w)),
            Self::Begin { worker, intent, place, past_grace, reply } => {
                let why = if *past_grace { ", the grace of the one before being over," } else { "" };
                let (n, d) = (intent.attempt, intent.index);
                write!(
                    f,
                    "{} asks to begin attempt {n} of delivery {d} on number {place}{why} expecting {:?}{reply}",
                    name(worker),
                    intent.expected
                )
            }
            Self::GiveUp(w) => write!(f, "grace is over; {} leaves what is unconfirmed so", name(w)),
            Self::Post { worker, in_time: true } => {
                write!(f, "{} POSTs what was granted, or withdraws it", name(worker))
            }
            Self::Post { worker, in_time: false } => {
                write!(f, "{} is too slow and withdraws what was granted", name(worker))
            }
            Self::Answer { worker, index, attempt, lost: false } => {
                write!(f, "{} hears the answer to attempt {attempt} of delivery {index}", name(worker))
            }
            Self::Answer { worker, index, attempt, lost: true } => {
                write!(f, "the response to attempt {attempt} of delivery {index} is lost; {} is unsure", name(worker))
            }
            Self::Commit(w, reply) => write!(f, "{} commits what it knows{reply}", name(w)),
            Self::Look(w) => write!(f, "{} renews its lease and looks at the ledger", name(w)),
            Self::Finish(w, reply) => write!(f, "{} finishes the page{reply}", name(w)),
            Self::LeaveLane(w) => write!(f, "{} takes the page out of its lane", name(w)),
            Self::SecondLook(w) => write!(f, "{} looks at the mark again", name(w)),
            Self::GiveBack(w) => write!(f, "{} gives the page back", name(w)),
            Self::Depart(w) => write!(f, "{}, which has lost the page, is done", name(w)),
            Self::Crash(w) => write!(f, "{} is killed", name(w)),
            Self::Freeze(w) => write!(f, "{} is frozen", name(w)),
            Self::Wake(w) => write!(f, "{} wakes", name(w)),
            Self::Lapse => write!(f, "the lease ends"),
            Self::Arrive { index, attempt, fate } => {
                let word = match fate {
                    Fate::Taken => "takes",
                    Fate::Refused => "refuses",
                    Fate::RefusedForGood => "refuses for good",
                };
                write!(f, "Meta {word} attempt {attempt} of delivery {index}")
            }
            Self::Receipt { index, attempt, told } => {
                write!(f, "a receipt tells {told:?} of attempt {attempt} of delivery {index}")
            }
            Self::PutBack => write!(f, "whoever reopened the page puts it into its lane"),
            Self::HandlerDeath => write!(f, "whoever reopened the page dies before it puts it into its lane"),
            Self::Reconcile => write!(f, "reconcile puts the page into its lane"),
            Self::Pause => write!(f, "the run is paused"),
            Self::Resume => write!(f, "the run is resumed"),
            Self::Cancel => write!(f, "the run is cancelled"),
            Self::Deadline => write!(f, "the deadline passes"),
            Self::Keep => write!(f, "Redis' memory reaches its disk"),
            Self::LoseWrites => write!(f, "Redis dies and comes back with what its disk has"),
        }
    }
}
