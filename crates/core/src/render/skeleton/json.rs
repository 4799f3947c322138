//! Parts that Meta takes in the very shape in which campaigns write them: each text is filled in, all else stays as it is.

use serde::Serialize;
use serde_json::Value;

use super::{Rule, Skeleton};

/// Meta: the title of a section of products has at most 24 characters.
const MAX_TITLE: usize = 24;
/// Meta advises at most 30 characters on the button of a flow.
const MAX_FLOW_CTA: usize = 30;
/// What a flow is filled with is nobody's business but the flow's.
const DATA: [&str; 2] = ["data", "flow_action_data"];

/// The rule of a field, by its name.
type RuleOf = fn(&str) -> Rule;

/// The fields of places.
pub(super) fn of_place(field: &str) -> Rule {
    match field {
        "latitude" => Rule::Degrees(90),
        "longitude" => Rule::Degrees(180),
        _ => Rule::Given,
    }
}

/// The fields of visiting cards.
pub(super) fn of_card(field: &str) -> Rule {
    if field == "birthday" { Rule::Date } else { Rule::Given }
}

/// The fields of reactions: no emoji takes an earlier one away.
pub(super) fn of_reaction(field: &str) -> Rule {
    if field == "emoji" { Rule::Any } else { Rule::Given }
}

/// The fields of products and flows, in messages and in the buttons of templates.
pub(super) fn of_action(field: &str) -> Rule {
    match field {
        "title" => Rule::AtMost(MAX_TITLE),
        "flow_cta" => Rule::AtMost(MAX_FLOW_CTA),
        _ => Rule::Given,
    }
}

/// The end of an offer.
pub(super) fn of_offer(_: &str) -> Rule {
    Rule::Whole(1)
}

/// An amount of money, which may be owed.
pub(super) fn of_amount(_: &str) -> Rule {
    Rule::Whole(i64::MIN)
}

impl Skeleton {
    /// A part of the message that stands at `place`.
    pub(super) fn json(&mut self, part: &impl Serialize, place: &str, rule: RuleOf) {
        let part = serde_json::to_value(part).expect("messages hold nothing that JSON lacks");
        self.json_value(&part, rule(""), place, rule);
    }

    fn json_value(&mut self, value: &Value, own: Rule, place: &str, rule: RuleOf) {
        match (value, own) {
            (Value::String(text), _) => self.value(text, own, place.to_owned()),
            // Meta's examples write degrees as texts.
            (Value::Number(number), Rule::Degrees(_) | Rule::Whole(_)) => {
                self.value(&number.to_string(), own, place.to_owned());
            }
            (Value::Array(items), _) => {
                self.raw("[");
                for (n, item) in items.iter().enumerate() {
                    self.raw(if n == 0 { "" } else { "," });
                    self.json_value(item, own, &format!("{place}/{n}"), rule);
                }
                self.raw("]");
            }
            (Value::Object(fields), _) => {
                self.raw("{");
                for (n, (name, field)) in fields.iter().enumerate() {
                    self.raw(if n == 0 { "" } else { "," });
                    self.string(name);
                    self.raw(":");
                    let rule: RuleOf = if DATA.contains(&name.as_str()) { |_| Rule::Any } else { rule };
                    let escaped = name.replace('~', "~0").replace('/', "~1");
                    self.json_value(field, rule(name), &format!("{place}/{escaped}"), rule);
                }
                self.raw("}");
            }
            (other, _) => self.raw(&other.to_string()),
        }
    }
}
