//! What Meta takes as the value of a parameter.

/// What a value must be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Not blank.
    Given,
    /// Not blank, at most so many characters, on one line, without wide gaps.
    Parameter(usize),
    /// Not blank, at most so many characters.
    AtMost(usize),
    /// An address on the web.
    Link,
}

/// Meta: a parameter holds at most 4 spaces in a row.
const MAX_SPACES: usize = 4;

/// How a value breaks its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error(
        "is empty: give every recipient a value, or a default such as `{{{{ name | default(\"there\", true) }}}}`."
    )]
    Blank,
    #[error("is longer than {0} characters, the most that Meta takes: shorten it.")]
    TooLong(usize),
    #[error(
        "holds a new line, a tab or more than {MAX_SPACES} spaces in a row, which Meta refuses: write it on one line."
    )]
    Gap,
    #[error("is not an address that begins with `https://` or `http://`.")]
    NotLink,
}

impl Rule {
    pub(super) fn check(self, value: &str) -> Result<(), Broken> {
        if value.trim_ascii().is_empty() {
            return Err(Broken::Blank);
        }
        match self {
            Self::Given => Ok(()),
            Self::AtMost(limit) => at_most(limit, value),
            Self::Parameter(_) if has_gap(value) => Err(Broken::Gap),
            Self::Parameter(limit) => at_most(limit, value),
            Self::Link if value.starts_with("https://") || value.starts_with("http://") => Ok(()),
            Self::Link => Err(Broken::NotLink),
        }
    }
}

fn at_most(limit: usize, value: &str) -> Result<(), Broken> {
    // Characters are counted only where there are bytes enough for too many.
    if value.len() <= limit || value.chars().count() <= limit { Ok(()) } else { Err(Broken::TooLong(limit)) }
}

fn has_gap(value: &str) -> bool {
    let mut spaces = 0;
    value.bytes().any(|byte| {
        spaces = if byte == b' ' { spaces + 1 } else { 0 };
        spaces > MAX_SPACES || matches!(byte, b'\n' | b'\r' | b'\t')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_one_line_without_wide_gaps() {
        let rule = Rule::Parameter(10);
        for (value, verdict) in [
            ("a    b", Ok(())),
            ("a     b", Err(Broken::Gap)),
            ("a\nb", Err(Broken::Gap)),
            ("a\rb", Err(Broken::Gap)),
            ("a\tb", Err(Broken::Gap)),
            ("", Err(Broken::Blank)),
            ("   ", Err(Broken::Blank)),
            ("1234567890", Ok(())),
            ("12345678901", Err(Broken::TooLong(10))),
            ("१२३४५६७८९०", Ok(())),
        ] {
            assert_eq!(rule.check(value), verdict, "{value:?}");
        }
    }

    #[test]
    fn a_free_text_may_have_lines_but_not_be_endless() {
        assert_eq!(Rule::AtMost(5).check("a\n\tb"), Ok(()));
        assert_eq!(Rule::AtMost(5).check("abcdef"), Err(Broken::TooLong(5)));
    }

    #[test]
    fn a_link_is_on_the_web() {
        assert_eq!(Rule::Link.check("https://e.x/a"), Ok(()));
        assert_eq!(Rule::Link.check("file:///etc/passwd"), Err(Broken::NotLink));
    }

    #[test]
    fn a_blank_value_is_answered_with_a_default_to_copy() {
        assert!(Broken::Blank.to_string().ends_with("`{{ name | default(\"there\", true) }}`."));
    }
}
