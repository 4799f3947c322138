//! One text of a message: fixed, filled with attributes, or computed from them.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, syntax::SyntaxConfig, value::Object};

use super::Attributes;

/// Identifiers that mean something else than an attribute to MiniJinja.
const RESERVED: [&str; 9] = ["true", "True", "false", "False", "none", "None", "loop", "self", "not"];
/// Instructions that one text may take; a text that loops for ever must not hold up a window.
const FUEL: u64 = 10_000;
/// The name of the one template in each environment.
const ONLY: &str = "text";

/// A text that may vary by recipient.
#[derive(Debug)]
pub(super) enum Text {
    /// Literals and `{{ attribute }}`s: rendered without MiniJinja.
    Plain(Vec<Part>),
    /// Anything else that MiniJinja understands.
    Computed(Box<Computed>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Attribute(String),
}

/// A compiled MiniJinja template.
#[derive(Debug)]
pub(super) struct Computed {
    environment: Environment<'static>,
    names: Vec<String>,
}

/// Why a text could not be made for a recipient.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// This attribute is missing.
    Missing(String),
    /// The template failed otherwise; told without any value.
    Failed(String),
}

impl Text {
    /// Compiles `source`.
    pub(super) fn compile(source: &str) -> Result<Self, minijinja::Error> {
        match plain(source) {
            Some(parts) => Ok(Self::Plain(parts)),
            None => Computed::compile(source).map(|computed| Self::Computed(Box::new(computed))),
        }
    }

    /// The text, if it is the same for all.
    pub(super) fn constant(&self) -> Option<&str> {
        match self {
            Self::Plain(parts) => match parts.as_slice() {
                [] => Some(""),
                [Part::Literal(text)] => Some(text),
                _ => None,
            },
            Self::Computed(_) => None,
        }
    }

    /// The attributes it uses, in no order and perhaps repeatedly.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Plain(parts) => parts.iter().filter_map(Part::name).collect(),
            Self::Computed(computed) => computed.names.iter().map(String::as_str).collect(),
        }
    }

    /// The text for one recipient.
    pub(super) fn resolve<'a, A: Attributes + ?Sized>(&'a self, attributes: &'a A) -> Result<Cow<'a, str>, Failure> {
        match self {
            Self::Plain(parts) => match parts.as_slice() {
                [only] => only.resolve(attributes).map(Cow::Borrowed),
                parts => {
                    parts.iter().map(|part| part.resolve(attributes)).collect::<Result<String, _>>().map(Cow::Owned)
                }
            },
            Self::Computed(computed) => computed.resolve(attributes).map(Cow::Owned),
        }
    }
}

impl Part {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Attribute(name) => Some(name),
        }
    }

    fn resolve<'a, A: Attributes + ?Sized>(&'a self, attributes: &'a A) -> Result<&'a str, Failure> {
        match self {
            Self::Literal(text) => Ok(text),
            Self::Attribute(name) => attributes.get(name).ok_or_else(|| Failure::Missing(name.clone())),
        }
    }
}

/// The parts of `source` if it is made of literals and plain `{{ attribute }}`s alone.
fn plain(source: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = source;
    while !rest.is_empty() {
        let (literal, after) = rest.split_once("{{").map_or((rest, None), |(literal, after)| (literal, Some(after)));
        if literal.contains("{%") || literal.contains("{#") {
            return None;
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        let Some(after) = after else { break };
        let (name, after) = after.split_once("}}")?;
        parts.push(Part::Attribute(identifier(name.trim_ascii())?.to_owned()));
        rest = after;
    }
    Some(parts)
}

fn identifier(name: &str) -> Option<&str> {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let is_name = starts && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') && !RESERVED.contains(&name);
    is_name.then_some(name)
}

impl Computed {
    fn compile(source: &str) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
        let globals: Vec<_> = environment.globals().map(|(name, _)| name.to_owned()).collect();
        for name in globals {
            // Attributes are all there is: a missing one must not turn out to be a function.
            environment.remove_global(&name);
        }
        environment.add_template_owned(ONLY, source.to_owned())?;
        let names = environment.get_template(ONLY)?.undeclared_variables(false).into_iter().collect();
        Ok(Self { environment, names })
    }

    fn resolve<A: Attributes + ?Sized>(&self, attributes: &A) -> Result<String, Failure> {
        let known = self.names.iter().filter_map(|name| Some((name.clone(), Value::from(attributes.get(name)?))));
        let lookup = Arc::new(Lookup { values: known.collect(), missed: Mutex::default() });
        let template = self.environment.get_template(ONLY).expect("compiled");
        template.render(Value::from_dyn_object(lookup.clone())).map_err(|error| {
            match (error.kind(), lookup.missed.lock().unwrap_or_else(PoisonError::into_inner).take()) {
                (ErrorKind::UndefinedError, Some(name)) => Failure::Missing(name),
                // The detail may quote an attribute's value.
                (kind, _) => {
                    Failure::Failed(format!("cannot be computed: {kind}. Mend the expression or the attribute."))
                }
            }
        })
    }
}

