//! Lint before submission: what Meta would refuse a draft for at once, and what its review is known to stumble over. Figures
//! are Meta's (templates: components, review, and error subcodes 2388xxx).

use std::ops::Range;

use super::{
    Definition, ParameterFormat,
    draft::{ActionDraft, ButtonDraft, Draft, HeaderDraft, TextDraft},
    wording,
};
use crate::{campaign::Category, fault::Faults};

/// Longest name.
const NAME: usize = 512;
/// Longest text of each part, in characters.
const HEADER: usize = 60;
const BODY: usize = 1_024;
const FOOTER: usize = 60;
const LABEL: usize = 25;
const URL: usize = 2_000;
const PHONE: usize = 20;
const CODE: usize = 20;
/// Most buttons in all, and of each kind.
const BUTTONS: usize = 10;
const URL_BUTTONS: usize = 2;
const PHONE_BUTTONS: usize = 1;
const CODE_BUTTONS: usize = 1;
/// From so many buttons on, WhatsApp on the desktop shows none.
const DESKTOP_BUTTONS: usize = 4;
/// A text needs about so many words for each variable.
const WORDS_PER_VARIABLE: usize = 3;

/// What a lint found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// What Meta refuses: it must be mended.
    pub faults: Faults,
    /// What its review may stumble over, or what people will not see as meant.
    pub warnings: Faults,
}

impl Draft {
    /// What is wrong with it, beside the templates that the account has already.
    pub fn review(&self, known: &[Definition]) -> Review {
        let mut review = Review::default();
        review.identity(self, known);
        review.header(self);
        review.body(self);
        review.footer(self);
        review.buttons(self);
        review.category(self);
        review.offer(self);
        review.cards(self);
        review.code(self);
        review.links(self);
        review.lookalikes(self, known);
        review
    }

    /// Its texts, each with its place.
    fn texts(&self) -> Vec<(String, &str)> {
        let mut texts = vec![(format!("{}/text", self.places.body), self.body.text.as_str())];
        if let Some(HeaderDraft::Text(header)) = &self.header {
            texts.push((format!("{}/text", self.places.header), &header.text));
        }
        texts.extend(self.footer.as_deref().map(|footer| (format!("{}/text", self.places.footer), footer)));
        let labels = self.buttons.iter().enumerate();
        texts.extend(labels.filter_map(|(n, button)| Some((self.label_place(n), button.text.as_deref()?))));
        texts
    }

    pub(super) fn button_place(&self, n: usize) -> String {
        format!("{}/{n}", self.places.buttons)
    }

    fn label_place(&self, n: usize) -> String {
        format!("{}/text", self.button_place(n))
    }
}

/// A variable in a text: where it stands, and what is between its braces.
struct Variable<'a> {
    at: Range<usize>,
    name: &'a str,
}

/// Everything between `{{` and `}}`; braces that are not closed are an error, with their place.
fn variables(text: &str) -> Result<Vec<Variable<'_>>, usize> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(opens) = text[from..].find("{{").map(|at| from + at) {
        let Some(length) = text[opens..].find("}}") else { return Err(opens) };
        let at = opens..opens + length + 2;
        found.push(Variable { name: text[opens + 2..opens + length].trim(), at: at.clone() });
        from = at.end;
    }
    if text[from..].contains("}}") { Err(from) } else { Ok(found) }
}

impl Review {
    pub(super) fn fault(&mut self, place: impl Into<String>, detail: impl Into<String>) {
        self.faults.add(place, detail);
    }

    fn warn(&mut self, place: impl Into<String>, detail: impl Into<String>) {
        self.warnings.add(place, detail);
    }

    /// Meta's limit on a text, in characters.
    pub(super) fn limit(&mut self, place: &str, text: &str, most: usize) {
        let length = text.chars().count();
        if length > most {
            self.fault(place, format!("has {length} characters; Meta takes {most}: shorten it."));
        }
    }

