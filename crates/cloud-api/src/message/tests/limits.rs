//! Each limit that is a number: what keeps it passes, what goes beyond it is refused by name.

use proptest::prelude::*;

use super::super::*;
use super::{message, text};

/// The field, the most that Meta takes, and content with so many characters or items there.
type Case = (&'static str, usize, fn(usize, char) -> Content);

fn words(chars: usize, c: char) -> String {
    c.to_string().repeat(chars)
}

fn some(chars: usize, c: char) -> Option<String> {
    Some(words(chars, c))
}

fn link() -> MediaSource {
    MediaSource::Link("https://h/a".to_owned())
}

fn interactive(action: Action) -> Interactive {
    let header = matches!(action, Action::ProductList { .. }).then(|| InteractiveHeader::Text("h".to_owned()));
    Interactive { header, ..Interactive::new(action, "b") }
}

fn with(action: Action) -> Content {
    Content::Interactive(interactive(action))
}

fn button(id: String, title: String) -> ReplyButton {
    ReplyButton { id, title }
}

fn buttons(count: usize) -> Action {
    Action::Button { buttons: (0..count).map(|n| button(n.to_string(), n.to_string())).collect() }
}

fn row(id: String) -> ListRow {
    ListRow { id, title: "t".to_owned(), description: None }
}

fn list(sections: Vec<ListSection>) -> Action {
    Action::List { button: "b".to_owned(), sections }
}

fn listed(row: ListRow) -> Content {
    with(list(vec![ListSection { title: None, rows: vec![row] }]))
}

fn sections(count: usize) -> Vec<ProductSection> {
    (0..count).map(|n| ProductSection { title: Some(n.to_string()), products: vec!["a".to_owned()] }).collect()
}

fn products(count: usize) -> Vec<ProductSection> {
    vec![ProductSection { title: None, products: vec!["a".to_owned(); count] }]
}

fn product_list(sections: Vec<ProductSection>) -> Content {
    with(Action::ProductList { catalog_id: "1".to_owned(), sections })
}

fn template(components: Vec<Component>) -> Content {
    Content::Template(Template { components, ..Template::new("t", "en") })
}

fn template_button(button: Button) -> Content {
    template(vec![Component::Button { index: 0, button }])
}

fn replies(count: usize) -> Vec<Component> {
    let index = |n: usize| u8::try_from(n).unwrap();
    (0..count).map(|n| Component::Button { index: index(n), button: Button::QuickReply("p".to_owned()) }).collect()
}

fn mpm(sections: Vec<ProductSection>) -> Content {
    template_button(Button::Products { thumbnail_product_retailer_id: "a".to_owned(), sections })
}

fn carousel(cards: usize, components: Vec<Component>) -> Content {
    template(vec![Component::Carousel(vec![Card { components }; cards])])
}

fn card() -> ContactCard {
    let name = ContactName { formatted_name: "A B".to_owned(), first_name: some(1, 'A'), ..ContactName::default() };
    ContactCard { name, ..ContactCard::default() }
}

pub(super) const CASES: [Case; 37] = [
    ("text.body", 4096, |n, c| Content::Text(Text { body: words(n, c), preview_url: false })),
    ("image.caption", 1024, |n, c| Content::Image(CaptionedMedia { source: link(), caption: some(n, c) })),
    ("video.caption", 1024, |n, c| Content::Video(CaptionedMedia { source: link(), caption: some(n, c) })),
    ("document.caption", 1024, |n, c| {
        Content::Document(Document { source: link(), caption: some(n, c), filename: None })
    }),
    ("contacts", 257, |n, _| Content::Contacts(vec![card(); n])),
    ("interactive.header.text", 60, |n, c| {
        let header = Some(InteractiveHeader::Text(words(n, c)));
        Content::Interactive(Interactive { header, ..interactive(buttons(1)) })
    }),
    ("interactive.body.text", 1024, |n, c| Content::Interactive(Interactive::new(buttons(1), words(n, c)))),
    ("interactive.body.text", 4096, |n, c| {
        let rows = vec![row("1".to_owned())];
        Content::Interactive(Interactive::new(list(vec![ListSection { title: None, rows }]), words(n, c)))
    }),
    ("interactive.footer.text", 60, |n, c| {
        Content::Interactive(Interactive { footer: some(n, c).map(Words::from), ..interactive(buttons(1)) })
    }),
    ("interactive.action.buttons", 3, |n, _| with(buttons(n))),
    ("interactive.action.buttons[0].reply.id", 256, |n, c| {
        with(Action::Button { buttons: vec![button(words(n, c), "t".to_owned())] })
    }),
    ("interactive.action.buttons[0].reply.title", 20, |n, c| {
        with(Action::Button { buttons: vec![button("1".to_owned(), words(n, c))] })
    }),
    ("interactive.action.button", 20, |n, c| {
        let sections = vec![ListSection { title: None, rows: vec![row("1".to_owned())] }];
        with(Action::List { button: words(n, c), sections })
    }),
    ("interactive.action.sections", 10, |n, _| {
        let section = |n: usize| ListSection { title: Some(n.to_string()), rows: vec![row(n.to_string())] };
        with(list((0..n).map(section).collect()))
    }),
    ("interactive.action.sections", 10, |n, _| {
        with(list(vec![ListSection { title: None, rows: (0..n).map(|n| row(n.to_string())).collect() }]))
    }),
    ("interactive.action.sections[0].title", 24, |n, c| {
        with(list(vec![ListSection { title: some(n, c), rows: vec![row("1".to_owned())] }]))
    }),
    ("interactive.action.sections[0].rows[0].id", 200, |n, c| listed(row(words(n, c)))),
    ("interactive.action.sections[0].rows[0].title", 24, |n, c| {
        listed(ListRow { title: words(n, c), ..row("1".to_owned()) })
    }),
    ("interactive.action.sections[0].rows[0].description", 72, |n, c| {
        listed(ListRow { description: some(n, c), ..row("1".to_owned()) })
    }),
    ("interactive.action.parameters.display_text", 20, |n, c| {
        with(Action::CtaUrl(LinkButton { display_text: words(n, c), url: "https://h".to_owned() }))
    }),
    ("interactive.action.sections", 10, |n, _| product_list(sections(n))),
    ("interactive.action.sections", 30, |n, _| product_list(products(n))),
    ("interactive.action.sections[0].title", 24, |n, c| {
        product_list(vec![ProductSection { title: some(n, c), ..products(1).remove(0) }])
    }),
    ("interactive.action.parameters.flow_cta", 30, |n, c| {
        let action = FlowAction::DataExchange;
        let flow = FlowName::Id("1".to_owned());
        with(Action::Flow(Flow { flow, cta: words(n, c), token: None, is_draft: false, action }))
    }),
    ("template.name", 512, |n, _| Content::Template(Template::new(words(n, 'x'), "en"))),
    ("template.components[0].parameters[0].text", 60, |n, c| {
        template(vec![Component::Header(Header::Text(words(n, c).into()))])
    }),
    ("template.components[0].parameters", 1024, |n, c| template(vec![Component::Body(vec![words(n, c).into()])])),
    ("template.components[0].parameters", 600, |n, c| {
        template(vec![Component::Body(vec![words(n, c).into()]), Component::LimitedTimeOffer { expiration_time_ms: 1 }])
    }),
    ("template.components[0].parameters[0].text", 2000, |n, c| template_button(Button::UrlSuffix(words(n, c)))),
    ("template.components[0].parameters[0].coupon_code", 20, |n, c| template_button(Button::CopyCode(words(n, c)))),
    ("template.components[1].parameters[0].text", 15, |n, c| {
        Content::Template(Template::authentication("t", "en", words(n, c)))
    }),
    ("template.components", 10, |n, _| template(replies(n))),
    ("template.components[0].parameters[0].action.sections", 10, |n, _| mpm(sections(n))),
    ("template.components[0].parameters[0].action.sections", 30, |n, _| mpm(products(n))),
    ("template.components[0].cards", 10, |n, _| carousel(n.max(2), vec![])),
    ("template.components[0].cards[0].components", 2, |n, _| carousel(2, replies(n))),
    ("template.components[0].cards[0].components[0].parameters", 160, |n, c| {
        carousel(2, vec![Component::Body(vec![words(n, c).into()])])
    }),
];

fn refused(message: &Message, field: &str, most: usize) -> bool {
    let Err(error) = message.check() else { return false };
    let most = most.to_string();
    error.violations.iter().any(|it| it.field == field && it.limit.split(' ').any(|word| word == most))
}

proptest! {
    #[test]
    fn what_keeps_a_limit_passes_and_what_goes_beyond_is_refused_by_name(
        case in 0..CASES.len(), share in 0.0..1.0_f64, over in 1..20_usize, c in prop::sample::select(vec!['x', 'é', '👍']),
    ) {
        let (field, most, content) = CASES[case];
        let within = 1 + (share * (most - 1) as f64) as usize;
        prop_assert_eq!(message(content(within, c)).check(), Ok(()), "{} at {}", field, within);
        prop_assert!(refused(&message(content(most + over, c)), field, most), "{field} at {}", most + over);
    }
}

#[test]
fn each_limit_passes_at_itself_and_fails_one_over() {
    for (field, most, content) in CASES {
        assert_eq!(message(content(most, 'x')).check(), Ok(()), "{field} at {most}");
        assert!(refused(&message(content(most + 1, 'x')), field, most), "{field} one over {most}");
    }
    let data = |chars| message(text()).with_callback_data(words(chars, 'é'));
    assert_eq!(data(512).check(), Ok(()));
    assert!(refused(&data(513), "biz_opaque_callback_data", 512));
    assert!(refused(&message(carousel(1, vec![])), "template.components[0].cards", 10));
}
