use serde_json::{Value, json};

use super::*;
use crate::fault::read::document;

pub(super) fn read(message: &Value) -> Result<Message, String> {
    document(message, Message::read).map_err(|faults| faults.to_string())
}

fn template(components: Value) -> Value {
    json!({"type": "template", "name": "daily_pack_v1", "language": "en_IN", "components": components})
}

fn fault(components: Value) -> String {
    read(&template(components)).expect_err("a fault")
}

#[test]
fn every_shape_reads_back_as_written() {
    let every = json!([
        {"type": "header", "parameters": [{"type": "document", "document": {"link": "https://e.x/a", "filename": "a.pdf"}}]},
        {"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "{{ first_name }}"}]},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "A-77"}]},
        {"type": "button", "sub_type": "quick_reply", "index": 1, "parameters": [{"type": "payload", "payload": "P"}]},
        {"type": "button", "sub_type": "copy_code", "index": 2,
         "parameters": [{"type": "coupon_code", "coupon_code": "{{ code }}"}]}
    ]);
    let given =
        json!({"type": "template", "name": "x", "language": "en", "category": "MARKETING", "components": every});
    assert_eq!(serde_json::to_value(read(&given).expect("a message")).expect("JSON"), given);
    let text = json!({"type": "text", "text": {"body": "Hi {{ first_name }}", "preview_url": false}});
    assert_eq!(serde_json::to_value(read(&text).expect("a message")).expect("JSON"), text);
}

#[test]
fn a_category_is_taken_in_any_case_and_utility_when_left_out() {
    let category = |message: &Value| read(message).map(|message| message.content.category());
    assert_eq!(category(&template(json!([]))), Ok(Some(Category::Utility)));
    let mut given = template(json!([]));
    given["category"] = json!("Marketing");
    assert_eq!(category(&given), Ok(Some(Category::Marketing)));
}

#[test]
fn a_button_index_may_be_text() {
    let button = |index: Value| {
        template(
            json!([{"type": "button", "sub_type": "url", "index": index, "parameters": [{"type": "text", "text": "a"}]}]),
        )
    };
    assert_eq!(read(&button(json!("9"))), read(&button(json!(9))));
    assert!(read(&button(json!("10"))).is_err_and(|why| why.starts_with("/components/0/index")));
}

fn text() -> Value {
    json!({"type": "text", "text": {"body": "Hi {{ first_name }}", "preview_url": false}})
}

pub(super) fn with_fallback(fallback: Value) -> Value {
    let mut message = text();
    message["fallback"] = fallback;
    message
}

pub(super) fn named(name: &str) -> Value {
    let mut given = template(json!([]));
    given["name"] = json!(name);
    given
}

/// All messages that were given, each with its choice.
fn all(given: &Value) -> Vec<(Choice, String)> {
    read(given).expect("a message").all().map(|(choice, content)| (choice, content.name())).collect()
}

#[test]
fn a_template_falls_back_to_others_in_order_by_name_or_in_full() {
    let mut given = template(json!([{"type": "body", "parameters": [{"type": "text", "text": "{{ first_name }}"}]}]));
    given["fallback"] = json!(["daily_pack_v2", named("daily_text_v1")]);
    let message = read(&given).expect("a message");
    let own = message.content.template().expect("a template");
    let second = message.of(Choice::FALLBACK).and_then(Content::template).expect("a template");
    assert_eq!(
        second,
        &TemplateMessage { name: "daily_pack_v2".to_owned(), ..own.clone() },
        "all else is the own one's"
    );
    let names: Vec<_> = all(&given).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["template daily_pack_v1", "template daily_pack_v2", "template daily_text_v1"]);
    assert_eq!(message.count(), 3);
    let stored = serde_json::to_value(&message).expect("JSON");
    assert_eq!(read(&stored).expect("it reads back"), message);
    given["fallback"] = json!([]);
    assert_eq!(read(&given).expect("a message").count(), 1);
}

