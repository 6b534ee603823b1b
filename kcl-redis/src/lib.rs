//! Lease store on Redis or Valkey for `kcl-core`.
//!
//! ```no_run
//! # fn main() -> Result<(), kcl_redis::InvalidSettings> {
//! use std::time::Duration;
//!
//! use kcl_redis::{Durability, RedisStore};
//!
//! // One server.
//! let store = RedisStore::new("order-indexer", "redis://:password@cache:6379")?;
//!
//! // A cluster with TLS, from which two nodes are known.
//! let store = RedisStore::builder("order-indexer")
//!     .url("rediss://cache-1:6379")
//!     .url("rediss://cache-2:6379")
//!     .credentials(Some("order-indexer"), "password")
//!     .durability(Durability::Replicas(1))
//!     .replica_timeout(Duration::from_millis(300))
//!     .build()?;
//! # let _ = store;
//! # Ok(())
//! # }
//! ```
//!
//! Redis 6 or newer, or Valkey. A cluster needs no setting: all keys of an application are in one
//! slot, and the node that keeps it is found by asking. A store is given a *configuration*, never a
//! ready connection: connections are made by the first operations, on the runtime that runs them,
//! and made anew when they break, when the server became a replica, and when the slot moved. No
//! command is sent twice unless the server answered that it did nothing.
//!
//! After a failover the old primary may stay up as a replica and answer on the connections that it
//! has. So `READONLY`, `MASTERDOWN` and `LOADING` close *every* connection made before, the one
//! that listens included; so does a connection on which no answer has come for half of the
//! operation timeout. The next ones look the host up and connect anew; a replica is refused as soon
//! as a connection to it is made, for reads as well: its rows may be old. The connection that
//! listens asks for a sign of life when nothing has come for 5 s. All this is *unavailable*;
//! `prepare` alone says that the address is wrong. Sentinels are not asked: one is refused by
//! `prepare` with the remedy, an address that follows the primary. Of a cluster only the nodes are
//! remembered that it names, and those that were given.
//!
//! A worker has three connections: one for beats, which nothing may delay, one for everything else,
//! and one on which it is woken. Where claims wait for replicas there is a fourth, since waiting
//! blocks a connection.
//!
//! # What the server has to be
//! - It must not throw leases away: `maxmemory-policy noeviction`, or one of the `volatile-`
//!   policies (no key of the store has an expiry). `prepare` refuses an `allkeys-` policy.
//! - It must tell its history: `master_replid` in `INFO`. `prepare` refuses one that does not.
//! - It should keep its data: `appendonly yes`, and a replica with `min-replicas-to-write 1`, which
//!   also stops a primary that was cut off from accepting writes that will be lost.
//!   `prepare` warns where there is neither.
//!
//! Replication is asynchronous: a failover may lose the last writes, whatever [`Durability`] is
//! chosen. Each beat's answer carries the server's replication id, which changes with every
//! promotion and every restart. Workers that see it change acquire their leases anew and write what
//! they know forward. Epochs are mixed with the server's time, so that none is used twice. What a
//! lost change of owner leaves behind is delivered again, never skipped.
//!
//! # Rights
//! ```text
//! ACL SETUSER order-indexer on >password ~kcl:{order-indexer}:* &kcl:{order-indexer}:* -@all
//!     +evalsha +eval +hget +hset +hsetnx +hdel +zadd +zrem +zrangebylex +time +info +get +set
//!     +wait +cluster|slots +publish +spublish +subscribe +ssubscribe
//! ```
//! Of these, `publish`, `spublish`, `subscribe` and `ssubscribe` with the channels (`&`) are for
//! wake-ups: without them a worker learns of a change with its next beat. `wait` is for replicas,
//! `cluster|slots` for the nodes of a cluster, and a database other than 0 needs `select`.
//! Everything else is needed. By category: `+@scripting +@hash +@sortedset +@string +@pubsub +time
//! +info +wait +cluster|slots`.
//!
//! # Layout
//! All keys of an application begin with `kcl:{application}`; the braces keep them in one slot of
//! a cluster. Nothing expires.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `…:layout` | string | the version of the layout |
//! | `…:sessions` | hash | sessions by `worker#incarnation` |
//! | `…:leases` | hash | leases by lease key |
//! | `…:documents` | hash | documents by name |
//! | `…:sessions:names`, … | sorted set | the names of each hash, in order: pages are cut from it |
//! | `…:wake:worker#incarnation` | channel | where a session is woken |
//!
//! A row is a JSON object of strings; the body of a document follows it after a line feed.
//!
//! - Session: `b` beat, `st` state, `mb` mailbox, `n` start number, `t` timeout and `h` heartbeat
//!   interval in milliseconds, `c` capacity, `s` stream and `z` zone if it said them. Its report:
//!   `pt` and `pv` the plan it has seen (term and version), `ch` changes, `cf` conflicts, `w`
//!   watched.
//! - Lease: `o` owner, `e` epoch, `k` checkpoint as fixed-width digits, `ck` its kind, `ca`
//!   arrival and `cl` lag in milliseconds, `r` bytes a second, `pa` parents and `cd` children with
//!   commas between, `hr` hash range, `su` successor, `av` the worker to avoid.
//! - Document: `v` version.
//!
//! Absent fields are empty. Unknown ones are left alone. Numbers are compared and counted as text
//! by the scripts: a Lua number holds 53 bits. A release reads the layout before its own and
//! refuses any other.
//!
//! # Requests
//! | operation | requests |
//! |---|---|
//! | beat, registration, end of a session | 1 script |
//! | wake | 1 script, which publishes |
//! | checkpoint | 1 script |
//! | new lease, acquire, release, restart, end of a shard, delete, document | 1 script; 1 `WAIT` with replicas |
//! | a refused write | as if it had been done |
//! | one session, lease or document | 1 `HGET` |
//! | a listing | 1 script for each 500 rows or megabyte |
//! | `prepare` | 3: `INFO`, `SET`, `GET` |
//! | a new connection | the handshake, 1 `GET`, 1 `INFO`, and in a cluster `CLUSTER SLOTS` |
//! | listening, for each 5 s without a wake-up | 1 `GET`, 1 `INFO` |
//!
//! Writes under way at once share a `WAIT`. The first use of a script after a restart of the server
//! takes one request more, which brings its text. A session takes about 200 bytes and a lease 300
//! to 600.

mod builder;
mod change;
mod codec;
mod durability;
mod error;
mod info;
mod layout;
mod nodes;
mod prepare;
mod push;
mod reconnecting;
mod rows;
mod rules;
mod script;
mod server;
mod store;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod untrusted_input;
mod wakeups;

pub use builder::{InvalidSettings, RedisStoreBuilder};
pub use durability::Durability;
/// The client library's own types, as the builder takes them.
pub use redis::{ClientTlsConfig, ConnectionInfo, TlsCertificates};
pub use store::RedisStore;
