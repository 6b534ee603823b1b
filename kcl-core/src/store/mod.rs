//! How the coordination state is kept: the contract of a lease store.

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
