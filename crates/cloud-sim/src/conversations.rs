//! What was lately said between users and numbers, for the phone's view at `/_sim/`. Nothing is decided by it, and it is kept
//! within bounds, so that a load test of millions costs no more than a short one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::message::{Message, Said};
use crate::templates::Template;
use crate::wa_id::WaId;
use crate::webhooks::Course;

/// How many messages are kept of a conversation: the latest.
const MESSAGES: usize = 50;
/// How many conversations are kept: those with the latest messages.
const CONVERSATIONS: usize = 5_000;
/// How many bytes are kept of the bodies of all messages; whole conversations make room, the stillest first.
const BYTES: usize = 16 << 20;
/// Of a body that is longer nothing is kept.
const LONGEST: usize = 64 << 10;

/// Meta: an indicator that an answer is being typed vanishes after so long, or with the answer.
const TYPING_US: u64 = 25_000_000;

/// A user and the place of a number.
pub(crate) type Pair = (WaId, usize);

/// All conversations, as far as there is room.
#[derive(Default)]
pub(crate) struct Conversations(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    conversations: HashMap<Pair, Conversation>,
    /// By the turn of the latest message.
    by_turn: BTreeMap<u64, Pair>,
    turn: u64,
    bytes: usize,
}

/// What a user and a number said to each other.
#[derive(Clone, Default)]
pub(crate) struct Conversation {
    turn: u64,
    /// The latest last.
    pub(crate) messages: VecDeque<Entry>,
    typing_until_us: u64,
}

/// One message of a conversation.
#[derive(Clone)]
pub(crate) enum Entry {
    Sent(Sent),
    Written(Written),
}

/// A message of the number.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) message: Arc<Message>,
    /// The request as it came; `None` if it was too long to be kept.
    pub(crate) body: Option<Arc<[u8]>>,
    /// As it stood then.
    pub(crate) template: Option<Arc<Template>>,
    pub(crate) course: Course,
}

/// A message of the user.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) said: Arc<Said>,
    pub(crate) at_us: u64,
    /// When the number marked it as read.
    pub(crate) read_us: Option<u64>,
    bytes: usize,
}

impl Sent {
    pub(crate) fn new(message: &Arc<Message>, body: &[u8], template: Option<Arc<Template>>, course: Course) -> Self {
        // A copy: the request lies in a buffer of its connection, which would be kept whole.
        let body = (body.len() <= LONGEST).then(|| Arc::from(body));
        Self { message: Arc::clone(message), body, template, course }
    }
}

impl Entry {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Sent(sent) => &sent.message.wamid,
            Self::Written(written) => &written.said.wamid,
        }
    }

    pub(crate) fn at_us(&self) -> u64 {
        match self {
            Self::Sent(sent) => sent.message.at_us,
            Self::Written(written) => written.at_us,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Sent(sent) => sent.body.as_ref().map_or(0, |body| body.len()),
            Self::Written(written) => written.bytes,
        }
    }
}

impl Conversation {
    /// Whether the number is shown to be typing.
    pub(crate) fn is_typing(&self, now_us: u64) -> bool {
        now_us < self.typing_until_us
    }
}

impl Conversations {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number's message was accepted.
    pub(crate) fn sent(&self, sent: Sent) {
        let pair = (sent.message.user, sent.message.number);
        self.lock().add(pair, Entry::Sent(sent)).typing_until_us = 0;
    }

    /// A message that was held back, or waited for a phone that was off, has gone on.
    pub(crate) fn went_on(&self, message: &Arc<Message>, course: Course) {
        let mut kept = self.lock();
        let conversation = kept.conversations.get_mut(&(message.user, message.number));
        for entry in conversation.into_iter().flat_map(|it| &mut it.messages) {
            if let Entry::Sent(sent) = entry
                && sent.message.wamid == message.wamid
            {
                sent.message = Arc::clone(message);
                sent.course = course.after(sent.course);
            }
        }
    }

    /// A user wrote to a number.
    pub(crate) fn written(&self, pair: Pair, said: &Arc<Said>, at_us: u64) {
        let bytes = said.content.to_string().len();
        if bytes <= LONGEST {
            self.lock().add(pair, Entry::Written(Written { said: Arc::clone(said), at_us, read_us: None, bytes }));
        }
    }

    /// The conversation of a pair, if it is kept.
    pub(crate) fn of(&self, pair: Pair) -> Option<Conversation> {
        self.lock().conversations.get(&pair).cloned()
    }

    /// The pairs that `is_meant` takes, those with the latest messages first, each with its last message: at most `most` of them,
    /// and how many there are in all.
    pub(crate) fn latest(&self, most: usize, is_meant: impl Fn(Pair) -> bool) -> (Vec<(Pair, Entry)>, usize) {
        let kept = self.lock();
        let meant: Vec<Pair> = kept.by_turn.values().rev().copied().filter(|pair| is_meant(*pair)).collect();
        let last = |pair: &Pair| Some((*pair, kept.conversations.get(pair)?.messages.back()?.clone()));
        (meant.iter().take(most).filter_map(last).collect(), meant.len())
    }

