//! How rows lie in the table.

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::store::codec::RowKind;

/// An item as the SDK keeps it.
#[expect(clippy::disallowed_types, reason = "the SDK's own type; nothing depends on its order")]
pub(crate) type Item = std::collections::HashMap<String, AttributeValue>;

/// The version of this layout. A release reads this one and the one before.
pub(crate) const VERSION: u64 = 1;

/// The hash key.
pub(crate) const PK: &str = "pk";
/// The range key.
pub(crate) const SK: &str = "sk";
/// Where the layout's version stands.
pub(crate) const MARKER: (&str, &str) = ("@kcl", "layout");
/// The version of the layout.
pub(crate) const VERSION_ATTRIBUTE: &str = "v";

/// Which life of the table this is: made up when its layout is written, and then never changed. A
/// table that was deleted and made again has another; one of an older build has none.
pub(crate) const LIFE: &str = "life";

/// The partition key of one kind of rows of `application`. The kind stands first, so that no name
/// of an application can reach into another kind.
pub(crate) fn partition(kind: RowKind, application: &str) -> String {
    let kind = match kind {
        RowKind::Session => 'S',
        RowKind::Lease => 'L',
        RowKind::Document => 'D',
    };
    format!("{kind}/{application}")
}
