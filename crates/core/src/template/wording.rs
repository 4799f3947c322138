//! What a template's words sound like to those who review it.

use std::ops::Range;

/// Hosts that hide where a link leads; a link that begins a chat on WhatsApp is refused likewise.
const SHORTENERS: [&str; 22] = [
    "bit.ly",
    "tinyurl.com",
    "t.co",
    "goo.gl",
    "ow.ly",
    "is.gd",
    "buff.ly",
    "cutt.ly",
    "rb.gy",
    "rebrand.ly",
    "shorturl.at",
    "tiny.cc",
    "t.ly",
    "lnkd.in",
    "bl.ink",
    "s.id",
    "soo.gd",
    "short.io",
    "v.gd",
    "shorte.st",
    "wa.me",
    "wa.link",
];

/// Words that promote. A utility template that has them is made a marketing one.
const WARM: [&str; 34] = [
    "offer",
    "offers",
    "discount",
    "discounts",
    "sale",
    "deal",
    "deals",
    "promo",
    "promotion",
    "coupon",
    "voucher",
    "cashback",
    "free",
    "bonus",
    "gift",
    "win",
    "winner",
    "exclusive",
    "limited time",
    "hurry",
    "buy now",
    "shop now",
    "order now",
    "don't miss",
    "last chance",
    "best price",
    "lowest price",
    "save up to",
    "special price",
    "upgrade now",
    "new arrival",
    "new arrivals",
    "congratulations",
    "% off",
];

/// Two texts are alike from this share of common characters on.
const ALIKE: f64 = 0.9;
/// Longer texts are compared by their beginnings: the comparison takes quadratic time.
const COMPARED: usize = 400;

/// The words of a text, outside of its variables.
pub(super) fn words(text: &str, variables: impl Iterator<Item = Range<usize>>) -> usize {
    let (mut count, mut from) = (0, 0);
    let words = |part: &str| part.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    for variable in variables {
        count += words(&text[from..variable.start]);
        from = variable.end;
    }
    count + words(&text[from..])
}

/// The words that promote, each once.
pub(super) fn warm(text: &str) -> Vec<&'static str> {
    let text = plain(text);
    WARM.into_iter().filter(|warm| holds(&text, warm)).collect()
}

/// The first host in it that hides where a link leads.
pub(super) fn shortener(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let hosts = text.split(|c: char| c.is_whitespace() || matches!(c, '/' | '(' | ')' | ',' | '<' | '>' | '"' | '?'));
    let hosts: Vec<&str> = hosts.map(|host| host.trim_matches(['.', ':']).trim_start_matches("www.")).collect();
    SHORTENERS.into_iter().find(|known| hosts.contains(known))
}

/// Whether two texts say the same, whatever their variables are called.
pub(super) fn alike(one: &str, other: &str) -> bool {
    let (one, other) = (shape(one), shape(other));
    !one.is_empty() && strsim::normalized_levenshtein(&one, &other) >= ALIKE
}

/// Small letters, single spaces, plain apostrophes.
fn plain(text: &str) -> String {
    let text = text.to_lowercase().replace('’', "'");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the words stand in the text as words of their own.
fn holds(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let is_open = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let begins = words.starts_with('%') || is_open(text[..at].chars().next_back());
        begins && is_open(text[at + words.len()..].chars().next())
    })
}

fn shape(text: &str) -> String {
    let (mut shape, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        shape.push_str(before);
        shape.push('#');
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    shape.push_str(rest);
    plain(&shape).chars().filter(|c| c.is_alphanumeric() || *c == '#' || *c == ' ').take(COMPARED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_promote_are_found_as_words() {
        assert_eq!(warm("Your FREE upgrade: 20% off"), ["free", "% off"]);
        assert!(warm("Feel at ease: your freedom to wind down, officially").is_empty());
        assert_eq!(warm("Don’t miss it"), ["don't miss"]);
    }

    #[test]
    fn hosts_that_hide_where_they_lead_are_found_wherever_they_stand() {
        assert_eq!(shortener("see https://bit.ly/3x or call"), Some("bit.ly"));
        assert_eq!(shortener("(www.TinyURL.com/abc)"), Some("tinyurl.com"));
        assert_eq!(shortener("https://habit.ly/x and https://example.com/bit.ly.html"), None);
        assert_eq!(shortener("https://wa.me/919812345678"), Some("wa.me"));
    }

    #[test]
    fn texts_are_alike_whatever_their_variables_are_called() {
        assert!(alike("Good morning {{1}}, here is your pack.", "Good morning, {{name}}! Here is your pack"));
        assert!(!alike("Good morning {{1}}, here is your pack.", "Your order {{1}} has left our store."));
    }

    #[test]
    fn words_are_counted_outside_of_variables() {
        assert_eq!(words("Hi {{1}}, - your pack", std::iter::once(3..8)), 3);
    }
}
