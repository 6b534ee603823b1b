//! The layout of the table: its keys, the partitions of rows, and the item that names the layout.

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::store::codec::RowKind;

/// An item, in the SDK's own type.
#[expect(clippy::disallowed_types, reason = "the SDK's own type; nothing depends on its order")]
pub(crate) type Item = std::collections::HashMap<String, AttributeValue>;

/// The version of this layout. A release accepts this version and the one before.
pub(crate) const VERSION: u64 = 1;

/// The name of the partition (hash) key.
pub(crate) const PK: &str = "pk";
/// The name of the sort (range) key.
pub(crate) const SK: &str = "sk";
/// The keys of the item that names the layout of the table: the layout item.
pub(crate) const MARKER: (&str, &str) = ("@kcl", "layout");
/// The attribute of the layout item with the layout's version.
pub(crate) const VERSION_ATTRIBUTE: &str = "v";

/// The attribute of the layout item with the life of the table: a random text that never changes.
/// It differs after the table was deleted and created again, and serves as the store's generation.
/// A table of an older release has none.
pub(crate) const LIFE: &str = "life";

/// The partition key of all rows of one kind and application. The kind comes first, so that no
/// application's name can lead into the rows of another kind.
pub(crate) fn partition(kind: RowKind, application: &str) -> String {
    let kind = match kind {
        RowKind::Session => 'S',
        RowKind::Lease => 'L',
        RowKind::Document => 'D',
    };
    format!("{kind}/{application}")
}
