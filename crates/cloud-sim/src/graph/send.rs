//! `POST /{number}/messages` and `POST /{number}/marketing_messages`.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use serde::Deserialize;

use super::answer::{answer, confirmation};
use super::content::{self, Content};
use super::error::GraphError;
use super::fate::fate;
use super::file::File;
use super::free_form::{Contact, Location, Reaction, Text};
use super::interactive::InteractiveRequest;
use super::parameters::TemplateRequest;
use super::price::price;
use super::{read, read_receipt};
use crate::clock::micros;
use crate::cloud::{Cloud, Number};
use crate::conversations::Sent;
use crate::faults::{Fault, Try};
use crate::inbox::is_fresh;
use crate::limits::PAIR;
use crate::listener::Line;
use crate::message::{Leg, Message, Price};
use crate::templates::{LONGEST_LIFE, MARKETING, Template};
use crate::users::User;
use crate::wa_id::WaId;
use crate::wamid::Direction;
use crate::webhooks::Course;

/// Where a message is sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Messages,
    MarketingMessages,
}

impl Endpoint {
    pub(crate) fn of(edge: &str) -> Option<Self> {
        match edge {
            "messages" => Some(Self::Messages),
            "marketing_messages" => Some(Self::MarketingMessages),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct SendRequest {
    messaging_product: Option<String>,
    recipient_type: Option<String>,
    pub(crate) to: Option<String>,
    recipient: Option<String>,
    pub(crate) context: Option<Context>,
    pub(crate) r#type: Option<String>,
    pub(crate) text: Option<Text>,
    pub(crate) image: Option<File>,
    pub(crate) video: Option<File>,
    pub(crate) audio: Option<File>,
    pub(crate) document: Option<File>,
    pub(crate) sticker: Option<File>,
    pub(crate) location: Option<Location>,
    pub(crate) contacts: Option<Vec<Contact>>,
    pub(crate) reaction: Option<Reaction>,
    pub(crate) interactive: Option<InteractiveRequest>,
    pub(crate) template: Option<TemplateRequest>,
    pub(crate) biz_opaque_callback_data: Option<String>,
    /// Only of a receipt: `read`.
    pub(crate) status: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) typing_indicator: Option<Typing>,
    /// Only of a marketing message.
    pub(crate) product_policy: Option<String>,
    pub(crate) message_activity_sharing: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(crate) struct Context {
    pub(crate) message_id: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Typing {
    pub(crate) r#type: Option<String>,
}

/// To whom a message goes.
struct Recipient<'a> {
    /// As it was given.
    input: &'a str,
    user: WaId,
    by_user_id: bool,
}

/// Takes a message, or refuses it, or has the accident that was ordered.
pub(crate) async fn message(
    cloud: &Cloud,
    number: &Number,
    endpoint: Endpoint,
    body: &[u8],
    line: &Line,
) -> Result<Response, GraphError> {
    let request = parse(body)?;
    if request.status.is_some() && endpoint == Endpoint::Messages {
        return read_receipt::mark(cloud, number, &request);
    }
    if let Some(code) = cloud.standings.refuses_sends(number.place) {
        return Err(GraphError::of(code));
    }
    let to = recipient(&request, number)?;
    let user = to.user;
    if cloud.belongings.blocks(number.place, user) {
        return Err(GraphError::of(130_403));
    }
    let nth = cloud.users.with(user, |user| {
        user.tried += 1;
        user.tried
    });
    let fault = cloud.faults.decide(&Try { user, number: &number.id, nth });
    match fault {
        Some(Fault::ResetBeforeRead) => return Ok(line.reset()),
        Some(Fault::Throttle) => return Err(GraphError::of(130_429)),
        Some(Fault::Error { code, http_status }) => {
            return Err(GraphError::of(code).with_status(http_status));
        }
        _ => {}
    }
    let content = content::check(cloud, number, &request, endpoint)?;
    let draft = draft(cloud, number, &to, &content, endpoint, request.biz_opaque_callback_data.clone());
    let message = accept(cloud, number, draft, &content, (fault, nth))?;
    let sent = |course| cloud.conversations.sent(Sent::new(&message, body, content.template.clone(), course));
    match message.held_by {
        // *Decided on at once*: what becomes of it is noted after it is there.
        Some(paced) => {
            sent(Course::default());
            cloud.hold_back(paced, Arc::clone(&message), nth);
        }
        None => sent(cloud.go_out(&message, nth)),
    }
    let tells_user_id = cloud.rules.get().user_ids;
    Ok(answer(cloud, confirmation(to.input, &message, tells_user_id), fault, line).await)
}

fn parse(body: &[u8]) -> Result<SendRequest, GraphError> {
    let request: SendRequest = read(body).map_err(|reason| match reason.classify() {
        serde_json::error::Category::Data => GraphError::parameter(format_args!("Invalid parameter: {reason}")),
        _ => GraphError::required("messaging_product"),
    })?;
    match request.messaging_product.as_deref() {
        None => Err(GraphError::required("messaging_product")),
        Some("whatsapp") => Ok(request),
        Some(_) => Err(GraphError::not_one_of("messaging_product", "WHATSAPP")),
    }
}

/// A phone number wins over a business-scoped user id.
fn recipient<'a>(request: &'a SendRequest, number: &Number) -> Result<Recipient<'a>, GraphError> {
    if request.recipient_type.as_deref().is_some_and(|kind| kind != "individual") {
        return Err(GraphError::not_one_of("recipient_type", "INDIVIDUAL"));
    }
    let given = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
    let recipient = match (given(&request.to), given(&request.recipient)) {
        (Some(input), _) => {
            let user = input.parse().map_err(|_| GraphError::invalid("Recipient phone number is not valid"))?;
            Recipient { input, user, by_user_id: false }
        }
        (None, Some(input)) => {
            let user = WaId::of_user_id(input);
            let user = user.ok_or_else(|| GraphError::invalid("Recipient business-scoped user ID is not valid"))?;
            Recipient { input, user, by_user_id: true }
        }
        (None, None) => return Err(GraphError::required("to")),
    };
    if recipient.user.digits() == number.display { Err(GraphError::of(131_021)) } else { Ok(recipient) }
}

/// The message as it will be on record, unless it is refused.
fn draft(
    cloud: &Cloud,
    number: &Number,
    to: &Recipient<'_>,
    content: &Content<'_>,
    endpoint: Endpoint,
    callback_data: Option<String>,
) -> Message {
    let name = if to.by_user_id { to.input.to_owned() } else { to.user.digits() };
    Message {
        user: to.user,
        number: number.place,
        wamid: cloud.mint.wamid(&name, Direction::Outbound),
        callback_data,
        at_us: 0,
        went_out_us: 0,
        held_by: None,
        ttl_us: micros(time_to_live(content.template.as_deref(), endpoint)),
        leg: Leg::Whole,
        price: Price::REGULAR,
        template: content.template.as_ref().map(|template| template.id),
        category: content.template.as_ref().map(|template| template.category),
        by_user_id: to.by_user_id,
        is_lite: endpoint == Endpoint::MarketingMessages,
        is_reaction: content.reacts_to.is_some(),
        failure: None,
        fails_late: None,
    }
}

/// How long a message waits for a phone that is off (Meta: time to live). That of marketing templates is heeded by the
/// Marketing Messages API alone.
fn time_to_live(template: Option<&Template>, endpoint: Endpoint) -> Duration {
    match template {
        Some(it) if it.category != MARKETING || endpoint == Endpoint::MarketingMessages => it.time_to_live(),
        _ => LONGEST_LIFE,
    }
}

/// Service window, pair limit, throughput, then the ledger: one critical section per user, so that what is refused
/// spends nothing and what is accepted is on record.
fn accept(
    cloud: &Cloud,
    number: &Number,
    draft: Message,
    content: &Content<'_>,
    (fault, nth): (Option<Fault>, u32),
) -> Result<Arc<Message>, GraphError> {
    let category = draft.category;
    cloud.users.with(draft.user, |record| {
        let now_us = cloud.clock.now_us();
        let misses = content.reacts_to.is_some_and(|target| !can_react(cloud, record, number, target, now_us));
        let contact = record.contact(number.place, now_us);
        if category.is_none() && !contact.window_open(now_us) {
            return Err(GraphError::of(131_047));
        }
        if !contact.pair.ready(PAIR, now_us) {
            return Err(GraphError::of(131_056));
        }
        if !number.spend(now_us) {
            return Err(GraphError::of(130_429));
        }
        contact.pair.take(PAIR, now_us);
        let draft = Message { at_us: now_us, went_out_us: now_us, ..draft };
        let failure = match fault {
            Some(Fault::AsyncError { code }) => Some(code),
            Some(Fault::Undeliverable) => Some(131_026),
            _ if misses => Some(131_009),
            _ => None,
        };
        let template = content.template.as_ref().filter(|_| failure.is_none());
        let held_by = template.and_then(|template| cloud.holds_back(template));
        let is_open = failure.is_none() && held_by.is_none();
        let failure = if is_open { fate(cloud, record, &draft, nth, now_us) } else { failure };
        let price = price(cloud, number, record.contact(number.place, now_us), &draft, now_us);
        let fails_late = match fault {
            Some(Fault::DeliveredThenFailed { code }) => Some(code),
            _ => None,
        };
        let leg = record.leg(failure);
        let message = Arc::new(Message { failure, fails_late, held_by, price, leg, ..draft });
        record.wait(&message, nth);
        record.accepted.push(Arc::clone(&message));
        cloud.totals.accepted();
        number.tally.accepted();
        Ok(message)
    })
}

/// Whether a message of the chat can be reacted to: it is there, not too old, and no reaction itself.
fn can_react(cloud: &Cloud, user: &User, number: &Number, target: &str, now_us: u64) -> bool {
    let is_target = |sent: &&Arc<Message>| sent.number == number.place && sent.wamid == target;
    let sent = user.accepted.iter().find(is_target);
    cloud.inbox.writer(target, number.place, now_us).is_some()
        || sent.is_some_and(|sent| !sent.is_reaction && is_fresh(sent.at_us, now_us))
}
