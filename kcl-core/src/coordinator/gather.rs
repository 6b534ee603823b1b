//! Conversions from the requests or signals of one part into the enum of all of them.

/// Implements `From` for each of these types into its variant of the enum. With `with`, a variant
/// also takes the types of a part's own parts.
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
