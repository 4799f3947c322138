//! Campaigns of every kind of message: the simulator takes each, refusing what is malformed as Meta does.

use dawncast_cloud_api::Token;
use dawncast_cloud_sim::TemplateOrder;
use dawncast_core::{
    campaign::CampaignSpec,
    ids::{RunId, WabaId},
    template::{Definition, lint_for},
};
use dawncast_store::records::Recipient;
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::world::{NUMBERS, PATIENCE, World, calm, person, phone};

/// So many people get each message.
const EACH: u64 = 2;

/// A template of Meta's, and a campaign's message that fills it.
struct Kind {
    category: &'static str,
    definition: Value,
    components: Value,
    marketing: Option<Value>,
}

fn kind(category: &'static str, definition: Value, components: Value) -> Kind {
    Kind { category, definition, components, marketing: None }
}

fn body(text: &str) -> Value {
    json!({ "type": "BODY", "text": text, "example": { "body_text": [["a", "b", "c"]] } })
}

fn buttons(buttons: Value) -> Value {
    json!({ "type": "BUTTONS", "buttons": buttons })
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn part(kind: &str, parameters: Value) -> Value {
    json!({ "type": kind, "parameters": parameters })
}

fn button(sub_type: &str, index: u8, parameter: Value) -> Value {
    json!({ "type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter] })
}

fn action(action: Value) -> Value {
    json!({ "type": "action", "action": action })
}

fn place() -> Value {
    json!({ "latitude": "{{ latitude }}", "longitude": 77.59, "name": "Office of {{ first_name }}", "address": "1 MG Road" })
}

fn products() -> Value {
    let section = |title: &str| json!({ "title": title, "product_items": [{ "product_retailer_id": "{{ sku }}" }] });
    json!([section("Ours"), section("{{ first_name }}")])
}

/// Money, times and a place; every button that is no link; an offer; one-time codes; a product; a video by the marketing API.
fn kinds(handle: &str) -> Vec<Kind> {
    let money = json!({ "fallback_value": "₹ {{ amount }}", "code": "INR", "amount_1000": "{{ amount }}" });
    let filled = json!([text("{{ first_name }}"), { "type": "currency", "currency": money },
                        { "type": "date_time", "date_time": { "fallback_value": "Monday" } }]);
    let all = json!([{ "type": "QUICK_REPLY", "text": "More" }, { "type": "FLOW", "text": "Book", "flow_id": "9" },
                     { "type": "CATALOG", "text": "Shop" }, { "type": "FLOW", "text": "Ask", "flow_id": "9" },
                     { "type": "VOICE_CALL", "text": "Call us" }]);
    let call = json!([{ "type": "ttl_minutes", "ttl_minutes": 60 }, { "type": "payload", "payload": "{{ id }}" }]);
    let flow = json!({ "flow_token": "t-{{ id }}", "flow_action_data": { "who": ["{{ first_name }}", 1] } });
    let offer =
        json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Now!", "has_expiration": true } });
    let coupon = json!([{ "type": "COPY_CODE", "example": "SAVE" },
                        { "type": "URL", "text": "Go", "url": "https://e.x/{{1}}", "example": ["https://e.x/a"] }]);
    let ends = json!([{ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": "{{ ends }}" } }]);
    let otp = json!([{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" }]);
    let picture = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": [handle] } });
    let card = json!({ "components": [picture, body("Take {{1}} today."), buttons(json!([{ "type": "QUICK_REPLY", "text": "More" }]))] });
    let shown = json!({ "components": [part("header", json!([{ "type": "image", "image": { "asset": "{{ image }}" } }])),
        part("body", json!([text("{{ first_name }}")])), button("quick_reply", 0, json!({ "type": "payload", "payload": "{{ id }}" }))] });
    let thumbnail = json!({ "thumbnail_product_retailer_id": "{{ sku }}", "sections": products() });
    let product = json!([{ "type": "product", "product": { "catalog_id": "7", "product_retailer_id": "{{ sku }}" } }]);
    let gif = json!([{ "type": "gif", "gif": { "link": "https://e.x/{{ id }}.mp4" } }]);
    vec![
        kind(
            "UTILITY",
            json!([{ "type": "HEADER", "format": "LOCATION" }, body("Dear {{1}}, you owe {{2}} by {{3}}.")]),
            json!([part("header", json!([{ "type": "location", "location": place() }])), part("body", filled)]),
        ),
        kind(
            "UTILITY",
            json!([body("Well, {{1}}?"), buttons(all)]),
            json!([part("body", json!([text("{{ first_name }}")])), button("flow", 1, action(flow)),
                   button("catalog", 2, action(json!({ "thumbnail_product_retailer_id": "{{ sku }}" }))),
                   { "type": "button", "sub_type": "flow", "index": 3 },
                   { "type": "button", "sub_type": "voice_call", "index": 4, "parameters": call }]),
        ),
        kind(
            "MARKETING",
            json!([body("Dear {{1}}, look."), offer, buttons(coupon)]),
            json!([
                part("body", json!([text("{{ first_name }}")])),
                part("limited_time_offer", ends),
                button("copy_code", 0, json!({ "type": "coupon_code", "coupon_code": "{{ code }}" })),
                button("url", 1, text("{{ id }}"))
            ]),
        ),
        kind(
            "AUTHENTICATION",
            json!([{ "type": "BODY", "add_security_recommendation": true }, buttons(otp)]),
            json!([part("body", json!([text("{{ code }}")])), button("url", 0, text("{{ code }}"))]),
        ),
        kind(
            "MARKETING",
            json!([body("Look at {{1}}."), { "type": "CAROUSEL", "cards": [card, card] }]),
            json!([part("body", json!([text("these")])), { "type": "carousel", "cards": [shown, shown] }]),
        ),
        kind(
            "MARKETING",
            json!([{ "type": "HEADER", "format": "PRODUCT" }, body("Look at {{1}}."), buttons(json!([{ "type": "MPM", "text": "View" }]))]),
            json!([part("header", product), part("body", json!([text("these")])), button("mpm", 0, action(thumbnail))]),
        ),
        Kind {
            marketing: Some(json!({ "product_policy": "STRICT", "message_activity_sharing": true })),
            ..kind(
                "MARKETING",
                json!([{ "type": "HEADER", "format": "GIF" }, body("Look at {{1}}.")]),
                json!([part("header", gif), part("body", json!([text("this")]))]),
            )
        },
    ]
}

/// Someone with all that messages here are filled with.
fn known(n: u64, last_message_id: &str) -> Recipient {
    let more = [
        ("latitude", "12.97"),
        ("amount", "499000"),
        ("ends", "1890000000000"),
        ("code", "KING25"),
        ("sku", "sku-7"),
        ("last_message_id", last_message_id),
    ];
    let mut person = person(n);
    person.attributes.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    person
}

impl World {
    /// Makes a template in every account, and has it approved.
    async fn approved(&self, name: &str, kind: &Kind) -> WabaId {
        let waba = self.sim.account(NUMBERS[0]).unwrap();
        let definition =
            json!({ "name": name, "language": "en_IN", "category": kind.category, "components": kind.definition });
        self.ctx.client.create_template(&waba, &Token::new("SIM_TOKEN").unwrap(), &definition).await.unwrap();
        let order = TemplateOrder { status: Some("APPROVED".to_owned()), silent: true, ..TemplateOrder::default() };
        self.sim.order_template(name, &order).unwrap();
        waba.parse().unwrap()
    }

    /// The handle of an uploaded picture, as samples of templates need it.
    async fn handle(&self) -> String {
        let token = Token::new("SIM_TOKEN").unwrap();
        let app = self.ctx.client.debug_token(&token).await.unwrap().app_id.unwrap();
        let png = vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
        self.ctx.client.upload_to_app(&app, &token, png, "image/png", "sample").await.unwrap().as_str().to_owned()
    }

    /// Someone writes; the id of what was written.
    async fn says(&self, n: u64) -> String {
        self.writes(n, NUMBERS[0]).await;
        let said = json!({ "from": phone(n), "number": NUMBERS[0], "text": "and where?" });
        let answer = reqwest::Client::new().post(format!("{}/_sim/reply", self.sim.base_url())).body(said.to_string());
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Every run has reached everybody, and nothing was refused.
    async fn all_arrived(&self, runs: &[RunId]) {
        for run in runs {
            let report = self.closed(run).await;
            assert_eq!((report.sla.eligible, report.sla.within_deadline), (EACH, EACH), "{run}: {report:?}");
        }
        assert!(self.sim.ledger().totals.rejected.is_empty(), "{:?}", self.sim.ledger().totals);
        for n in 0..EACH * runs.len() as u64 {
            assert_eq!(self.accepted(n), 1, "recipient {n}");
        }
    }
}

fn message(name: &str, kind: &Kind) -> Value {
    let mut message = json!({ "type": "template", "name": name, "language": "en_IN", "category": kind.category,
                              "components": kind.components });
    if let Some(marketing) = &kind.marketing {
        message["marketing_messages"] = marketing.clone();
    }
    message
}

/// What is told of a message of `spec` that stands against these templates.
fn misfits(known: &[Definition], message: &Value) -> Vec<String> {
    let spec = json!({ "pool": "p", "audience": { "id": "aud_1" }, "schedule": { "type": "now" }, "message": message });
    let spec = CampaignSpec::parse(spec.to_string().as_bytes()).unwrap();
    lint_for(known, &spec.message, 0).faults.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_and_button_of_a_template_goes_out_as_meta_takes_it() {
    let world = World::start(calm()).await;
    world.asset().await;
    let kinds = kinds(&world.handle().await);
    let (mut runs, mut waba) = (Vec::new(), None);
    for (place, kind) in (0..).zip(&kinds) {
        let name = format!("kind_{place}");
        waba = Some(world.approved(&name, kind).await);
        let audience = world.audience_of((0..EACH).map(|n| known(place * EACH + n, "none"))).await;
        runs.push(world.submit(&audience, json!({ "message": message(&name, kind) })).await);
    }
    let _crew = (world.scheduler(), world.worker());
    let waba = waba.unwrap();
    let synced = async || world.store.templates(&waba).await.unwrap().filter(|known| known.len() > kinds.len());
    let synced = until("the templates are read", PATIENCE, synced).await;
    for (place, kind) in kinds.iter().enumerate() {
        let name = format!("kind_{place}");
        assert_eq!(misfits(&synced, &message(&name, kind)), [""; 0], "{name}");
        let mut bare = message(&name, kind);
        bare["components"] = json!([]);
        assert!(!misfits(&synced, &bare).is_empty(), "{name} without its parts");
    }
    world.all_arrived(&runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_free_form_kind_goes_out_as_meta_takes_it() {
    let world = World::start(calm()).await;
    let interactive = |kind: &str, action: Value| json!({ "type": "interactive", "interactive": { "type": kind, "body": { "text": "{{ first_name }}?" }, "action": action } });
    let flow = |parameters: Value| {
        let mut all = json!({ "flow_id": "9", "flow_cta": "Begin", "flow_token": "t-{{ id }}" });
        all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        interactive("flow", json!({ "name": "flow", "parameters": all }))
    };
    let mut list = interactive("product_list", json!({ "catalog_id": "7", "sections": products() }));
    list["interactive"]["header"] = text("Ours");
    let mut answer = json!({ "type": "text", "text": { "body": "At 9, {{ first_name }}." } });
    answer["context"] = json!({ "message_id": "{{ last_message_id }}" });
    let card = json!({ "name": { "formatted_name": "Advisor of {{ first_name }}", "first_name": "Ravi" },
                       "phones": [{ "phone": "+919800000001", "type": "WORK" }], "birthday": "1990-02-28" });
    let messages = [
        json!({ "type": "location", "location": place() }),
        json!({ "type": "contacts", "contacts": [card] }),
        json!({ "type": "reaction", "reaction": { "message_id": "{{ last_message_id }}", "emoji": "👍" } }),
        interactive("product", json!({ "catalog_id": "7", "product_retailer_id": "{{ sku }}" })),
        list,
        interactive(
            "catalog_message",
            json!({ "name": "catalog_message", "parameters": { "thumbnail_product_retailer_id": "{{ sku }}" } }),
        ),
        interactive("location_request_message", json!({ "name": "send_location" })),
        flow(json!({ "flow_action_payload": { "screen": "ONE", "data": { "who": "{{ first_name }}" } } })),
        flow(json!({ "flow_action": "data_exchange", "mode": "draft" })),
        answer,
    ];
    let mut people = Vec::new();
    for n in 0..EACH * messages.len() as u64 {
        people.push(known(n, &world.says(n).await));
    }
    let mut runs = Vec::new();
    for (message, people) in messages.iter().zip(people.chunks(EACH as usize)) {
        // Of a reaction no more than `sent` is ever told: its run waits for the deadline.
        let window = json!({ "opens": "0s", "closes": "+3s", "deadline": "+10s" });
        runs.push(
            world
                .submit(&world.audience_of(people.to_vec()).await, json!({ "message": message, "window": window }))
                .await,
        );
    }
    let _crew = (world.scheduler(), world.worker());
    world.all_arrived(&runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_marketing_api_does_not_take_now_goes_out_as_what_is_fallen_back_to_and_the_template_is_not_stopped() {
    let world = World::start(calm()).await;
    let body = json!([part("body", json!([text("{{ first_name }}")]))]);
    let kind = kind("MARKETING", json!([self::body("Look at {{1}}.")]), body);
    let waba = world.approved("by_cloud", &kind).await;
    let mut offer = message("weekly_offer_v1", &Kind { marketing: Some(json!({})), ..kind });
    let mut by_cloud = offer.clone();
    by_cloud["name"] = json!("by_cloud");
    by_cloud.as_object_mut().unwrap().remove("marketing_messages");
    offer["fallback"] = json!([by_cloud]);
    world
        .faults(json!([{ "match": { "phone": phone(0) }, "fault": { "kind": "error", "code": 134_101 }, "times": 1 }]));
    let audience = world.audience_of([known(0, "none")]).await;
    let run = world.submit(&audience, json!({ "message": offer })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.sla.within_deadline, 1, "{report:?}");
    assert_eq!(world.sim.ledger().totals.rejected.keys().collect::<Vec<_>>(), ["134101"]);
    let fallen_back = report.by_message.iter().filter(|it| it.fallback).map(|it| it.part.totals.submitted);
    assert_eq!(fallen_back.sum::<u64>(), 1, "{report:?}");
    let known = world.store.templates(&waba).await.unwrap().unwrap();
    let stands = known.iter().find(|it| it.name == "weekly_offer_v1").unwrap();
    assert!(stands.is_approved(), "{stands:?}");
}
