//! Options that become buttons or a list.

use serde_json::{Value, json};

use super::{
    Content,
    kinds_tests::{interactive, refused},
    tests::read,
};

fn options(options: Value, menu: Option<&str>) -> Value {
    let mut action = json!({"options": options});
    if let Some(menu) = menu {
        action["button"] = json!(menu);
    }
    interactive("options", action)
}

fn each_option(number: usize) -> Value {
    (0..number).map(|n| json!({"id": format!("o{n}"), "title": format!("Option {n}")})).collect()
}

#[test]
fn options_are_buttons_up_to_three_and_a_list_from_four_on() {
    let action = |given| {
        let Ok(Content::Interactive { interactive }) = read(&given).map(|message| message.content) else {
            panic!("{given} is one to tap");
        };
        serde_json::to_value(&interactive.action).expect("it is written as it was read")
    };
    let reply = json!({"type": "reply", "reply": {"id": "o0", "title": "Option 0"}});
    let buttons = json!({"type": "button", "action": {"buttons": [reply]}});
    assert_eq!(action(options(each_option(1), None)), buttons);
    assert_eq!(action(options(each_option(1), Some("Choose"))), buttons, "what opens a list is not shown");
    assert_eq!(action(options(each_option(3), None))["type"], "button");
    let mut four = each_option(4);
    four[0]["description"] = json!("The first");
    let list = json!({"type": "list", "action": {"button": "Choose", "sections": [{"rows": four}]}});
    assert_eq!(action(options(four, Some("Choose"))), list);
    assert_eq!(action(options(each_option(10), Some("Choose")))["type"], "list");
}

#[test]
fn options_that_are_neither_buttons_nor_a_list_are_refused_where_they_stand() {
    let mut described = each_option(3);
    described[2]["description"] = json!("The third");
    let (mut twice, mut alike) = (each_option(4), each_option(3));
    twice[3]["id"] = json!("o0");
    alike[2]["title"] = json!("Option 0");
    let mut headed = options(each_option(4), Some("Choose"));
    headed["interactive"]["header"] = json!({"type": "image", "image": {"id": "1"}});
    let at = "/interactive/action";
    refused(&[
        (options(each_option(0), None), &format!("{at}/options: holds 0 options; give 1 to 10.")),
        (options(each_option(11), None), &format!("{at}/options: holds 11 options; give 1 to 10.")),
        (options(each_option(4), None), &format!("{at}/button: is missing; more than 3 options are a list")),
        (options(described, None), &format!("{at}/options: holds a `description`, which buttons have no room for")),
        (options(twice, Some("Choose")), &format!("{at}/options: holds the id `o0` twice")),
        (options(alike, None), &format!("{at}/options: holds the title `Option 0` twice")),
        (headed, "/interactive/header/type: `image` is not one of `text`."),
    ]);
}
