//! Options to choose from, shown as their number allows.

use super::check::{BUTTONS, ROWS};
use super::{Action, Interactive, ListRow, ListSection, ReplyButton, Words};
use crate::message::check::{Checks, InvalidMessage};

impl Interactive {
    /// A text with 1 to 10 options: up to 3 become reply buttons, more of them a list, which a button opens that says
    /// `menu`. The answer's webhook is `button_reply` or `list_reply`; both have the option's id.
    ///
    /// # Errors
    /// Every limit that is not kept. Titles have 20 characters on buttons and 24 in a list; buttons have no description.
    pub fn options(
        body: impl Into<Words>,
        menu: impl Into<String>,
        options: Vec<ListRow>,
    ) -> Result<Self, InvalidMessage> {
        let mut checks = Checks::default();
        checks.count("options", options.len(), 1..=ROWS, "option");
        if options.len() <= BUTTONS {
            checks.each("options", &options, |checks, option| {
                if option.description.is_some() {
                    checks.refuse("description", "none with up to 3 options, which are buttons", "one");
                }
            });
        }
        checks.finish()?;
        let interactive = Self::new(action(menu.into(), options), body);
        let mut checks = Checks::default();
        checks.within("interactive", |checks| interactive.check(checks));
        checks.finish().map(|()| interactive)
    }
}

fn action(menu: String, options: Vec<ListRow>) -> Action {
    if options.len() > BUTTONS {
        return Action::List { button: menu, sections: vec![ListSection { title: None, rows: options }] };
    }
    let buttons = options.into_iter().map(|ListRow { id, title, .. }| ReplyButton { id, title });
    Action::Button { buttons: buttons.collect() }
}
