//! Converts the types of fields into values and back.

use std::{
    borrow::Cow,
    fmt::Display,
    str::{self, FromStr},
    time::Duration,
};

use bytes::Bytes;

use super::{
    error::shortened,
    field::{Field, Form, Value},
};
use crate::{
    env::WallTime,
    lease::{Epoch, SessionId, SessionState, WorkerId, Zone},
    stream::{HashRange, ShardId, StreamName},
};

/// A type that the value of a field may have.
pub(super) trait Kept: Sized {
    /// The form of its values.
    const FORM: Form;
    /// Whether the value may be missing.
    const OPTIONAL: bool = false;

    /// The value to store; `None` if there is none.
    fn keep(&self) -> Option<Value<'_>>;

    /// Reads a value of [`Self::keep`]. The text of an error continues a sentence that begins with
    /// the field's name.
    fn revive(value: Option<Value<'_>>) -> Result<Self, String>;
}

/// The field of this name, with the form of the type to which `_at` leads.
pub(super) const fn field<R, T: Kept>(
    name: &'static str,
    column: &'static str,
    _at: fn(&R) -> &T,
) -> Field {
    Field::new(name, column, T::FORM, T::OPTIONAL)
}

impl<T: Kept> Kept for Option<T> {
    const FORM: Form = T::FORM;
    const OPTIONAL: bool = true;

    fn keep(&self) -> Option<Value<'_>> {
        self.as_ref().and_then(T::keep)
    }

    fn revive(value: Option<Value<'_>>) -> Result<Self, String> {
        value.map(|value| T::revive(Some(value))).transpose()
    }
}

fn number(value: Option<Value<'_>>) -> Result<u64, String> {
    match value {
        Some(Value::Number(number)) => Ok(number),
        other => Err(unfit(other, Form::Number)),
    }
}

pub(super) fn text(value: Option<Value<'_>>) -> Result<Cow<'_, str>, String> {
    match value {
        Some(Value::Text(text)) => Ok(text),
        other => Err(unfit(other, Form::Text)),
    }
}

/// The error of a missing value, or of a value of another form.
fn unfit(value: Option<Value<'_>>, wanted: Form) -> String {
    value.map_or_else(
        || "is missing".to_owned(),
        |value| format!("is no {wanted} but of the form {}", value.form()),
    )
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|why: T::Err| {
        let (why, shown) = (why.to_string(), format!("{:?}", shortened(text)));
        // Most errors show the text; it is added to the others.
        if why.contains(&shown) {
            format!("is bad: {why}")
        } else {
            format!("is bad: {shown}: {why}")
        }
    })
}

/// Implements [`Kept`] for types that are stored as numbers.
macro_rules! numbers {
    ($($type:ty: |$this:ident| $to:expr, $from:expr;)*) => {$(
        impl Kept for $type {
            const FORM: Form = Form::Number;

            fn keep(&self) -> Option<Value<'_>> {
                let $this = self;
                Some(Value::Number($to))
            }

            fn revive(value: Option<Value<'_>>) -> Result<Self, String> {
                let from: fn(u64) -> Result<Self, String> = $from;
                number(value).and_then(from)
            }
        }
    )*};
}

numbers! {
    u64: |this| *this, Ok;
    u32: |this| u64::from(*this), narrow;
    Epoch: |this| this.0, |number| Ok(Self(number));
    WallTime: |this| this.as_millis(), |millis| Ok(Self::from_millis(millis));
    Duration: |this| u64::try_from(this.as_millis()).unwrap_or(u64::MAX),
        |millis| Ok(Self::from_millis(millis));
}

fn narrow(number: u64) -> Result<u32, String> {
    let too_big = |_| format!("is out of range: {number} is above {}", u32::MAX);
    u32::try_from(number).map_err(too_big)
}

/// Implements [`Kept`] for types that are stored as texts.
macro_rules! texts {
    ($($type:ty: |$this:ident| $to:expr;)*) => {$(
        impl Kept for $type {
            const FORM: Form = Form::Text;

            fn keep(&self) -> Option<Value<'_>> {
                let $this = self;
                Some(Value::Text(Cow::from($to)))
            }

            fn revive(value: Option<Value<'_>>) -> Result<Self, String> {
                parse(&text(value)?)
            }
        }
    )*};
}

texts! {
    SessionId: |this| this.key();
    WorkerId: |this| this.as_str();
    Zone: |this| this.as_str();
    StreamName: |this| this.as_str();
    HashRange: |this| this.to_string();
}

impl Kept for SessionState {
    const FORM: Form = Form::Text;

    fn keep(&self) -> Option<Value<'_>> {
        Some(Value::Text(self.as_str().into()))
    }

    fn revive(value: Option<Value<'_>>) -> Result<Self, String> {
        let text = text(value)?;
        let unknown = || format!("is no state of a session: {:?}", shortened(&text));
        Self::parse(&text).ok_or_else(unknown)
    }
}

impl Kept for Vec<ShardId> {
    const FORM: Form = Form::List;

    fn keep(&self) -> Option<Value<'_>> {
        Some(Value::List(self.iter().map(|shard| shard.as_str().into()).collect()))
    }

    fn revive(value: Option<Value<'_>>) -> Result<Self, String> {
        match value {
            None => Ok(Self::new()),
            Some(Value::List(items)) => items.iter().map(|item| parse(item)).collect(),
            other => Err(unfit(other, Form::List)),
        }
    }
}

impl Kept for Bytes {
    const FORM: Form = Form::Bytes;

    fn keep(&self) -> Option<Value<'_>> {
        Some(Value::Bytes(Cow::from(self.as_ref())))
    }

    fn revive(value: Option<Value<'_>>) -> Result<Self, String> {
        match value {
            None => Ok(Self::new()),
            Some(Value::Bytes(Cow::Borrowed(bytes))) => Ok(Self::copy_from_slice(bytes)),
            Some(Value::Bytes(Cow::Owned(bytes))) => Ok(bytes.into()),
            other => Err(unfit(other, Form::Bytes)),
        }
    }
}
