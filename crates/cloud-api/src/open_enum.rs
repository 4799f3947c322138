//! Enumerations that Meta may extend any day: known values are variants, the rest is kept as text.

use std::{fmt, marker::PhantomData};

use serde::de::{Error, Visitor};

/// Declares an enum of text values with a last variant `Other(String)`, and its serde and `Display`.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A value that this version does not know, as it came.
            Other(String),
        }

        impl $name {
            /// The value as Meta spells it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::open_enum::FromText::default())
            }
        }
    };
}

pub(crate) use open_enum;

/// Builds a value from text without an intermediate `String`.
pub(crate) struct FromText<T>(PhantomData<T>);

impl<T> Default for FromText<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: for<'a> From<&'a str>> Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from(text))
    }
}

#[cfg(test)]
mod tests {
    use crate::Quality;

    #[test]
    fn a_known_value_becomes_its_variant_and_an_unknown_one_stays_text() {
        let ratings: Vec<Quality> = serde_json::from_str(r#"["GREEN","MAU\u0056E"]"#).unwrap();
        assert_eq!(ratings, [Quality::Green, Quality::Other("MAUVE".to_owned())]);
        assert_eq!(serde_json::to_string(&ratings).unwrap(), r#"["GREEN","MAUVE"]"#);
        assert_eq!(ratings[1].to_string(), "MAUVE");
    }
}
