//! Free-form messages as Meta documents them, byte for byte but for the order of members.

use serde_json::{Value, json};

use super::super::*;
use super::{message, sent, text};

fn interactive(action: Action) -> Value {
    let interactive = Interactive::new(action, "b");
    message(Content::Interactive(interactive.clone())).check().unwrap();
    let mut sent = sent(Content::Interactive(interactive));
    assert_eq!(sent["body"].take(), json!({"text": "b"}));
    sent.as_object_mut().unwrap().remove("body");
    sent
}

#[test]
fn an_answer_quotes_a_message() {
    let sent = serde_json::to_value(message(text()).answering("wamid.1")).unwrap();
    assert_eq!(sent["context"], json!({"message_id": "wamid.1"}));
}

#[test]
fn a_message_goes_to_a_user_id() {
    let to = Recipient::UserId("US.13491208655302741918".into());
    let sent = serde_json::to_value(Message::new(to, text())).unwrap();
    assert_eq!(
        sent,
        json!({"messaging_product": "whatsapp", "recipient_type": "individual", "recipient": "US.13491208655302741918",
               "type": "text", "text": {"body": "hi", "preview_url": false}})
    );
}

#[test]
fn places_and_reactions() {
    let place = Location {
        latitude: "12.97".to_owned(),
        longitude: "77.59".to_owned(),
        name: Some("Office".to_owned()),
        address: Some("1 MG Road".to_owned()),
    };
    assert_eq!(
        sent(Content::Location(place)),
        json!({"latitude": "12.97", "longitude": "77.59", "name": "Office", "address": "1 MG Road"})
    );
    let reaction = Reaction { message_id: "wamid.1".to_owned(), emoji: "👍".to_owned() };
    assert_eq!(sent(Content::Reaction(reaction)), json!({"message_id": "wamid.1", "emoji": "👍"}));
}

#[test]
fn a_visiting_card_has_what_it_is_given() {
    let some = |text: &str| Some(text.to_owned());
    let card = ContactCard {
        name: ContactName {
            formatted_name: "Dr. Ana B".to_owned(),
            first_name: some("Ana"),
            last_name: some("B"),
            prefix: some("Dr."),
            ..ContactName::default()
        },
        phones: vec![ContactPhone { phone: "+1555".to_owned(), kind: some("CELL"), wa_id: some("1555") }],
        emails: vec![ContactEmail { email: "a@h".to_owned(), kind: some("WORK") }],
        addresses: vec![ContactAddress {
            city: some("Pune"),
            zip: some("411001"),
            country_code: some("in"),
            kind: some("HOME"),
            ..ContactAddress::default()
        }],
        org: Some(ContactOrganisation { company: some("H"), department: None, title: some("CEO") }),
        urls: vec![ContactUrl { url: "https://h".to_owned(), kind: some("WORK") }],
        birthday: some("1990-01-31"),
    };
    let expected = json!([{
        "name": {"formatted_name": "Dr. Ana B", "first_name": "Ana", "last_name": "B", "prefix": "Dr."},
        "phones": [{"phone": "+1555", "type": "CELL", "wa_id": "1555"}],
        "emails": [{"email": "a@h", "type": "WORK"}],
        "addresses": [{"city": "Pune", "zip": "411001", "country_code": "in", "type": "HOME"}],
        "org": {"company": "H", "title": "CEO"},
        "urls": [{"url": "https://h", "type": "WORK"}],
        "birthday": "1990-01-31",
    }]);
    let content = Content::Contacts(vec![card]);
    message(content.clone()).check().unwrap();
    assert_eq!(sent(content), expected);
}

