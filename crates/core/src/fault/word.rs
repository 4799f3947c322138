//! Words: closed sets of names that users type and that we store, label and echo as they stand.

use super::{did_you_mean, listed, nearest};

/// A word that is not one of those allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not one of {}.{}", listed(allowed.iter().copied()), did_you_mean(nearest(given, allowed.iter().copied())))]
pub struct UnknownWord {
    /// What was given.
    pub given: String,
    /// What would have been right.
    pub allowed: &'static [&'static str],
}

/// Declares an enum whose variants are words: each name is spelt once, for parsing, storing and labels.
macro_rules! word {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every word, in order.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as users type it and labels show it.
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::fault::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::fault::UnknownWord { given: text.to_owned(), allowed: &[$($text),+] }),
                }
            }
        }
    };
}
pub(crate) use word;

#[cfg(test)]
mod tests {
    word! {
        /// For the tests.
        enum Metal {
            /// Au.
            Gold = "gold",
            /// Fe.
            Iron = "iron",
        }
    }

    #[test]
    fn a_word_reads_back_as_written_and_as_stored() {
        for metal in Metal::ALL {
            assert_eq!(metal.as_str().parse(), Ok(*metal));
            assert_eq!(serde_json::to_string(metal).expect("a word"), format!("\"{metal}\""));
        }
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_right_ones() {
        let unknown = "Gould".parse::<Metal>().expect_err("not a metal");
        assert_eq!(unknown.to_string(), "`Gould` is not one of `gold`, `iron`. Did you mean `gold`?");
    }
}
