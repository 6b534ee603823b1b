//! A lease store for `kcl-core` in a DynamoDB table.
//!
//! ```no_run
//! # fn main() -> Result<(), kcl_dynamo::InvalidSettings> {
//! use kcl_dynamo::{Billing, DynamoStore};
//!
//! // Region and credentials from the environment; the table has the application's name.
//! let store = DynamoStore::new("order-indexer")?;
//!
//! // Several applications in one table, which the first worker creates.
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
//! A builder takes a *configuration* and never a client: the first operation makes the client, with
//! connections of its own, on the runtime that uses them. The SDK's retries are off, because the
//! store must know of each attempt of a conditional write.
//!
//! Each new connection resolves the host name. If calls are under way for a second without an
//! answer to any, for example because the machine behind a resolved address is gone, the store
//! drops all connections and makes new ones.
//!
//! # Permissions
//! - Every worker: `GetItem`, `PutItem`, `UpdateItem`, `DeleteItem` and `Query` on the table.
//! - A worker that creates the table: `DescribeTable` and `CreateTable`, with tags also
//!   `TagResource`.
//! - For point-in-time recovery: `DescribeContinuousBackups` and `UpdateContinuousBackups`.
//!
//! # Layout
//! One table with the keys `pk` (hash) and `sk` (range), both strings. It needs no index, no TTL
//! and no transactions. Attribute names are short, because they count in the size of each item.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | layout | `@kcl` | `layout` |
//! | session | `S/application` | `worker#incarnation` |
//! | lease | `L/application` | lease key |
//! | document | `D/application` | name |
//!
//! - Layout: `v` version, `life` a random text of this life of the table.
//! - Session: `b` beat, `st` state, `mb` mailbox, `n` start number, `t` timeout and `h` heartbeat
//!   interval in milliseconds, `c` capacity, `s` stream, `z` zone. Its report: `pt` and `pv` term
//!   and version of the plan it has seen, `ch` changes, `cf` conflicts, `w` watched.
//! - Lease: `o` owner, `e` epoch, `k` checkpoint as fixed-width digits, `ck` its kind, `ca`
//!   arrival and `cl` lag in milliseconds, `r` bytes per second, `pa` parents, `cd` children, `hr`
//!   hash range, `su` successor, `av` the worker to avoid.
//! - Document: `v` version, `d` body.
//!
//! A missing attribute means none: no owner, no children, an empty body. A change of a session or a
//! lease keeps attributes that this release does not know. A release accepts its own layout version
//! and the one before.
//!
//! # Units
//! | operation | requests | capacity units |
//! |---|---|---|
//! | beat, wake, end of a session | 1 | 1 write |
//! | create, acquire, checkpoint, release, restart, delete of a lease | 1 | 1 write |
//! | a document | 1 | 1 write per KB |
//! | a refused write | 1 | as if it had been applied |
//! | one session, eventually consistent | 1 | ½ read |
//! | one lease, or a session consistently | 1 | 1 read |
//! | a listing | 1 per MB | 1 read per 4 KB, half of it if eventually consistent |
//! | `prepare` of an existing table | 1 | 1 read |
//!
//! A session takes about 200 bytes, a lease 300 to 500. One partition takes 1,000 write units per
//! second until DynamoDB splits it by sort key; that is enough for some 5,000 leases of one
//! application with a checkpoint every 5 s each.

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
