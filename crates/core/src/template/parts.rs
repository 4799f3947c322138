//! Parts that only some templates have: a limited-time offer, the cards of a carousel, a one-time code. Figures are Meta's
//! (templates: components; limited-time offers, carousels, authentication).

use super::{
    draft::{ActionDraft, Draft, HeaderDraft, MediaFormat, Part},
    review::Review,
};
use crate::{
    campaign::Category,
    fault::read::{Fields, Node},
};

/// Longest words on an offer, and longest body beside one.
const OFFER: usize = 16;
const OFFER_BODY: usize = 600;
/// How many cards, and how much on each.
const CARDS: std::ops::RangeInclusive<usize> = 2..=10;
const CARD_BODY: usize = 160;
const CARD_BUTTONS: usize = 2;
/// How long a code may live, in minutes.
const MINUTES: std::ops::RangeInclusive<u8> = 1..=90;
/// How many apps may take a code.
const APPS: usize = 5;

/// A limited-time offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferDraft {
    /// What it says.
    pub text: String,
    /// Whether a clock is shown that runs out.
    pub has_expiration: bool,
}

/// A button that hands a one-time code over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeDraft {
    /// `COPY_CODE`, `ONE_TAP` or `ZERO_TAP`.
    pub kind: &'static str,
    /// How many apps may take it.
    pub apps: usize,
}

impl OfferDraft {
    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        fields.required("limited_time_offer", |node| {
            node.object(|fields| {
                let text = fields.required("text", Node::words);
                let has_expiration = fields.or("has_expiration", false, Node::flag);
                Some(Self { text: text?, has_expiration: has_expiration? })
            })
        })
    }
}

impl CodeDraft {
    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let kind = fields.kind_in_any_case("otp_type", &["COPY_CODE", "ONE_TAP", "ZERO_TAP"]);
        for known in ["text", "autofill_text", "zero_tap_terms_accepted"] {
            fields.maybe(known, |_| Some(()));
        }
        let app = |node: &Node<'_>| {
            node.object(|fields| {
                let (package, hash) =
                    (fields.required("package_name", Node::words), fields.required("signature_hash", Node::words));
                package.and(hash).map(drop)
            })
        };
        let apps = fields.or("supported_apps", Vec::new(), |node| node.list(app));
        Some(Self { kind: kind?, apps: apps?.len() })
    }
}

/// For how long a code is told to live, in a footer of its own kind.
pub(super) fn read_expiry(fields: &mut Fields<'_, '_>) -> Option<u8> {
    fields.required("code_expiration_minutes", |node| node.whole(MINUTES))
}

/// The cards of a carousel, each read as a template's parts.
pub(super) fn read_cards(fields: &mut Fields<'_, '_>) -> Option<Vec<Vec<Part>>> {
    let card = |node: &Node<'_>| node.object(|fields| fields.required("components", |node| node.list(Part::read)));
    fields.required("cards", |node| node.list(card))
}

impl Review {
    /// What holds of an offer.
    pub(super) fn offer(&mut self, draft: &Draft) {
        let Some(offer) = &draft.offer else { return };
        let place = draft.places.offer.as_str();
        self.limit(&format!("{place}/limited_time_offer/text"), &offer.text, OFFER);
        self.limit(&format!("{}/text", draft.places.body), &draft.body.text, OFFER_BODY);
        if draft.category != Category::Marketing {
            self.fault("/category", "of a limited-time offer is MARKETING.");
        }
        if draft.footer.is_some() {
            self.fault(&draft.places.footer, "has no place beside a limited-time offer: leave it out.");
        }
        let is_moving = |format: MediaFormat| format != MediaFormat::Document;
        let fits = matches!(&draft.header, None | Some(HeaderDraft::Media { .. }));
        if !fits || matches!(&draft.header, Some(HeaderDraft::Media { format, .. }) if !is_moving(*format)) {
            self.fault(&draft.places.header, "of a limited-time offer is an IMAGE or a VIDEO.");
        }
    }

    /// What holds of a carousel: few cards, all of one make.
    pub(super) fn cards(&mut self, draft: &Draft) {
        let (cards, place) = (&draft.cards, draft.places.cards.as_str());
        if place.is_empty() {
            return;
        }
        if !CARDS.contains(&cards.len()) {
            let (least, most) = (CARDS.start(), CARDS.end());
            self.fault(place, format!("holds {} cards; Meta takes {least} to {most}.", cards.len()));
        }
        for card in cards {
            self.card(card);
        }
        let make = |card: &Draft| {
            let kinds: Vec<_> = card.buttons.iter().map(|button| std::mem::discriminant(&button.action)).collect();
            let format = match &card.header {
                Some(HeaderDraft::Media { format, .. }) => Some(*format),
                _ => None,
            };
            (format, card.body.text.is_empty(), kinds)
        };
        if cards.windows(2).any(|pair| make(&pair[0]) != make(&pair[1])) {
            self.fault(place, "holds cards of different makes: give all the same kind of header and of buttons.");
        }
    }

    fn card(&mut self, card: &Draft) {
        let places = &card.places;
        match &card.header {
            Some(HeaderDraft::Media { format: MediaFormat::Image | MediaFormat::Video, .. }) => self.header(card),
            _ => self.fault(&places.whole, "needs a header with an IMAGE or a VIDEO."),
        }
        if card.asset().is_some() {
            self.fault(card.sample_place(), "names an asset; on a card give the handle of an uploaded file.");
        }
        if !card.body.text.is_empty() {
            self.text(card, &places.body, &card.body, CARD_BODY);
        }
        if card.buttons.len() > CARD_BUTTONS {
            let detail = format!("holds {} buttons; Meta takes {CARD_BUTTONS} on a card.", card.buttons.len());
            self.fault(&places.buttons, detail);
        }
        self.each_button(card);
    }

    /// What holds of one-time codes: Meta writes their text, and one button hands them over.
    pub(super) fn code(&mut self, draft: &Draft) {
        let codes = draft.buttons.iter().filter_map(|button| match &button.action {
            ActionDraft::OneTimeCode(code) => Some(code),
            _ => None,
        });
        let codes: Vec<_> = codes.collect();
        if draft.category != Category::Authentication {
            if !codes.is_empty() || draft.expires_after.is_some() {
                self.fault("/category", "of a template with a one-time code is AUTHENTICATION.");
            }
            return;
        }
        if !draft.body.text.is_empty() {
            let detail =
                "is not yours to write in AUTHENTICATION: leave it out; `add_security_recommendation` adds a warning.";
            self.fault(format!("{}/text", draft.places.body), detail);
        }
        if draft.header.is_some() || draft.footer.is_some() {
            self.fault(
                "/components",
                "of AUTHENTICATION are BODY, BUTTONS and a FOOTER that says when the code expires.",
            );
        }
        let [code] = codes[..] else {
            return self.fault("/components", "hold no OTP button, or several; AUTHENTICATION has exactly one.");
        };
        let needs_app = code.kind != "COPY_CODE";
        if draft.buttons.len() > 1 {
            self.fault(&draft.places.buttons, "holds other buttons beside the code's; AUTHENTICATION has one alone.");
        }
        if needs_app && !(1..=APPS).contains(&code.apps) {
            let detail = format!("holds {} `supported_apps`; {} needs 1 to {APPS}.", code.apps, code.kind);
            self.fault(draft.button_place(0), detail);
        }
    }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
