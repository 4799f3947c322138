//! What a user writes to be left alone, and to be written to again.

use serde::{Deserialize, Serialize};

use super::Scope;

/// Words that stop messages: those that carriers and laws name for text messages (STOP, STOPALL, UNSUBSCRIBE, CANCEL,
/// END, QUIT, OPT OUT, REVOKE), and the same in Hindi.
const STOP: [&str; 17] = [
    "STOP",
    "STOP ALL",
    "STOPALL",
    "UNSUBSCRIBE",
    "UNSUBSCRIBE ME",
    "CANCEL",
    "END",
    "QUIT",
    "OPT OUT",
    "OPT-OUT",
    "OPTOUT",
    "REVOKE",
    "STOP PROMOTIONS",
    "रोकें",
    "बंद करें",
    "बंद करो",
    "BAND KARO",
];
/// Words that lift what a stop word has set.
const START: [&str; 7] = ["START", "UNSTOP", "SUBSCRIBE", "OPT IN", "OPT-IN", "शुरू करें", "चालू करें"];

/// What a user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// To be left alone.
    Stop,
    /// To be written to again.
    Start,
}

/// The words that are understood, and what a stop word stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplyWords {
    /// Words that stop messages.
    pub stop: Vec<String>,
    /// Words that lift what a stop word has set.
    pub start: Vec<String>,
    /// What a stop word stops. All but one-time passcodes unless told otherwise: those come only when the user asks for
    /// one, and without them a user who wants no news is locked out.
    pub stops: Vec<Scope>,
}

impl Default for ReplyWords {
    fn default() -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let stops = vec![Scope::Marketing, Scope::Utility, Scope::Service];
        Self { stop: owned(&STOP), start: owned(&START), stops }
    }
}

/// A text as it is compared: in one case, a space between words, no mark at its end.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = words.join(" ").to_lowercase();
    plain.trim_matches(|c: char| matches!(c, '.' | '!' | '"' | '\'' | '।')).trim().to_owned()
}

impl ReplyWords {
    /// What a whole message asks for; none for any other message. A sentence that holds such a word is no such message.
    pub fn read(&self, text: &str) -> Option<Answer> {
        let said = plain(text);
        let is_one_of = |words: &[String]| words.iter().any(|word| plain(word) == said);
        match said.is_empty() {
            true => None,
            false if is_one_of(&self.stop) => Some(Answer::Stop),
            false => is_one_of(&self.start).then_some(Answer::Start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_message_is_understood_in_any_case_and_a_sentence_is_not() {
        let words = ReplyWords::default();
        for text in ["STOP", " stop. ", "Stop\n all!", "unsubscribe", "बंद करें।", "opt-OUT"] {
            assert_eq!(words.read(text), Some(Answer::Stop), "{text}");
        }
        assert_eq!(words.read("Start"), Some(Answer::Start));
        for text in ["", " . ", "please stop by tomorrow", "non-stop", "stop sending me the old pack"] {
            assert_eq!(words.read(text), None, "{text}");
        }
    }
}
