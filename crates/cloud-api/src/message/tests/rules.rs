//! Rules that are no numbers, and how violations read.

use super::super::*;
use super::{message, text};

/// Exactly these violations, as they read.
fn check(message: &Message, expected: &[&str]) {
    let found = message.check().map_or_else(|error| error.violations, |()| Vec::new());
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

fn interactive(interactive: Interactive) -> Message {
    message(Content::Interactive(interactive))
}

fn template(components: Vec<Component>) -> Message {
    message(Content::Template(Template { components, ..Template::new("t", "en_US") }))
}

#[test]
fn all_violations_are_told_at_once() {
    let title = |title: &str| ReplyButton { id: "1".to_owned(), title: title.to_owned() };
    let buttons = vec![title("Yes"), title("Yes"), title(&"x".repeat(23))];
    let link = MediaSource::Link("ftp://h".to_owned());
    let header = Some(InteractiveHeader::Image(link));
    check(
        &Message::new(
            "12",
            Content::Interactive(Interactive { header, ..Interactive::new(Action::Button { buttons }, "") }),
        )
        .answering(" "),
        &[
            "`to`: give 7 to 15 digits, not 2 digits",
            "`context.message_id`: give at least 1 character, not nothing",
            "`interactive.header.image.link`: give an address that begins with https:// or http:// and has no spaces, not another text",
            "`interactive.body.text`: give 1 to 1024 characters, not 0 characters",
            "`interactive.action.buttons[2].reply.title`: give 1 to 20 characters, not 23 characters",
            "`interactive.action.buttons[1].reply.id`: give a text that no other has, not the same as `interactive.action.buttons[0].reply.id`",
            "`interactive.action.buttons[2].reply.id`: give a text that no other has, not the same as `interactive.action.buttons[0].reply.id`",
            "`interactive.action.buttons[1].reply.title`: give a text that no other has, not the same as `interactive.action.buttons[0].reply.title`",
        ],
    );
}

#[test]
fn recipients() {
    let to = |to: Recipient| Message::new(to, text());
    for phone in ["+91 (98123) 456-78", "1234567", "123456789012345"] {
        check(&to(phone.into()), &[]);
    }
    check(&to("12ab4567".into()), &["`to`: give digits, `+`, spaces, `-` and brackets alone, not other characters"]);
    check(&to("1234567890123456".into()), &["`to`: give 7 to 15 digits, not 16 digits"]);
    check(&to("09812345678".into()), &["`to`: give the country code first, not a leading 0"]);
    let user = |id: String| to(Recipient::UserId(id.into()));
    for id in ["US.13491208655302741918".to_owned(), "IN.ENT.a1".to_owned(), format!("US.{}", "9".repeat(128))] {
        check(&user(id), &[]);
    }
    for id in
        ["US".to_owned(), "us.1".to_owned(), "US.".to_owned(), "US.é".to_owned(), format!("US.{}", "9".repeat(129))]
    {
        assert_eq!(user(id.clone()).check().unwrap_err().violations[0].field, "recipient", "{id}");
    }
}

#[test]
fn free_forms() {
    let place = Location { latitude: "90.1".to_owned(), longitude: "east".to_owned(), name: None, address: None };
    check(
        &message(Content::Location(place)),
        &[
            "`location.latitude`: give -90 to 90 as a decimal number, not another text",
            "`location.longitude`: give -180 to 180 as a decimal number, not another text",
        ],
    );
    let reaction = |message_id: &str| {
        message(Content::Reaction(Reaction { message_id: message_id.to_owned(), emoji: String::new() }))
    };
    check(&reaction("wamid.1"), &[]);
    check(&reaction(""), &["`reaction.message_id`: give at least 1 character, not nothing"]);
    check(
        &reaction("wamid.1").answering("wamid.2"),
        &["`context`: give none with a reaction, which names its message itself, not one"],
    );
    let name = ContactName { formatted_name: "Ana".to_owned(), ..ContactName::default() };
    let card = ContactCard { name, birthday: Some("1990-13-01".to_owned()), ..ContactCard::default() };
    check(
        &message(Content::Contacts(vec![card])),
        &[
            "`contacts[0].name`: give at least one of first_name, last_name, middle_name, prefix and suffix, not formatted_name alone",
            "`contacts[0].birthday`: give a date as YYYY-MM-DD, not another text",
        ],
    );
}

#[test]
fn headers_fit_their_action() {
    let text = || Some(InteractiveHeader::Text("h".to_owned()));
    let image = Some(InteractiveHeader::Image(MediaSource::Id("1".into())));
    let row = |id: &str| ListRow { id: id.to_owned(), title: "t".to_owned(), description: None };
    let section = |id| ListSection { title: None, rows: vec![row(id)] };
    let list = Action::List { button: "b".to_owned(), sections: vec![section("1"), section("2")] };
    check(
        &interactive(Interactive { header: image, ..Interactive::new(list, "b") }),
        &[
            "`interactive.header.type`: give text with a list, not a file",
            "`interactive.action.sections[0].title`: give 1 to 24 characters, not 0 characters",
            "`interactive.action.sections[1].title`: give 1 to 24 characters, not 0 characters",
        ],
    );
    check(
        &interactive(Interactive { header: text(), ..Interactive::new(Action::LocationRequest, "b") }),
        &["`interactive.header`: give none with this action, not one"],
    );
    let sections = vec![ProductSection { title: None, products: vec![] }];
    check(
        &interactive(Interactive::new(Action::ProductList { catalog_id: "1".to_owned(), sections }, "b")),
        &[
            "`interactive.header.text`: give 1 to 60 characters, not 0 characters",
            "`interactive.action.sections`: give 1 to 30 products, not 0 products",
            "`interactive.action.sections[0].product_items`: give at least 1 product, not none",
        ],
    );
    let screen = FlowScreen { screen: "A".to_owned(), data: Some(serde_json::Map::new()) };
    let flow = Flow {
        flow: FlowName::Name(String::new()),
        cta: "Go".to_owned(),
        token: None,
        is_draft: false,
        action: FlowAction::Navigate(Some(screen)),
    };
    check(
        &interactive(Interactive::new(Action::Flow(flow), "b")),
        &[
            "`interactive.action.parameters.flow_name`: give at least 1 character, not nothing",
            "`interactive.action.parameters.flow_action_payload.data`: give no data at all, or at least one member, not an empty object",
        ],
    );
}

#[test]
fn texts_for_variables_are_one_line() {
    let limit = "a text without line break, tab or more than 4 spaces in a row";
    for (text, given) in
        [("a\nb", "one with a line break"), ("a\tb", "one with a tab"), ("a     b", "one with more spaces")]
    {
        let expected = format!("`template.components[0].parameters[0].text`: give {limit}, not {given}");
        check(&template(vec![Component::Body(vec![text.into()])]), &[&expected]);
    }
    check(&template(vec![Component::Body(vec!["a    b".into()])]), &[]);
    let mixed = vec!["Ana".into(), TextParameter::named("a", "x").into(), TextParameter::named("a", "y").into()];
    check(
        &template(vec![Component::Body(mixed)]),
        &[
            "`template.components[0].parameters`: give a parameter_name for all or for none, not one for some",
            "`template.components[0].parameters[2].parameter_name`: give a text that no other has, not the same as `template.components[0].parameters[1].parameter_name`",
        ],
    );
}

#[test]
fn parts_come_once_and_buttons_have_their_own_place() {
    let button = |index| Component::Button { index, button: Button::QuickReply("p".to_owned()) };
    let body = || Component::Body(vec![]);
    check(
        &template(vec![body(), body(), button(1), button(1), button(10)]),
        &[
            "`template.components[1].type`: give each part once, not one that was there before",
            "`template.components[3].index`: give an index that no other button has, not 1",
            "`template.components[4].index`: give 0 to 9, not 10",
        ],
    );
}

#[test]
fn a_call_button_works_for_a_month_at_most_and_says_something() {
    let call = |ttl_minutes, payload: Option<String>| {
        template(vec![Component::Button { index: 0, button: Button::VoiceCall { ttl_minutes, payload } }])
    };
    let at = "template.components[0].parameters";
    check(&call(None, None), &[&format!("`{at}`: give `ttl_minutes`, `payload` or both, not none")]);
    for minutes in [0, 43_201] {
        let expected = format!("`{at}[0].ttl_minutes`: give 1 to 43200 minutes, not {minutes}");
        check(&call(Some(minutes), Some("p".repeat(512))), &[&expected]);
    }
    let long = format!("`{at}[1].payload`: give 1 to 512 characters, not 513 characters");
    check(&call(Some(43_200), Some("p".repeat(513))), &[&long]);
    let empty = format!("`{at}[0].payload`: give 1 to 512 characters, not 0 characters");
    check(&call(None, Some(String::new())), &[&empty]);
}

#[test]
fn an_offer_has_its_code_first_and_no_place_above() {
    let offer = || Component::LimitedTimeOffer { expiration_time_ms: 1 };
    let code = |index| Component::Button { index, button: Button::CopyCode("SAVE".to_owned()) };
    check(&template(vec![offer(), code(0)]), &[]);
    check(
        &template(vec![Component::Header(Header::Text("x".into())), offer(), code(1)]),
        &[
            "`template.components[0].parameters[0].type`: give image or video with a limited-time offer, not another",
            "`template.components[2].index`: give 0 for the code of a limited-time offer, not 1",
        ],
    );
}

#[test]
fn a_one_time_code_is_the_same_everywhere_and_goes_to_a_phone() {
    let mut code = Template::authentication("t", "en", "1234");
    let content = |code: &Template| Content::Template(code.clone());
    check(&message(content(&code)), &[]);
    check(
        &Message::new(Recipient::UserId("US.1".into()), content(&code)),
        &["`recipient`: give a phone number in `to` for a one-time code (code 131062), not a user id"],
    );
    code.components[0] = Component::Body(vec!["1235".into()]);
    check(
        &message(content(&code)),
        &["`template.components`: give a body with the one-time code of the button, and nothing else, not another"],
    );
}

#[test]
fn cards_are_alike() {
    let header = |header| Card { components: vec![Component::Header(header)] };
    let image = || Header::Image(MediaSource::Id("1".into()).into());
    let video = Header::Video(MediaSource::Id("2".into()).into());
    check(
        &template(vec![Component::Carousel(vec![header(image()), header(video)])]),
        &["`template.components[0].cards[1].components`: give the same parts as on the first card, not others"],
    );
    let text = || Header::Text("x".into());
    check(
        &template(vec![Component::Carousel(vec![header(text()), header(text())])]),
        &[
            "`template.components[0].cards[0].components[0].parameters[0].type`: give image, video or product on a card, not another",
            "`template.components[0].cards[1].components[0].parameters[0].type`: give image, video or product on a card, not another",
        ],
    );
    let named = Media { source: MediaSource::Id("1".into()), filename: Some("a.png".to_owned()) };
    check(
        &template(vec![Component::Header(Header::Image(named))]),
        &["`template.components[0].parameters[0].image.filename`: give none, or a document, not one"],
    );
}

#[test]
fn a_gif_and_nothing_but_templates_go_as_marketing() {
    let gif = template(vec![Component::Header(Header::Gif(MediaSource::Id("1".into()).into()))]);
    check(&gif, &["`template.components`: give a GIF header as a marketing message alone, not one"]);
    assert_eq!(gif.check_for(Endpoint::MarketingMessages), Ok(()));
    let error = message(text()).check_for(Endpoint::MarketingMessages).unwrap_err();
    assert_eq!(error.violations[0].to_string(), "`type`: give a template as a marketing message, not text");
}