    /// The number has read a message of the user and all before it (Meta: mark as read), and perhaps types an answer.
    pub(crate) fn read_by_number(&self, pair: Pair, wamid: &str, now_us: u64, types: bool) {
        let mut kept = self.lock();
        let Some(conversation) = kept.conversations.get_mut(&pair) else { return };
        if types {
            conversation.typing_until_us = now_us + TYPING_US;
        }
        let place = conversation.messages.iter().position(|entry| entry.id() == wamid);
        for entry in conversation.messages.iter_mut().take(place.map_or(0, |place| place + 1)) {
            if let Entry::Written(written) = entry {
                written.read_us.get_or_insert(now_us);
            }
        }
    }

    /// The user opens the conversation: what has arrived is read, and what of it no receipt is to tell of is given back.
    pub(crate) fn read_by_user(&self, pair: Pair, now_us: u64) -> Vec<Arc<Message>> {
        let mut kept = self.lock();
        let Some(conversation) = kept.conversations.get_mut(&pair) else { return Vec::new() };
        let mut read = Vec::new();
        for entry in &mut conversation.messages {
            if let Entry::Sent(Sent { course, message, .. }) = entry
                && course.read_us.is_none()
                && course.delivered_us.is_some_and(|at_us| at_us <= now_us)
            {
                course.read_us = Some(now_us);
                read.push(Arc::clone(message));
            }
        }
        read
    }
}

impl Kept {
    fn add(&mut self, pair: Pair, entry: Entry) -> &mut Conversation {
        self.turn += 1;
        self.bytes += entry.bytes();
        let conversation = self.conversations.entry(pair).or_default();
        self.by_turn.remove(&conversation.turn);
        self.by_turn.insert(self.turn, pair);
        conversation.turn = self.turn;
        conversation.messages.push_back(entry);
        if conversation.messages.len() > MESSAGES {
            self.bytes -= conversation.messages.pop_front().map_or(0, |oldest| oldest.bytes());
        }
        self.make_room();
        self.conversations.get_mut(&pair).expect("the latest conversation makes no room")
    }

    /// One conversation alone is never too much: it is of few messages, none of which is long.
    fn make_room(&mut self) {
        while (self.bytes > BYTES || self.by_turn.len() > CONVERSATIONS)
            && self.by_turn.len() > 1
            && let Some((_, stillest)) = self.by_turn.pop_first()
        {
            let gone = self.conversations.remove(&stillest).unwrap_or_default();
            self.bytes -= gone.messages.iter().map(Entry::bytes).sum::<usize>();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(n: usize) -> WaId {
        format!("9198{n:08}").parse().unwrap()
    }

    fn said(text: &str) -> Arc<Said> {
        Arc::new(Said { wamid: text.to_owned(), kind: "text", content: json!({ "body": text }), quotes: None })
    }

    fn ids(conversation: &Conversation) -> Vec<&str> {
        conversation.messages.iter().map(Entry::id).collect()
    }

    #[test]
    fn a_conversation_keeps_its_latest_messages() {
        let conversations = Conversations::default();
        (0..MESSAGES + 2).for_each(|n| conversations.written((user(0), 0), &said(&n.to_string()), 0));
        let kept = conversations.of((user(0), 0)).unwrap();
        assert_eq!((ids(&kept).len(), ids(&kept)[0]), (MESSAGES, "2"));
    }

    #[test]
    fn the_stillest_conversation_makes_room() {
        let conversations = Conversations::default();
        (0..CONVERSATIONS).for_each(|n| conversations.written((user(n), 0), &said("a"), 0));
        conversations.written((user(0), 0), &said("b"), 0);
        conversations.written((user(CONVERSATIONS), 0), &said("c"), 0);
        assert!(conversations.of((user(1), 0)).is_none());
        assert_eq!(ids(&conversations.of((user(0), 0)).unwrap()), ["a", "b"]);
        let (latest, all) = conversations.latest(2, |_| true);
        assert_eq!(
            (latest.iter().map(|(pair, _)| pair.0).collect::<Vec<_>>(), all),
            (vec![user(CONVERSATIONS), user(0)], CONVERSATIONS)
        );
    }

    #[test]
    fn bodies_take_no_more_room_than_there_is() {
        let conversations = Conversations::default();
        let long = "x".repeat(LONGEST - 100);
        for n in 0..2 * BYTES / LONGEST {
            conversations.written((user(n), 0), &said(&long), 0);
        }
        conversations.written((user(9_999), 0), &said(&"x".repeat(LONGEST)), 0);
        let kept = conversations.lock();
        assert!(kept.bytes <= BYTES && kept.bytes > BYTES - LONGEST, "{}", kept.bytes);
        let counted = kept.conversations.values().flat_map(|it| &it.messages).map(Entry::bytes).sum::<usize>();
        assert_eq!((counted, kept.by_turn.len()), (kept.bytes, kept.conversations.len()));
        assert!(!kept.conversations.contains_key(&(user(9_999), 0)), "it was too long");
    }

    #[test]
    fn a_number_reads_up_to_a_message_and_types_for_25_seconds() {
        let conversations = Conversations::default();
        let pair = (user(0), 0);
        ["a", "b", "c"].iter().for_each(|text| conversations.written(pair, &said(text), 0));
        conversations.read_by_number(pair, "b", 7, true);
        let kept = conversations.of(pair).unwrap();
        let read = |entry: &Entry| matches!(entry, Entry::Written(Written { read_us: Some(7), .. }));
        assert_eq!(kept.messages.iter().map(read).collect::<Vec<_>>(), [true, true, false]);
        assert!(kept.is_typing(7 + TYPING_US - 1) && !kept.is_typing(7 + TYPING_US));
    }
}