    fn identity(&mut self, draft: &Draft, known: &[Definition]) {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if draft.name.len() > NAME || !draft.name.chars().all(allowed) {
            let detail = format!("takes 1 to {NAME} small letters, digits and `_`, such as `daily_pack_v1`.");
            self.fault("/name", detail);
        }
        if !is_locale(&draft.language) {
            self.fault("/language", "is no locale that Meta knows: give one such as `en`, `en_IN` or `pt_BR`.");
        }
        let same = known.iter().find(|it| it.name == draft.name && it.language == draft.language);
        if let Some(same) = same.filter(|same| !matches!(same.status.as_str(), "APPROVED" | "REJECTED" | "PAUSED")) {
            let detail = format!("is taken by one that is {}: it cannot be edited now; use another name.", same.status);
            self.fault("/name", detail);
        }
        if same.is_some_and(|same| same.status == "APPROVED" && same.category != draft.category) {
            self.fault("/category", "of an approved template is fixed: submit it under another name.");
        }
    }

    pub(super) fn header(&mut self, draft: &Draft) {
        let place = &draft.places.header;
        match &draft.header {
            Some(HeaderDraft::Text(text)) => {
                let at = format!("{place}/text");
                self.text(draft, place, text, HEADER);
                if variables(&text.text).is_ok_and(|found| found.len() > 1) {
                    self.fault(&at, "holds several variables; a header takes one.");
                }
                if text.text.contains(['*', '~', '`', '\n']) || text.text.contains("__") {
                    self.fault(&at, "holds markup or a line break; a header takes neither.");
                }
            }
            Some(HeaderDraft::Media { format, sample: None }) => {
                let detail = format!(
                    "is missing: give a sample {} as {{\"header_handle\": [\"asset:NAME\"]}} of an asset, or the handle of an \
                     uploaded file.",
                    format.as_str().to_lowercase()
                );
                self.fault(format!("{place}/example"), detail);
            }
            _ => {}
        }
    }

    fn body(&mut self, draft: &Draft) {
        if draft.category == Category::Authentication {
            return;
        }
        let (place, text) = (&draft.places.body, &draft.body.text);
        self.text(draft, place, &draft.body, BODY);
        let at = format!("{place}/text");
        let Ok(found) = variables(text) else { return };
        let words = wording::words(text, found.iter().map(|it| it.at.clone()));
        if words < found.len() * WORDS_PER_VARIABLE {
            let detail = format!(
                "holds {} variables beside {words} words; Meta refuses texts that are mostly variables (2388293): \
                 write about {WORDS_PER_VARIABLE} words for each.",
                found.len()
            );
            self.warn(&at, detail);
        }
        if text.contains("\n\n\n") {
            self.warn(&at, "holds three line breaks in a row; WhatsApp shows two at most.");
        }
    }

    fn footer(&mut self, draft: &Draft) {
        let Some(footer) = &draft.footer else { return };
        let at = format!("{}/text", draft.places.footer);
        self.limit(&at, footer, FOOTER);
        if footer.contains("{{") {
            self.fault(at, "holds a variable; a footer takes none: move it to the body.");
        }
    }

    /// What holds for every text with variables.
    pub(super) fn text(&mut self, draft: &Draft, place: &str, text: &TextDraft, most: usize) {
        let at = format!("{place}/text");
        self.limit(&at, &text.text, most);
        let found = match variables(&text.text) {
            Ok(found) => found,
            Err(_) => return self.fault(at, "holds `{{` without `}}`, or the reverse: write variables as `{{1}}`."),
        };
        self.edges(&at, &text.text, &found);
        match misnamed(draft.parameter_format, &found) {
            Some(detail) => self.fault(at, detail),
            None => self.samples(place, text, &found),
        }
    }

