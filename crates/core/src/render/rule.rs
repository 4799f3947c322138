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
    /// Anything, nothing included.
    Any,
    /// A whole number, at least this one; it is written as a number.
    Whole(i64),
    /// Degrees up to this many, both ways.
    Degrees(u8),
    /// A currency's three capital letters.
    Currency,
    /// A date.
    Date,
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
    #[error("is not a whole number, or is too small: give digits alone, such as 499000.")]
    NotWhole,
    #[error("is not a number from -{0} to {0}: give degrees such as `12.971599`.")]
    NotDegrees(u8),
    #[error("is not a currency: give its three capital letters, such as `INR`.")]
    NotCurrency,
    #[error("is not a date: write it as YYYY-MM-DD.")]
    NotDate,
}

impl Rule {
    pub(super) fn check(self, value: &str) -> Result<(), Broken> {
        if value.trim_ascii().is_empty() {
            return if self == Self::Any { Ok(()) } else { Err(Broken::Blank) };
        }
        match self {
            Self::Given | Self::Any => Ok(()),
            Self::AtMost(limit) => at_most(limit, value),
            Self::Parameter(_) if has_gap(value) => Err(Broken::Gap),
            Self::Parameter(limit) => at_most(limit, value),
            Self::Link if value.starts_with("https://") || value.starts_with("http://") => Ok(()),
            Self::Link => Err(Broken::NotLink),
            Self::Whole(least) => whole(value).filter(|number| *number >= least).map(|_| ()).ok_or(Broken::NotWhole),
            Self::Degrees(most) => degrees(value, most),
            Self::Currency if value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(()),
            Self::Currency => Err(Broken::NotCurrency),
            Self::Date => {
                if is_date(value) {
                    Ok(())
                } else {
                    Err(Broken::NotDate)
                }
            }
        }
    }
}

/// The whole number that a value is.
pub(super) fn whole(value: &str) -> Option<i64> {
    value.trim_ascii().parse().ok()
}

fn degrees(value: &str, most: u8) -> Result<(), Broken> {
    let fits = value.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= f64::from(most));
    if fits { Ok(()) } else { Err(Broken::NotDegrees(most)) }
}

/// Meta says no more of a date than its form; one that no calendar has is a mistake all the same.
fn is_date(value: &str) -> bool {
    value.len() == 10 && value.parse::<chrono::NaiveDate>().is_ok()
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