#[test]
fn what_is_fallen_back_to_is_another_template_of_the_same_category_and_there_are_few() {
    let refused = |fallback: Value| {
        let mut given = template(json!([]));
        given["fallback"] = fallback;
        read(&given).expect_err("a fault")
    };
    assert!(refused(json!(["a", "b", "c", "d"])).starts_with("/fallback: holds 4 templates; give at most 3."));
    assert!(refused(json!(["daily_pack_v1"])).starts_with("/fallback: names `daily_pack_v1` where it stands already"));
    assert!(refused(json!(["other", "other"])).starts_with("/fallback: names `other` where it stands already"));
    let mut warm = named("weekly_offer_v1");
    warm["category"] = json!("MARKETING");
    assert!(refused(json!([warm])).starts_with("/fallback: `weekly_offer_v1` is MARKETING; give templates that are"));
    assert!(refused(json!([text()])).starts_with("/fallback/0/type: `text` is not one of `template`."));
}

#[test]
fn a_free_form_message_falls_back_to_templates() {
    assert_eq!(read(&with_fallback(json!([]))), read(&text()));
    let given = with_fallback(json!([template(json!([]))]));
    assert!(read(&given).expect("a message").is_free_form());
    assert_eq!(
        all(&given),
        [(Choice::OWN, "text".to_owned()), (Choice::FALLBACK, "template daily_pack_v1".to_owned())]
    );
    let refused = |fallback: Value| read(&with_fallback(fallback)).expect_err("a fault");
    assert_eq!(refused(json!([text()])), "/fallback/0/type: `text` is not one of `template`.");
    assert_eq!(refused(json!(["daily_pack_v1"])), "/fallback/0: is a string; give an object.");
    let mut deep = template(json!([]));
    deep["fallback"] = json!([]);
    assert!(refused(json!([deep])).starts_with("/fallback/0/fallback: is not a field that is known here."));
}

#[test]
fn the_faults_of_a_message_and_of_its_fallback_are_told_together() {
    let mut given = with_fallback(json!([{"type": "template", "name": "Daily Pack", "language": "en"}]));
    given["text"] = json!({});
    let told = read(&given).expect_err("two faults");
    let pointers: Vec<_> = told.lines().map(|line| line.split(':').next().unwrap_or_default()).collect();
    assert_eq!(pointers, ["/text/body", "/fallback/0/name"]);
}

#[test]
fn a_file_comes_from_one_place() {
    let header = |image: Value| fault(json!([{"type": "header", "parameters": [{"type": "image", "image": image}]}]));
    let place = "/components/0/parameters/0/image";
    assert_eq!(header(json!({})), format!("{place}: takes exactly one of `asset`, `link` and `id`."));
    assert_eq!(header(json!({"asset": "a", "id": "1"})), header(json!({})));
    assert!(
        header(json!({"aset": "a"}))
            .contains(&format!("{place}/aset: is not a field that is known here. Did you mean `asset`?"))
    );
    assert!(header(json!({"asset": "a", "filename": "b"})).starts_with(&format!("{place}/filename: is not a field")));
}

#[test]
fn a_part_takes_its_own_kind_of_parameter_only() {
    assert_eq!(
        fault(json!([{"type": "body", "parameters": [{"type": "image", "image": {"id": "1"}}]}])),
        "/components/0/parameters/0/type: `image` is not one of `text`, `currency`, `date_time`."
    );
    assert!(fault(json!([{"type": "header", "parameters": []}])).ends_with("takes exactly one parameter."));
}

#[test]
fn a_part_given_twice_is_a_fault() {
    let body = json!({"type": "body", "parameters": []});
    assert_eq!(fault(json!([body, body])), "/components: holds body twice; give each part once.");
}

#[test]
fn names_and_locales_that_meta_does_not_have_are_refused() {
    let faults = read(&json!({"type": "template", "name": "Daily Pack", "language": "en-IN"})).expect_err("two faults");
    let pointers: Vec<_> = faults.lines().map(|line| line.split(':').next().unwrap_or_default()).collect();
    assert_eq!(pointers, ["/name", "/language"]);
}

#[test]
fn a_file_takes_what_meta_shows_with_it_and_nothing_else() {
    for (kind, takes) in [
        ("image", &["caption"][..]),
        ("video", &["caption"]),
        ("audio", &["voice"]),
        ("document", &["caption", "filename"]),
        ("sticker", &[]),
    ] {
        for field in ["caption", "filename", "voice"] {
            let value = if field == "voice" { json!(true) } else { json!("x") };
            let given = json!({"type": kind, kind: {"asset": "a", field: value}});
            match read(&given) {
                Ok(message) => assert_eq!(serde_json::to_value(message).expect("JSON"), given),
                Err(why) => assert!(why.starts_with(&format!("/{kind}/{field}: is not a field")), "{why}"),
            }
            assert_eq!(read(&given).is_ok(), takes.contains(&field), "{kind} {field}");
        }
    }
}

