//! Lease store on DynamoDB for `kcl-core`.
//!
//! ```no_run
//! # fn main() -> Result<(), kcl_dynamo::InvalidSettings> {
//! use kcl_dynamo::{Billing, DynamoStore};
//!
//! // Region and credentials from the environment, a table called like the application.
//! let store = DynamoStore::new("order-indexer")?;
//!
//! // Several applications in one table, made by the first worker that comes.
//! let store = DynamoStore::builder("order-indexer")
//!     .table("kcl-leases")
//!     .billing(Billing::Provisioned { read: 5, write: 10 })
//!     .tag("team", "orders")
//!     .point_in_time_recovery(true)
//!     .build()?;
//! # let _ = store;
//! # Ok(())
//! # }
//! ```
//!
//! A store is given a *configuration*, never a ready client: the client is made by the first
//! operation, on the runtime that runs it, with connections of its own. The SDK's retries are off,
//! since a conditional write must not be sent twice unseen.
//!
//! Each new connection looks the host up. Where calls are under way for a second without an answer
//! to any, as when the machine behind a resolved address is gone, all connections are left and new
//! ones made, so that no call has to find out about each of them.
//!
//! # Rights
//! `GetItem`, `PutItem`, `UpdateItem`, `DeleteItem` and `Query` on the table. `DescribeTable` and
//! `CreateTable` (with `TagResource` if it is to have tags) for the worker that makes the table,
//! and `DescribeContinuousBackups` and `UpdateContinuousBackups` for point-in-time recovery.
//!
//! # Layout
//! One table with the keys `pk` (hash) and `sk` (range), both strings; no index, no TTL, no
//! transactions. Names are short because DynamoDB counts them with every item.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | layout | `@kcl` | `layout` |
//! | session | `S/application` | `worker#incarnation` |
//! | lease | `L/application` | lease key |
//! | document | `D/application` | name |
//!
//! - Layout: `v` its version.
//! - Session: `b` beat, `st` state, `mb` mailbox, `n` start number, `t` timeout and `h` heartbeat
//!   interval in milliseconds, `c` capacity, `s` stream and `z` zone if it said them. Its report:
//!   `pt` and `pv` the plan it has seen (term and version), `ch` changes, `cf` conflicts, `w`
//!   watched.
//! - Lease: `o` owner, `e` epoch, `k` checkpoint as fixed-width digits, `ck` its kind, `ca`
//!   arrival and `cl` lag in milliseconds, `r` bytes a second, `pa` parents, `cd` children, `hr`
//!   hash range, `su` successor, `av` the worker to avoid.
//! - Document: `v` version, `d` body.
//!
//! Absent attributes are empty: no owner, no children, an empty body. Unknown ones are left alone.
//! A release reads the layout before its own and refuses any other.
//!
//! # Units
//! | operation | requests | capacity units |
//! |---|---|---|
//! | beat, wake, end of a session | 1 | 1 write |
//! | create, acquire, checkpoint, release, restart, delete of a lease | 1 | 1 write |
//! | a document | 1 | 1 write per KB |
//! | a refused write | 1 | as if it had been done |
//! | one session, eventually consistent | 1 | ½ read |
//! | one lease, or a session consistently | 1 | 1 read |
//! | a listing | 1 per MB | 1 read per 4 KB, half of it if eventually consistent |
//! | `prepare` of a table that is there | 1 | 1 read |
//!
//! A session takes about 200 bytes and a lease 300 to 500. One partition key takes 1,000 write
//! units a second until DynamoDB splits it by sort key: some 5,000 leases of one application, each
//! checkpointed every 5 s.

mod builder;
mod change;
mod clock;
mod codec;
mod connection;
mod creation;
mod error;
#[cfg(test)]
mod fake;
mod layout;
mod prepare;
mod recovery;
mod rules;
mod send_probe;
mod silence;
mod store;
mod table;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod untrusted_input;

pub use builder::{DynamoStoreBuilder, InvalidSettings};
pub use creation::Billing;
pub use store::DynamoStore;
