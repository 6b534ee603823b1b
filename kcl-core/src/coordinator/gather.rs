//! What belongs to one part, as what belongs to any of them.

/// Makes each of these types into its variant of an enum that gathers them. A variant may itself
/// gather what belongs to the parts of a part, named after it in parentheses.
macro_rules! gathers {
    ($whole:ident: $($variant:ident of $part:ty $(, with ($($inner:ty),+))?;)+) => {
        $(
            impl From<$part> for $whole {
                fn from(part: $part) -> Self {
                    Self::$variant(part)
                }
            }

            $($(
                impl From<$inner> for $whole {
                    fn from(inner: $inner) -> Self {
                        Self::$variant(inner.into())
                    }
                }
            )+)?
        )+
    };
}

pub(super) use gathers;