fn interactive(kind: &str, action: Value) -> Value {
    json!({"type": "interactive", "interactive": {"type": kind, "body": {"text": "What?"}, "action": action}})
}

fn reply(id: &str, title: &str) -> Value {
    json!({"type": "reply", "reply": {"id": id, "title": title}})
}

#[test]
fn what_meta_does_not_take_in_an_interactive_message_is_refused_where_it_stands() {
    let refused = |kind: &str, action: Value| read(&interactive(kind, action)).expect_err("a fault");
    let buttons = |buttons: Value| refused("button", json!({"buttons": buttons}));
    assert_eq!(buttons(json!([])), "/interactive/action/buttons: holds 0 buttons; give 1 to 3.");
    let four: Vec<_> = (0..4).map(|n| reply(&n.to_string(), &n.to_string())).collect();
    assert_eq!(buttons(json!(four)), "/interactive/action/buttons: holds 4 buttons; give 1 to 3.");
    let twice = "/interactive/action/buttons: holds the";
    assert!(buttons(json!([reply("a", "x"), reply("a", "y")])).starts_with(&format!("{twice} id `a` twice")));
    assert!(buttons(json!([reply("a", "x"), reply("b", "x")])).starts_with(&format!("{twice} title `x` twice")));

    let sections = |sections: Value| refused("list", json!({"button": "Menu", "sections": sections}));
    let row = |id: usize| json!({"id": id.to_string(), "title": "x"});
    let place = "/interactive/action/sections";
    assert_eq!(sections(json!([])), format!("{place}: holds 0 sections; give 1 to 10."));
    assert_eq!(sections(json!([{"rows": []}])), format!("{place}/0/rows: is empty; give at least one row."));
    let rows = |from: usize, count: usize| (from..from + count).map(row).collect::<Vec<_>>();
    let two = json!([{"title": "a", "rows": rows(0, 6)}, {"title": "b", "rows": rows(6, 5)}]);
    assert_eq!(sections(two), format!("{place}: holds 11 rows in all; give at most 10."));
    let untitled = json!([{"rows": rows(0, 1)}, {"title": "b", "rows": rows(1, 1)}]);
    assert!(sections(untitled).contains("one of them without a `title`"));
    assert!(sections(json!([{"rows": [row(1), row(1)]}])).contains("holds the row id `1` twice"));

    let link = json!({"name": "flow", "parameters": {"display_text": "x", "url": "https://e.x"}});
    assert_eq!(refused("cta_url", link), "/interactive/action/name: `flow` is not one of `cta_url`.");
    let mut list = interactive("list", json!({"button": "Menu", "sections": [{"rows": rows(0, 1)}]}));
    list["interactive"]["header"] = json!({"type": "image", "image": {"id": "1"}});
    let told = read(&list).expect_err("a fault");
    assert_eq!(told, "/interactive/header/type: `image` is not one of `text`.");
}

/// Messages of every shape, as users write them with every default spelt out.
mod shapes {
    use proptest::{prelude::*, sample::select};
    use serde_json::{Map, Value, json};

    const WORDS: &str = "[a-z{}][a-z {}]{0,9}[a-z{}]";

