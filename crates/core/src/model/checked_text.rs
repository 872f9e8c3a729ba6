//! What every checked text has besides its rule: the text itself, and the ways in and out that serde, clap and messages take.

/// Implements them for a type around a `String` that has [`FromStr`](std::str::FromStr). With a form and a fault of two texts,
/// that too: the fault holds as much of a wrong text as a message has room for, and what is wrong with it.
macro_rules! checked_text {
    ($name:ident, $fault:ident, $form:ident, $shown:literal) => {
        impl std::str::FromStr for $name {
            type Err = $fault;

            fn from_str(text: &str) -> Result<Self, $fault> {
                let refuse = |words| $fault(text.chars().take($shown).collect(), words);
                $form.check(text).map(|()| Self(text.to_owned())).map_err(refuse)
            }
        }

        checked_text!($name, $fault);
    };
    ($name:ident, $fault:ident) => {
        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $fault;

            fn try_from(text: String) -> Result<Self, $fault> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(checked: $name) -> Self {
                checked.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(super) use checked_text;