    fn edges(&mut self, at: &str, text: &str, found: &[Variable<'_>]) {
        let bare = |part: &str| !part.chars().any(char::is_alphanumeric);
        if let (Some(first), Some(last)) = (found.first(), found.last())
            && (bare(&text[..first.at.start]) || bare(&text[last.at.end..]))
        {
            let detail = "begins or ends with a variable (2388299): put words before the first and after the last.";
            self.fault(at, detail);
        }
        if found.windows(2).any(|pair| text[pair[0].at.end..pair[1].at.start].trim().is_empty()) {
            self.fault(at, "has two variables side by side: put words between them.");
        }
    }

    fn samples(&mut self, place: &str, text: &TextDraft, found: &[Variable<'_>]) {
        let lacks = |name: &str| !text.samples.iter().any(|(of, _)| of == name);
        let mut lacking: Vec<&str> = found.iter().map(|it| it.name).filter(|name| lacks(name)).collect();
        lacking.dedup();
        let example = format!("{place}/example");
        if !lacking.is_empty() {
            let names: Vec<String> = lacking.iter().map(|name| format!("`{{{{{name}}}}}`")).collect();
            self.fault(example, format!("holds no sample of {}: Meta's review needs one for each.", names.join(", ")));
        } else if let Some((name, _)) = text.samples.iter().find(|(of, _)| !found.iter().any(|it| it.name == of)) {
            self.fault(
                example,
                format!("holds a sample of `{{{{{name}}}}}`, which the text does not have: leave it out."),
            );
        }
    }

    fn buttons(&mut self, draft: &Draft) {
        let (all, place) = (&draft.buttons, &draft.places.buttons);
        let is_reply = |button: &ButtonDraft| button.action == ActionDraft::QuickReply;
        let count = |wanted: fn(&ActionDraft) -> bool| all.iter().filter(|button| wanted(&button.action)).count();
        for (what, count, most) in [
            ("buttons", all.len(), BUTTONS),
            ("links", count(|action| matches!(action, ActionDraft::Url { .. })), URL_BUTTONS),
            ("phone numbers", count(|action| matches!(action, ActionDraft::PhoneNumber { .. })), PHONE_BUTTONS),
            ("codes to copy", count(|action| matches!(action, ActionDraft::CopyCode { .. })), CODE_BUTTONS),
        ] {
            if count > most {
                self.fault(place, format!("holds {count} {what}; Meta takes {most}."));
            }
        }
        let changes = all.windows(2).filter(|pair| is_reply(&pair[0]) != is_reply(&pair[1])).count();
        if changes > 1 {
            self.fault(place, "mixes quick replies with other buttons: put all quick replies first, or last.");
        }
        if all.len() >= DESKTOP_BUTTONS || changes == 1 {
            self.warn(
                place,
                "will not be shown on the desktop: it shows up to three buttons, replies or others alone.",
            );
        }
        self.each_button(draft);
    }

    pub(super) fn each_button(&mut self, draft: &Draft) {
        draft.buttons.iter().enumerate().for_each(|(n, button)| self.button(draft, n, button));
    }

    fn button(&mut self, draft: &Draft, n: usize, button: &ButtonDraft) {
        if let Some(label) = &button.text {
            let at = draft.label_place(n);
            self.limit(&at, label, LABEL);
            if label.contains("{{") {
                self.fault(&at, "holds a variable; labels take none.");
            }
            if draft.buttons[..n].iter().any(|earlier| earlier.text.as_ref() == Some(label)) {
                self.fault(&at, format!("`{label}` is on another button as well: give each a label of its own."));
            }
        }
        let place = draft.button_place(n);
        match &button.action {
            ActionDraft::Url { url, sample } => self.link(&place, url, sample.is_some()),
            ActionDraft::PhoneNumber { phone_number } => {
                self.limit(&format!("{place}/phone_number"), phone_number, PHONE);
            }
            ActionDraft::CopyCode { sample: Some(code) } => self.limit(&format!("{place}/example"), code, CODE),
            ActionDraft::CopyCode { sample: None } => {
                self.fault(format!("{place}/example"), "is missing: give a sample.")
            }
            ActionDraft::QuickReply | ActionDraft::OneTimeCode(_) => {}
        }
    }

    /// A link may vary at its end alone.
    fn link(&mut self, place: &str, url: &str, has_sample: bool) {
        let at = format!("{place}/url");
        self.limit(&at, url, URL);
        match variables(url).as_deref() {
            Ok([]) => {}
            Ok([one]) if one.at.end == url.len() && one.name == "1" => {
                if !has_sample {
                    self.fault(format!("{place}/example"), "is missing: give a sample of the whole link as [\"…\"].");
                }
            }
            _ => self.fault(&at, "takes one variable, `{{1}}`, at its very end."),
        }
        if !url.starts_with("https://") {
            self.warn(&at, "does not begin with `https://`; reviews look askance at others.");
        }
    }

    fn category(&mut self, draft: &Draft) {
        let utility = draft.texts().into_iter().filter(|_| draft.category == Category::Utility);
        for (place, text) in utility {
            let warm = wording::warm(text).join(", ");
            if !warm.is_empty() {
                let detail = format!(
                    "sounds like promotion ({warm}); Meta would make it MARKETING, with its price and limits: say it \
                     plainly, or ask for that."
                );
                self.warn(place, detail);
            }
        }
    }

    fn links(&mut self, draft: &Draft) {
        let urls = draft.buttons.iter().enumerate().filter_map(|(n, button)| match &button.action {
            ActionDraft::Url { url, .. } => Some((format!("{}/url", draft.button_place(n)), url.as_str())),
            _ => None,
        });
        for (place, text) in draft.texts().into_iter().chain(urls) {
            if let Some(host) = wording::shortener(text) {
                let detail = format!(
                    "goes through `{host}`: Meta refuses links that hide where they lead; give the full address."
                );
                self.fault(place, detail);
            }
        }
    }

    fn lookalikes(&mut self, draft: &Draft, known: &[Definition]) {
        let others = known.iter().filter(|it| it.name != draft.name && it.language == draft.language);
        for other in others.filter(|it| it.category == draft.category) {
            if wording::alike(&draft.body.text, &other.body_text) {
                let detail = format!("says what `{}` says already: Meta may reject it as a duplicate.", other.name);
                return self.warn(format!("{}/text", draft.places.body), detail);
            }
        }
    }
}

/// What is wrong with the variables' names. Numbers count up from 1, names are small letters; a variable may come again.
fn misnamed(format: ParameterFormat, found: &[Variable<'_>]) -> Option<String> {
    let mut next = 1;
    for Variable { name, .. } in found {
        match (format, name.parse::<usize>()) {
            (ParameterFormat::Positional, Ok(number)) if number == next => next += 1,
            (ParameterFormat::Positional, Ok(number)) if (1..next).contains(&number) => {}
            (ParameterFormat::Positional, Ok(number)) => {
                return Some(format!("has `{{{{{number}}}}}` where `{{{{{next}}}}}` comes: number them from 1 up."));
            }
            (ParameterFormat::Positional, Err(_)) => {
                return Some(format!(
                    "has `{{{{{name}}}}}`, and its variables are numbered: write `{{{{{next}}}}}`, or set \
                     `parameter_format` to `NAMED`."
                ));
            }
            (ParameterFormat::Named, _) if !is_variable_name(name) => {
                return Some(format!(
                    "has `{{{{{name}}}}}`: names begin with a small letter, then come small letters, digits and `_`."
                ));
            }
            (ParameterFormat::Named, _) => {}
        }
    }
    None
}

fn is_variable_name(name: &str) -> bool {
    let follows = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(follows)
}

/// `en`, `en_IN`, `fil`, `zh_HK`.
fn is_locale(text: &str) -> bool {
    let (language, country) =
        text.split_once('_').map_or((text, None), |(language, country)| (language, Some(country)));
    let is_language = matches!(language.len(), 2 | 3) && language.bytes().all(|b| b.is_ascii_lowercase());
    is_language && country.is_none_or(|it| it.len() == 2 && it.bytes().all(|b| b.is_ascii_uppercase()))
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
