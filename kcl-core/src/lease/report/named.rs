//! A macro for enums that documents hold by name, and to which later versions may add names.

/// Makes an enum from a list of variants, each with its name in documents and its meaning in words.
/// A name that this version does not know becomes `Other`.
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
            /// A name that this version does not know.
            Other(Box<str>),
        }

        impl $kind {
            /// All variants that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in documents.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(name) => name,
                }
            }

            /// The meaning in words; of an unknown name, the name.
            #[must_use]
            pub fn means(&self) -> &str {
                match self {
                    $(Self::$variant => $means,)+
                    Self::Other(name) => name,
                }
            }

            /// The variant of this name; `Other` if this version does not know it.
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
