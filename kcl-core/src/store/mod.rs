//! The contract of a lease store, which keeps the coordination state of one application.
//!
//! A store keeps rows of three kinds: sessions, leases and documents. [`LeaseStore`] is the trait;
//! each operation reads or conditionally writes one row, or lists rows page by page.
//! [`crate::lease::rules`] says what each conditional write does. [`codec`] turns rows into text
//! and back, for stores that keep them so. [`LeaseStoreExt`] adds whole listings to every store.
//!
//! A store takes no decision: it does not retry, does not assign and does not expire rows.

pub mod codec;
mod contract;
mod era;
mod error;
mod ext;
mod page;

pub use contract::{LeaseStore, Wakeups};
pub use era::{Era, Eras};
pub use error::{StoreError, StoreErrorKind, StoreResult};
pub use ext::LeaseStoreExt;
pub use page::{Consistency, Cursor, Listing, Page};

pub use crate::lease::{Generation, Stamp, Stamped, StoreTime, Write};
