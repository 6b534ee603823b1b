//! What belongs to one part, as what belongs to any of them.

/// Makes each of these types into its variant of an enum that gathers them.
macro_rules! gathers {
    ($whole:ident: $($variant:ident of $part:ty;)+) => {
        $(
            impl From<$part> for $whole {
                fn from(part: $part) -> Self {
                    Self::$variant(part)
                }
            }
        )+
    };
}

pub(super) use gathers;
