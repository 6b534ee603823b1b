//! Kinds that documents name, of which later versions know more.

/// Makes an enum of kinds: of each its variant, its name in documents, and what it means in words.
/// A name that this version does not know is kept as `Other`.
macro_rules! named {
    (
        $(#[$doc:meta])*
        $kind:ident {
            $($variant:ident = $name:literal: $means:literal),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $kind {
            $(#[doc = $means] $variant,)+
            /// One that this version does not know, by its name.
            Other(Box<str>),
        }

        impl $kind {
            /// All that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in documents.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(name) => name,
                }
            }

            /// What it means, in words.
            #[must_use]
            pub fn means(&self) -> &str {
                match self {
                    $(Self::$variant => $means,)+
                    Self::Other(name) => name,
                }
            }

            /// The one of this name.
            #[must_use]
            pub fn named(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)+
                    other => Self::Other(other.into()),
                }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use named;