#[test]
fn products() {
    let product = Action::Product { catalog_id: "7".to_owned(), product_retailer_id: "sku1".to_owned() };
    let bare = Interactive { body: None, ..Interactive::new(product, "") };
    message(Content::Interactive(bare.clone())).check().unwrap();
    assert_eq!(
        sent(Content::Interactive(bare)),
        json!({"type": "product", "action": {"catalog_id": "7", "product_retailer_id": "sku1"}})
    );
    let sections =
        vec![ProductSection { title: Some("Tea".to_owned()), products: vec!["a".to_owned(), "b".to_owned()] }];
    let list = Action::ProductList { catalog_id: "7".to_owned(), sections };
    let header = Some(InteractiveHeader::Text("Shop".to_owned()));
    let list = Interactive { header, ..Interactive::new(list, "Look") };
    let items = json!([{"product_retailer_id": "a"}, {"product_retailer_id": "b"}]);
    assert_eq!(
        sent(Content::Interactive(list)),
        json!({"type": "product_list", "header": {"type": "text", "text": "Shop"}, "body": {"text": "Look"},
               "action": {"catalog_id": "7", "sections": [{"title": "Tea", "product_items": items}]}})
    );
}

#[test]
fn a_catalog_and_a_request_for_a_place() {
    let thumbnail = CatalogLink { thumbnail_product_retailer_id: Some("sku1".to_owned()) };
    assert_eq!(
        interactive(Action::CatalogMessage(thumbnail)),
        json!({"type": "catalog_message", "action": {
            "name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "sku1"}}})
    );
    assert_eq!(
        interactive(Action::CatalogMessage(CatalogLink::default())),
        json!({"type": "catalog_message", "action": {"name": "catalog_message"}})
    );
    assert_eq!(
        interactive(Action::LocationRequest),
        json!({"type": "location_request_message", "action": {"name": "send_location"}})
    );
}

#[test]
fn flows() {
    let flow = |flow, token: Option<&str>, is_draft, action| {
        let token = token.map(str::to_owned);
        interactive(Action::Flow(Flow { flow, cta: "Book".to_owned(), token, is_draft, action }))
    };
    let data = json!({"day": "1"}).as_object().cloned();
    let screen = FlowAction::Navigate(Some(FlowScreen { screen: "FIRST".to_owned(), data }));
    assert_eq!(
        flow(FlowName::Id("9".to_owned()), Some("t1"), false, screen),
        json!({"type": "flow", "action": {"name": "flow", "parameters": {
            "flow_message_version": "3", "flow_id": "9", "flow_cta": "Book", "flow_token": "t1", "mode": "published",
            "flow_action": "navigate", "flow_action_payload": {"screen": "FIRST", "data": {"day": "1"}}}}})
    );
    assert_eq!(
        flow(FlowName::Name("booking".to_owned()), None, true, FlowAction::DataExchange),
        json!({"type": "flow", "action": {"name": "flow", "parameters": {
            "flow_message_version": "3", "flow_name": "booking", "flow_cta": "Book", "mode": "draft",
            "flow_action": "data_exchange"}}})
    );
}

fn rows(count: usize) -> Vec<ListRow> {
    (0..count).map(|n| ListRow { id: n.to_string(), title: format!("Option {n}"), description: None }).collect()
}

#[test]
fn up_to_three_options_are_buttons_and_up_to_ten_a_list() {
    for count in 1..=10 {
        let interactive = Interactive::options("Which?", "Choose", rows(count)).unwrap();
        let expected = match count {
            1..=3 => json!({"buttons": rows(count).iter().map(|row| {
                json!({"type": "reply", "reply": {"id": row.id, "title": row.title}})
            }).collect::<Vec<_>>()}),
            _ => json!({"button": "Choose", "sections": [{"rows": rows(count).iter().map(|row| {
                json!({"id": row.id, "title": row.title})
            }).collect::<Vec<_>>()}]}),
        };
        assert_eq!(sent(Content::Interactive(interactive))["action"], expected, "{count}");
    }
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let fault = |options: Vec<ListRow>| Interactive::options("Which?", "Choose", options).unwrap_err().to_string();
    let words = "the message is not as Meta takes it; ";
    assert_eq!(fault(rows(0)), format!("{words}`options`: give 1 to 10 options, not 0 options"));
    assert_eq!(fault(rows(11)), format!("{words}`options`: give 1 to 10 options, not 11 options"));
    let described = ListRow { description: Some("d".to_owned()), ..rows(1).remove(0) };
    assert!(fault(vec![described]).contains("`options[0].description`: give none"));
    let long = ListRow { title: "x".repeat(21), ..rows(1).remove(0) };
    assert!(fault(vec![long]).contains("`interactive.action.buttons[0].reply.title`: give 1 to 20 characters, not 21"));
}