/// The attributes that a template uses, and the last one that it asked for in vain.
struct Lookup {
    values: Vec<(String, Value)>,
    missed: Mutex<Option<String>>,
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup") // and not the values, which are personal
    }
}

impl Object for Lookup {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let found = self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        if found.is_none() {
            *self.missed.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIYA: [(&str, &str); 3] = [("first_name", "Priya"), ("city", "Pune"), ("empty", "")];

    fn resolve(source: &str) -> Result<String, Failure> {
        Text::compile(source).expect("a text").resolve(&PRIYA[..]).map(Cow::into_owned)
    }

    fn is_plain(source: &str) -> bool {
        matches!(Text::compile(source), Ok(Text::Plain(_)))
    }

    #[test]
    fn plain_attributes_need_no_template_engine() {
        for (source, text) in [
            ("Hi {{ first_name }} in {{city}}!", "Hi Priya in Pune!"),
            ("{{\tfirst_name\n}}", "Priya"),
            ("a } b }} c", "a } b }} c"),
            ("", ""),
            ("line\n", "line\n"),
        ] {
            assert!(is_plain(source), "{source}");
            assert_eq!(resolve(source).as_deref(), Ok(text), "{source}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_template_engine() {
        for (source, text) in [
            ("{{ first_name | upper }}", "PRIYA"),
            ("{% if city == 'Pune' %}near{% else %}far{% endif %}", "near"),
            ("{{ nick | default('friend') }}", "friend"),
            ("{{ empty | default('friend', true) }}", "friend"),
            ("  {{- first_name -}}  ", "Priya"),
            ("a{# no #}b\n", "ab\n"),
            ("{{ true }}", "True"),
            ("{{ '{{' }}", "{{"),
        ] {
            assert!(!is_plain(source), "{source}");
            assert_eq!(resolve(source).as_deref(), Ok(text), "{source}");
        }
    }

    #[test]
    fn a_missing_attribute_is_named() {
        for source in
            ["{{ nick }}", "{{ nick | upper }}", "{{ a | default('x') }} {{ nick }}", "{{ first_name ~ nick.x }}"]
        {
            assert_eq!(resolve(source), Err(Failure::Missing("nick".to_owned())), "{source}");
        }
        assert_eq!(
            resolve("{{ range(3) }}"),
            Err(Failure::Failed(
                "cannot be computed: unknown function. Mend the expression or the attribute.".to_owned()
            ))
        );
    }

    #[test]
    fn a_failure_does_not_quote_the_recipient() {
        let Err(Failure::Failed(why)) = resolve("{{ first_name | int }}") else { panic!("a failure") };
        assert!(!why.contains("Priya"), "{why}");
    }

    #[test]
    fn a_text_that_never_ends_is_stopped() {
        let source = "{% for a in first_name %}{% for b in first_name %}{% for c in first_name %}{% for d in first_name %}{% for e in first_name %}{% for f in first_name %}x{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}";
        assert!(matches!(resolve(source), Err(Failure::Failed(_))));
    }

    /// What texts are made of, and what could be mistaken for it.
    const PIECES: &[&str] = &[
        "{{ first_name }}",
        "{{city}}",
        "{{empty}}",
        "{{ first_name",
        "}}",
        "{",
        "}",
        "%}",
        "#",
        " ",
        "\n",
        "\r\n",
        "é",
        "x",
        "{{ nick }}",
        "\"",
        "'",
        "{{\u{a0}city}}",
        "{{ self }}",
        "{{- city }}",
        "{{{city}}}",
        "-",
        "\\",
    ];

    proptest! {
        #[test]
        fn the_fast_way_equals_the_template_engine(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..8),
        ) {
            let source = pieces.concat();
            let plain = plain(&source).map(|parts| Text::Plain(parts).resolve(&PRIYA[..]).map(Cow::into_owned));
            if let Some(plain) = plain {
                let computed = Computed::compile(&source).map_err(|why| TestCaseError::fail(why.to_string()))?;
                prop_assert_eq!(plain, computed.resolve(&PRIYA[..]));
            }
        }

        #[test]
        fn values_come_through_both_ways_unchanged(value in "\\PC{0,20}|[\"\\\\{}\n<&]{0,9}") {
            let recipient = [("a", value.as_str())];
            let fast = Text::compile("-{{ a }}-").expect("a text");
            let slow = Computed::compile("-{{ a }}-").expect("a template");
            let expected = format!("-{value}-");
            prop_assert_eq!(fast.resolve(&recipient[..]).map(Cow::into_owned), Ok(expected.clone()));
            prop_assert_eq!(slow.resolve(&recipient[..]), Ok(expected));
        }
    }
}
