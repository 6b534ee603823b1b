//! A lease store for `kcl-core` on Redis or Valkey.
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
//! // A cluster with TLS, by two of its nodes.
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
//! It needs Redis 6 or newer, or Valkey. A cluster needs no setting: all keys of an application are
//! in one slot, and the store finds the node that keeps it. A builder takes a *configuration* and
//! never a connection: the first operations connect, on the runtime that uses the connections. The
//! store connects again when a connection breaks, when the server becomes a replica, and when the
//! slot moves. It sends a command twice only if the server answered that it did nothing.
//!
//! # A server that loses its role
//! After a failover the old primary may stay up as a replica and answer on its open connections.
//! The store therefore drops *every* connection, the listening one included, after `READONLY`,
//! `MASTERDOWN` or `LOADING`, and when a connection has had no answer for half of the operation
//! timeout. New connections resolve the host name again.
//!
//! - A replica is refused as soon as a connection to it is made, for reads too: its rows may be
//!   old.
//! - The listening connection asks for a sign of life when nothing has arrived for 5 s.
//! - Until the address leads to a primary, the store is *unavailable*; only `prepare` reports a
//!   wrong address.
//! - `prepare` refuses a Sentinel: give an address that follows the primary.
//! - The store remembers the nodes that a cluster names, and the addresses that you gave.
//!
//! # Connections
//! A worker has three connections: one for beats, which nothing may delay, one for wake-ups, and
//! one for everything else. If claims wait for replicas, there is a fourth, because waiting blocks
//! a connection.
//!
//! # Requirements on the server
//! - It must not evict leases: `maxmemory-policy noeviction`, or one of the `volatile-` policies
//!   (no key of the store has an expiry). `prepare` refuses an `allkeys-` policy.
//! - It must report its history: `master_replid` in `INFO`. `prepare` refuses a server without it.
//! - It should keep its data: `appendonly yes`, and a replica with `min-replicas-to-write 1`, which
//!   also keeps a primary that was cut off from accepting writes that will be lost. `prepare` warns
//!   if there is neither.
//!
//! Replication is asynchronous: a failover may lose the last writes, with every [`Durability`].
//! Each answer to a beat carries the server's replication id, which changes with every promotion
//! and every restart. Workers that see it change acquire their leases again and write the
//! checkpoints that they know. Epochs contain the server's time, so that none is used twice.
//! Records after a lost change of owner are delivered again, and none is skipped.
//!
//! # Permissions
//! ```text
//! ACL SETUSER order-indexer on >password ~kcl:{order-indexer}:* &kcl:{order-indexer}:* -@all
//!     +evalsha +eval +hget +hset +hsetnx +hdel +zadd +zrem +zrangebylex +time +info +get +set
//!     +wait +cluster|slots +publish +spublish +subscribe +ssubscribe
//! ```
//! - `publish`, `spublish`, `subscribe`, `ssubscribe` and the channels (`&`) are for wake-ups.
//!   Without them a worker learns of a change with its next beat.
//! - `wait` is for replicas, `cluster|slots` for the nodes of a cluster. A database other than 0
//!   also needs `select`.
//! - The other commands are necessary.
//!
//! By category: `+@scripting +@hash +@sortedset +@string +@pubsub +time +info +wait
//! +cluster|slots`.
//!
//! # Layout
//! All keys of an application begin with `kcl:{application}`; the braces keep them in one slot of
//! a cluster. No key expires.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `…:layout` | string | the version of the layout |
//! | `…:sessions` | hash | sessions by `worker#incarnation` |
//! | `…:leases` | hash | leases by lease key |
//! | `…:documents` | hash | documents by name |
//! | `…:sessions:names`, … | sorted set | the names in each hash, in order, for listings |
//! | `…:wake:worker#incarnation` | channel | wake-ups of a session |
//!
//! A row is a JSON object of strings; the body of a document follows it after a line feed.
//!
//! - Session: `b` beat, `st` state, `mb` mailbox, `n` start number, `t` timeout and `h` heartbeat
//!   interval in milliseconds, `c` capacity, `s` stream, `z` zone. Its report: `pt` and `pv` term
//!   and version of the plan it has seen, `ch` changes, `cf` conflicts, `w` watched.
//! - Lease: `o` owner, `e` epoch, `k` checkpoint as fixed-width digits, `ck` its kind, `ca`
//!   arrival and `cl` lag in milliseconds, `r` bytes per second, `pa` parents and `cd` children
//!   separated by commas, `hr` hash range, `su` successor, `av` the worker to avoid.
//! - Document: `v` version.
//!
//! A missing field means none. A change keeps fields that this release does not know. The scripts
//! compare and count numbers as text, because a Lua number holds 53 bits. A release accepts its own
//! layout version and the one before.
//!
//! # Requests
//! | operation | requests |
//! |---|---|
//! | beat, registration, end of a session | 1 script |
//! | wake | 1 script, which publishes |
//! | checkpoint | 1 script |
//! | create, acquire, release, restart, end, delete; a document | 1 script; 1 `WAIT` with replicas |
//! | a refused write | as if it had been applied |
//! | one session, lease or document | 1 `HGET` |
//! | a listing | 1 script for each 500 rows or megabyte |
//! | `prepare` | 3: `INFO`, `SET`, `GET` |
//! | a new connection | the handshake, 1 `GET`, 1 `INFO`, and in a cluster `CLUSTER SLOTS` |
//! | listening, for each 5 s without a wake-up | 1 `GET`, 1 `INFO` |
//!
//! Writes under way at the same time share a `WAIT`. The first use of a script after a restart of
//! the server takes one more request, which carries its text. A session takes about 200 bytes, a
//! lease 300 to 600.

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
