//! The client's word against the simulator's, which knows Meta's limits by code of its own.

use std::time::Duration;

use dawncast_cloud_sim::{Receipts, SimConfig, Simulator, TemplateOrder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::*;
use super::limits::CASES;
use crate::{Client, ClientConfig, MarketingMessage, SendOutcome, Token};

struct Scene {
    sim: Simulator,
    client: Client,
    token: Token,
    number: String,
    users: u64,
}

impl Scene {
    async fn start() -> Self {
        let config = SimConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            latency: Duration::ZERO,
            mps: 1000,
            receipts: Receipts::off(),
            ..SimConfig::default()
        };
        let sim = Simulator::start(config).await.unwrap();
        let config = ClientConfig { base_url: sim.base_url(), ..ClientConfig::default() };
        let (client, number) = (Client::new(config).unwrap(), sim.numbers().remove(0));
        Self { sim, client, token: Token::new("SIM_TOKEN").unwrap(), number, users: 0 }
    }

    /// A user who has just written: their phone, and the id of what they wrote.
    async fn user(&mut self) -> (String, String) {
        self.users += 1;
        let phone = format!("+9198765{:05}", self.users);
        let written = self.stage("/_sim/reply", &json!({ "from": phone, "number": self.number, "text": "hi" })).await;
        (phone, written["id"].as_str().unwrap().to_owned())
    }

    async fn stage(&self, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(self.sim.addr()).await.unwrap();
        let body = body.to_string();
        let head = format!("POST {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Length: {}", body.len());
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Passes the client's checks and is accepted.
    async fn accepted(&mut self, content: Content) {
        let message = Message::new(self.user().await.0, content);
        let outcome = self.client.send(&self.number, &self.token, &message).await.unwrap();
        assert!(matches!(outcome, SendOutcome::Accepted { .. }), "{outcome:?}");
    }

    /// Fails the client's checks, and is refused where it is sent all the same.
    async fn refused(&mut self, content: Content) {
        let message = Message::new(self.user().await.0, content);
        message.check().unwrap_err();
        let body = serde_json::to_vec(&message).unwrap();
        let outcome = self.client.send_body(&self.number, &self.token, body).await;
        let SendOutcome::Refused(error) = outcome else { panic!("{outcome:?}") };
        assert!(matches!(error.code, Some(100 | 131_009)), "{error}");
    }

    /// Creates a template of these parts, approved.
    async fn template(&self, name: &str, category: &str, components: Value) {
        let template = json!({ "name": name, "language": "en", "category": category, "components": components });
        let account = self.sim.account(&self.number).unwrap();
        self.client.create_template(&account, &self.token, &template).await.unwrap();
        let order = TemplateOrder { status: Some("APPROVED".to_owned()), silent: true, ..TemplateOrder::default() };
        self.sim.order_template(name, &order).unwrap();
    }
}

/// Templates are not there, and Meta only advises how long the label of a flow is.
fn is_known_to_meta(field: &str) -> bool {
    !field.starts_with("template") && !field.ends_with("flow_cta")
}

#[tokio::test]
async fn both_draw_each_limit_at_the_same_place() {
    let mut scene = Scene::start().await;
    for (_, most, content) in CASES.into_iter().filter(|(field, ..)| is_known_to_meta(field)) {
        scene.accepted(content(most, 'é')).await;
        scene.refused(content(most + 1, 'é')).await;
    }
}

#[tokio::test]
async fn free_forms_of_every_type_are_accepted() {
    let mut scene = Scene::start().await;
    let link = || MediaSource::Link("https://h/a".to_owned());
    let place = Location { latitude: "-12.5".to_owned(), longitude: "180".to_owned(), name: None, address: None };
    let product = Action::Product { catalog_id: "7".to_owned(), product_retailer_id: "a".to_owned() };
    let bare = Interactive { body: None, ..Interactive::new(product, "") };
    let screen = FlowScreen { screen: "A".to_owned(), data: json!({ "day": 1 }).as_object().cloned() };
    let flow = Flow {
        flow: FlowName::Name("booking".to_owned()),
        cta: "Book".to_owned(),
        token: Some("t".to_owned()),
        is_draft: true,
        action: FlowAction::Navigate(Some(screen)),
    };
    let option = |n: usize| ListRow { id: n.to_string(), title: n.to_string(), description: None };
    let options = |count| Interactive::options("b", "Menu", (0..count).map(option).collect()).unwrap();
    for content in [
        Content::Audio(Audio { source: link(), voice: true }),
        Content::Sticker(link()),
        Content::Location(place),
        Content::Interactive(bare),
        Content::Interactive(Interactive::new(Action::CatalogMessage(CatalogLink::default()), "b")),
        Content::Interactive(Interactive::new(Action::LocationRequest, "b")),
        Content::Interactive(Interactive::new(Action::Flow(flow), "b")),
        Content::Interactive(options(3)),
        Content::Interactive(options(10)),
    ] {
        scene.accepted(content).await;
    }
}

#[tokio::test]
async fn users_are_answered_reacted_to_and_read() {
    let mut scene = Scene::start().await;
    let (phone, written) = scene.user().await;
    let reaction = Content::Reaction(Reaction { message_id: written.clone(), emoji: "👍".to_owned() });
    for message in [Message::new(phone.as_str(), reaction), Message::new(phone, super::text()).answering(&written)] {
        let outcome = scene.client.send(&scene.number, &scene.token, &message).await.unwrap();
        assert!(matches!(outcome, SendOutcome::Accepted { .. }), "{outcome:?}");
    }
    scene.client.mark_read(&scene.number, &scene.token, &written).await.unwrap();
    scene.client.mark_read_typing(&scene.number, &scene.token, &written).await.unwrap();
    let unknown = scene.client.mark_read(&scene.number, &scene.token, "wamid.gone").await;
    assert!(matches!(unknown, Err(crate::CallError::Api(error)) if error.code == Some(131_009)));
}

#[tokio::test]
async fn every_part_of_a_template_is_accepted() {
    let mut scene = Scene::start().await;
    let buttons = json!([
        { "type": "COPY_CODE", "example": "SAVE" },
        { "type": "URL", "text": "Go", "url": "https://h/{{1}}", "example": ["https://h/a"] },
        { "type": "QUICK_REPLY", "text": "More" }, { "type": "FLOW", "text": "Book", "flow_id": "9" },
        { "type": "CATALOG", "text": "Shop" }, { "type": "MPM", "text": "Items" }, { "type": "VOICE_CALL", "text": "Call us" },
    ]);
    let parts = json!([
        { "type": "HEADER", "format": "LOCATION" },
        { "type": "BODY", "text": "Dear {{1}}, pay {{2}} on {{3}}.", "example": { "body_text": [["a", "b", "c"]] } },
        { "type": "BUTTONS", "buttons": buttons },
    ]);
    scene.template("everything", "MARKETING", parts).await;
    let offer =
        json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Now!", "has_expiration": true } });
    scene.template("offer", "MARKETING", json!([{ "type": "BODY", "text": "Look here." }, offer])).await;
    let offer =
        Template::new("offer", "en").with(Component::LimitedTimeOffer { expiration_time_ms: 1_798_761_600_000 });
    scene.accepted(Content::Template(offer)).await;
    let money = Currency { fallback_value: "₹ 1".to_owned(), code: "INR".to_owned(), amount_1000: 1000 };
    let (latitude, longitude) = ("1".to_owned(), "2".to_owned());
    let place = Place { latitude, longitude, name: "n".to_owned(), address: "a".to_owned() };
    let sections = vec![ProductSection { title: Some("Tea".to_owned()), products: vec!["a".to_owned(); 30] }];
    let all_buttons = [
        Button::CopyCode("SAVE".to_owned()),
        Button::UrlSuffix("a".to_owned()),
        Button::QuickReply("more".to_owned()),
        Button::Flow { flow_token: Some("t".to_owned()), flow_action_data: None },
        Button::Catalog { thumbnail_product_retailer_id: Some("a".to_owned()) },
        Button::Products { thumbnail_product_retailer_id: "a".to_owned(), sections },
        Button::VoiceCall { ttl_minutes: Some(60), payload: Some("order 7".to_owned()) },
    ];
    let body = vec!["Ana".into(), Parameter::Currency(money), Parameter::DateTime("Monday".to_owned())];
    let filled =
        Template::new("everything", "en").with(Component::Header(Header::Location(place))).with(Component::Body(body));
    let indexed = (0..).zip(all_buttons);
    let filled = indexed.fold(filled, |filled, (index, button)| filled.with(Component::Button { index, button }));
    scene.accepted(Content::Template(filled.clone())).await;
    let marketing = MarketingMessage::from(Message::new(scene.user().await.0, Content::Template(filled)));
    let outcome = scene.client.send_marketing(&scene.number, &scene.token, &marketing).await.unwrap();
    assert!(matches!(outcome, SendOutcome::Accepted { .. }), "{outcome:?}");
}

#[tokio::test]
async fn carousels_and_one_time_codes_are_accepted() {
    let mut scene = Scene::start().await;
    let reply = json!({ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "More" }] });
    let card = json!({ "components": [{ "type": "HEADER", "format": "PRODUCT" }, reply] });
    let body = json!({ "type": "BODY", "text": "Look here." });
    scene.template("cards", "MARKETING", json!([body, { "type": "CAROUSEL", "cards": [card, card] }])).await;
    let header = Header::Product { catalog_id: "7".to_owned(), product_retailer_id: "a".to_owned() };
    let button = Component::Button { index: 0, button: Button::QuickReply("more".to_owned()) };
    let card = Card { components: vec![Component::Header(header), button] };
    let cards = Component::Carousel(vec![card.clone(), card]);
    scene.accepted(Content::Template(Template::new("cards", "en").with(cards))).await;
    let otp = json!([{ "type": "OTP", "otp_type": "COPY_CODE" }]);
    let parts = json!([{ "type": "BODY" }, { "type": "BUTTONS", "buttons": otp }]);
    scene.template("code", "AUTHENTICATION", parts).await;
    scene.accepted(Content::Template(Template::authentication("code", "en", "123456"))).await;
}
