mod golden;
mod limits;
mod rules;
mod template_golden;
mod witness;

use serde_json::{Value, json};

use super::*;

fn message(content: Content) -> Message {
    Message::new("+91 (98123) 456-78", content)
}

fn text() -> Content {
    Content::Text(Text { body: "hi".to_owned(), preview_url: false })
}

fn check(components: Vec<Component>, expected: Value) {
    let template = Template { name: "t".to_owned(), language: "en_IN".into(), components };
    let sent = serde_json::to_value(message(Content::Template(template))).unwrap();
    assert_eq!(sent["template"]["components"], expected);
}

#[test]
fn a_text_message_has_every_member_that_meta_asks_for() {
    let mut message = message(text());
    message.biz_opaque_callback_data = Some("v1:x".to_owned());
    assert_eq!(
        serde_json::to_value(&message).unwrap(),
        json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+919812345678",
               "type": "text", "text": {"body": "hi", "preview_url": false}, "biz_opaque_callback_data": "v1:x"})
    );
}

#[test]
fn the_recipient_always_has_one_plus() {
    for to in ["919812345678", "+919812345678", "+91 98123-45678"] {
        let sent = serde_json::to_value(Message { to: to.into(), ..message(text()) }).unwrap();
        assert_eq!(sent["to"], "+919812345678");
    }
}

#[test]
fn a_template_without_variables_has_no_components() {
    let template = Template { name: "hello_world".to_owned(), language: "en_US".into(), components: vec![] };
    let sent = serde_json::to_value(message(Content::Template(template))).unwrap();
    assert_eq!(sent["type"], "template");
    assert_eq!(sent["template"], json!({"name": "hello_world", "language": {"code": "en_US"}}));
}

#[test]
fn header_media_goes_by_id_or_by_link() {
    let image = Header::Image(MediaSource::Id("1234".into()).into());
    let document = Header::Document(Media {
        source: MediaSource::Link("https://h/a.pdf".to_owned()),
        filename: Some("a.pdf".to_owned()),
    });
    check(
        vec![Component::Header(image), Component::Header(document)],
        json!([
            {"type": "header", "parameters": [{"type": "image", "image": {"id": "1234"}}]},
            {"type": "header", "parameters": [
                {"type": "document", "document": {"link": "https://h/a.pdf", "filename": "a.pdf"}}]},
        ]),
    );
}

#[test]
fn text_parameters_go_by_position_or_by_name() {
    let named = TextParameter { text: "Ana".to_owned(), parameter_name: Some("first_name".to_owned()) };
    check(
        vec![Component::Header(Header::Text("x".into())), Component::Body(vec!["Ana".into(), named.into()])],
        json!([
            {"type": "header", "parameters": [{"type": "text", "text": "x"}]},
            {"type": "body", "parameters": [
                {"type": "text", "text": "Ana"}, {"type": "text", "text": "Ana", "parameter_name": "first_name"}]},
        ]),
    );
}

#[test]
fn buttons_carry_their_index_as_text() {
    let button = |index, button| Component::Button { index, button };
    check(
        vec![
            button(0, Button::UrlSuffix("A-77".to_owned())),
            button(1, Button::QuickReply("stop".to_owned())),
            button(2, Button::CopyCode("SAVE".to_owned())),
        ],
        json!([
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "A-77"}]},
            {"type": "button", "sub_type": "quick_reply", "index": "1",
             "parameters": [{"type": "payload", "payload": "stop"}]},
            {"type": "button", "sub_type": "copy_code", "index": "2",
             "parameters": [{"type": "coupon_code", "coupon_code": "SAVE"}]},
        ]),
    );
}

#[test]
fn a_message_never_prints_its_recipient() {
    let shown = format!("{:?}", message(text()));
    assert!(shown.contains("***78") && !shown.contains("98123"), "{shown}");
}

/// The object that is named like the message's type.
fn sent(content: Content) -> Value {
    let sent = serde_json::to_value(message(content)).unwrap();
    sent[sent["type"].as_str().unwrap()].clone()
}

#[test]
fn files_go_with_what_is_shown_with_them() {
    let link = || MediaSource::Link("https://h/a".to_owned());
    let captioned = |caption: Option<&str>| CaptionedMedia { source: link(), caption: caption.map(str::to_owned) };
    assert_eq!(sent(Content::Image(captioned(Some("c")))), json!({"link": "https://h/a", "caption": "c"}));
    assert_eq!(sent(Content::Video(captioned(None))), json!({"link": "https://h/a"}));
    assert_eq!(
        sent(Content::Audio(Audio { source: link(), voice: true })),
        json!({"link": "https://h/a", "voice": true})
    );
    let document = Document { source: link(), caption: None, filename: Some("a.pdf".to_owned()) };
    assert_eq!(sent(Content::Document(document)), json!({"link": "https://h/a", "filename": "a.pdf"}));
    assert_eq!(sent(Content::Sticker(MediaSource::Id("7".into()))), json!({"id": "7"}));
}

#[test]
fn interactive_messages_have_the_shapes_that_meta_documents() {
    let with = |action: Action| {
        let header = Some(InteractiveHeader::Text("h".to_owned()));
        sent(Content::Interactive(Interactive { header, footer: Some("f".into()), ..Interactive::new(action, "b") }))
    };
    let expected = |kind: &str, action: Value| json!({"type": kind, "header": {"type": "text", "text": "h"}, "body": {"text": "b"}, "footer": {"text": "f"}, "action": action});
    let button = ReplyButton { id: "1".to_owned(), title: "Yes".to_owned() };
    let reply = json!({"type": "reply", "reply": {"id": "1", "title": "Yes"}});
    assert_eq!(with(Action::Button { buttons: vec![button] }), expected("button", json!({"buttons": [reply]})));
    let row = ListRow { id: "1".to_owned(), title: "Soup".to_owned(), description: None };
    let section = ListSection { title: None, rows: vec![row] };
    assert_eq!(
        with(Action::List { button: "Menu".to_owned(), sections: vec![section] }),
        expected("list", json!({"button": "Menu", "sections": [{"rows": [{"id": "1", "title": "Soup"}]}]}))
    );
    let link = LinkButton { display_text: "Go".to_owned(), url: "https://h".to_owned() };
    let parameters = json!({"display_text": "Go", "url": "https://h"});
    assert_eq!(with(Action::CtaUrl(link)), expected("cta_url", json!({"name": "cta_url", "parameters": parameters})));
}