    fn object(fields: Vec<(&'static str, Option<Value>)>) -> Value {
        let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }

    fn maybe() -> impl Strategy<Value = Option<Value>> {
        prop::option::of(WORDS.prop_map(Value::from))
    }

    fn source() -> impl Strategy<Value = (&'static str, Option<Value>)> {
        (select(&["asset", "link", "id"][..]), WORDS).prop_map(|(kind, text)| (kind, Some(json!(text))))
    }

    fn file() -> impl Strategy<Value = Value> {
        let kinds = select(&["image", "video", "audio", "document", "sticker"][..]);
        (kinds, source(), maybe(), maybe(), any::<bool>()).prop_map(|(kind, source, caption, filename, voice)| {
            let caption = caption.filter(|_| ["image", "video", "document"].contains(&kind));
            let filename = filename.filter(|_| kind == "document");
            let voice = (kind == "audio" && voice).then_some(json!(true));
            let fields = object(vec![source, ("caption", caption), ("filename", filename), ("voice", voice)]);
            json!({"type": kind, kind: fields})
        })
    }

    fn header() -> impl Strategy<Value = Value> {
        let files = (select(&["image", "video", "document"][..]), source());
        let files = files.prop_map(|(kind, source)| json!({"type": kind, kind: object(vec![source])}));
        prop_oneof![WORDS.prop_map(|text| json!({"type": "text", "text": text})), files]
    }

    fn action() -> impl Strategy<Value = (&'static str, Value)> {
        let reply = |n: usize| json!({"type": "reply", "reply": {"id": n.to_string(), "title": n.to_string()}});
        let buttons = (1_usize..4).prop_map(move |count| {
            let buttons: Vec<_> = (0..count).map(reply).collect();
            ("button", json!({"buttons": buttons}))
        });
        let link = (WORDS, WORDS).prop_map(|(label, url)| {
            ("cta_url", json!({"name": "cta_url", "parameters": {"display_text": label, "url": url}}))
        });
        let list = (WORDS, maybe(), prop::collection::vec(maybe(), 1..10)).prop_map(|(button, title, rows)| {
            let row = |(n, description): (usize, Option<Value>)| {
                object(vec![
                    ("id", Some(json!(n.to_string()))),
                    ("title", Some(json!("x"))),
                    ("description", description),
                ])
            };
            let rows: Vec<_> = rows.into_iter().enumerate().map(row).collect();
            (
                "list",
                json!({"button": button, "sections": [object(vec![("title", title), ("rows", Some(json!(rows)))])]}),
            )
        });
        prop_oneof![buttons, link, list]
    }

    fn interactive() -> impl Strategy<Value = Value> {
        (action(), prop::option::of(header()), WORDS, maybe()).prop_map(|((kind, action), header, body, footer)| {
            let header = header.filter(|header| kind != "list" || header["type"] == "text");
            let footer = footer.map(|text| json!({"text": text}));
            let body = Some(json!({"text": body}));
            let fields = [("type", Some(json!(kind))), ("header", header), ("body", body), ("footer", footer)];
            json!({"type": "interactive", "interactive": object([&fields[..], &[("action", Some(action))]].concat())})
        })
    }

    pub(super) fn messages() -> impl Strategy<Value = Value> {
        let text = (WORDS, any::<bool>());
        let text =
            text.prop_map(|(body, preview)| json!({"type": "text", "text": {"body": body, "preview_url": preview}}));
        (prop_oneof![text, file(), interactive()], any::<bool>()).prop_map(|(mut message, falls_back)| {
            if falls_back {
                message["fallback"] = json!([
                    {"type": "template", "name": "x", "language": "en", "category": "UTILITY", "components": []}
                ]);
            }
            message
        })
    }
}

proptest::proptest! {
    #[test]
    fn every_free_form_shape_reads_back_as_written(given in shapes::messages()) {
        let message = read(&given).map_err(proptest::prelude::TestCaseError::fail)?;
        proptest::prop_assert_eq!(serde_json::to_value(message).expect("JSON"), given);
    }
}

#[test]
fn a_rotated_message_goes_out_in_its_versions_then_in_what_it_falls_back_to() {
    let mut given = template(json!([]));
    given["fallback"] = json!(["daily_pack_v3", "plain"]);
    let message = read(&given).expect("a message");
    let versions = |named: &TemplateMessage| match named.name.as_str() {
        "daily_pack_v1" => vec![
            TemplateMessage { name: "daily_pack_v3".to_owned(), ..named.clone() },
            TemplateMessage { name: "daily_pack_v2".to_owned(), ..named.clone() },
            named.clone(),
        ],
        _ => vec![named.clone()],
    };
    let rotated = message.rotated(versions);
    let names: Vec<_> = rotated.all().map(|(_, content)| content.name()).collect();
    let expected = ["daily_pack_v3", "daily_pack_v2", "daily_pack_v1", "plain"].map(|name| format!("template {name}"));
    assert_eq!(names, expected, "each once");
    assert_eq!(message.rotated(|named| vec![named.clone()]), message);
}
