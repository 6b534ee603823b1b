//! A lease store for `kcl-core` in a PostgreSQL database, and processors that commit their effects
//! together with their checkpoints.
//!
//! ```no_run
//! # fn main() -> Result<(), kcl_postgres::InvalidSettings> {
//! use std::time::Duration;
//!
//! use kcl_postgres::PostgresStore;
//!
//! // Tables in the schema "kcl" of this database.
//! let store = PostgresStore::new("order-indexer", "postgres://kcl@db.example.com/orders")?;
//!
//! // Another schema, and more connections.
//! let store = PostgresStore::builder("order-indexer")
//!     .url("postgres://kcl@db.example.com/orders")
//!     .schema("leases")
//!     .connections(8)
//!     .statement_timeout(Duration::from_millis(250))
//!     .build()?;
//! # let _ = store;
//! # Ok(())
//! # }
//! ```
//!
//! A builder takes a *configuration* and never a pool: the store connects at its first operation,
//! on the runtime that uses the connection. It retries nothing by itself. It closes a connection
//! that failed in an unclear way. If a caller is dropped, the next caller that needs a connection
//! continues its connection attempt or its statement, because far from the server a connection may
//! take longer than a caller waits.
//!
//! # Connections
//! Beats have connections of their own (one, and up to three while an answer is late), so that no
//! other work delays them. The other operations share up to
//! [4 by default](PostgresStoreBuilder::connections). A worker that listens for wake-ups keeps one
//! more. An idle worker has three.
//!
//! Outside of this machine the server must prove its identity (`sslmode=verify-full`), unless you
//! set another mode than `prefer`. A server whose certificate no public root has signed needs
//! `sslrootcert`. The statement timeout is enforced by the *server*, so that a dropped operation
//! leaves no long statement behind.
//!
//! A pooler in transaction mode (PgBouncer) mixes up the answers of prepared statements, and
//! notifications do not arrive. Every connection therefore carries a mark that only the server
//! itself can return. Without the mark the store refuses to work and says why. Connect to the
//! server itself: a worker needs few connections.
//!
//! # A server that loses its role
//! After a failover the old primary may stay up, as a standby or with
//! `default_transaction_read_only`, and answer on its open connections. The store therefore drops
//! *every* connection, the listening one included, when an answer says that the server takes no
//! writes (SQLSTATE 25006), shuts down (57P01, 57P02) or does not serve yet (57P03), and when a
//! statement gets no answer. New connections resolve the host name again.
//!
//! - A standby is refused as soon as a connection to it is made, for reads too: its rows may be
//!   old.
//! - A connection to a read-only primary is used for one statement, and closed.
//! - The listening connection asks for a sign of life when nothing has arrived for an operation
//!   timeout.
//!
//! Until the address leads to a server that takes writes, the store is *unavailable*; only
//! `prepare` reports a wrong configuration. If a name has several addresses, the first that accepts
//! is used: give a name that follows the primary.
//!
//! # Layout
//! One schema, by default `kcl`, for any number of applications. All names are in lower case.
//!
//! | table | key |
//! |---|---|
//! | `layout` | none: one row |
//! | `session` | `application`, `id` (`worker#incarnation`) |
//! | `lease` | `application`, `key` |
//! | `document` | `application`, `name` |
//!
//! - Layout: `version`.
//! - Session: `beat`, `state`, `mailbox`, `start`, `timeout_ms`, `interval_ms`, `capacity`,
//!   `stream`, `zone`. Its report: `seen_term` and `seen_version` of the plan it has seen,
//!   `changes`, `conflicts`, `watched`.
//! - Lease: `owner`, `epoch`, `checkpoint` as fixed-width digits, its `kind`, `arrival_ms`,
//!   `lag_ms`, `rate` in bytes per second, `parents`, `children`, `hash_range`, `successor`,
//!   `avoid`.
//! - Document: `version`, `body`.
//!
//! Texts are compared byte by byte (`collate "C"`), whatever the collation of the database. The
//! primary keys are the only indexes, and pages are filled by half or two thirds, so that beats and
//! checkpoints are HOT updates, which write no index.
//!
//! # Permissions
//! The worker that makes the tables needs `create` on the database, or on the schema if that
//! exists. All others need `usage` on the schema, `select` on `layout`, and `select`, `insert`,
//! `update` and `delete` on the three other tables:
//!
//! ```sql
//! grant usage on schema kcl to worker;
//! grant select on kcl.layout to worker;
//! grant select, insert, update, delete on kcl.session, kcl.lease, kcl.document to worker;
//! ```
//!
//! If workers may not create tables, an administrator runs the SQL of
//! [`PostgresStore::schema_sql`]: once, and again before a release that adds to the layout.
//!
//! # A newer release
//! The first worker of a release that adds to the layout migrates the tables, in one transaction,
//! while the fleet works on: older workers accept the next version, too. Only the owner of the
//! tables, which is the role that made them, may migrate. A migration waits at most 300 ms for a
//! transaction that uses a table, because all later statements wait behind it; after that the
//! worker reports it and tries again.
//!
//! # Requests
//! Each operation is one statement in a transaction of its own. It takes one round trip once the
//! connection has prepared it.
//!
//! | operation | statements | rows written |
//! |---|---|---|
//! | beat | 1 | 1 |
//! | checkpoints requested at the same moment | 1 | 1 each |
//! | acquire, a checkpoint alone, release, restart, create, delete, a document | 1 | 1 |
//! | wake | 1, with its notification | 1 |
//! | a refused write | 2: the second reads the row | 0 |
//! | a read | 1 | 0 |
//! | a listing | 1 per 1,000 rows, or 4 MB of documents | 0 |
//! | `prepare` of an existing schema | 2 | 0 |
//! | a new connection | 2 | 0 |
//! | listening, for each operation timeout without a wake-up | 1 | 0 |
//! | a batch of a [`TxProcessor`] | its own and 3: begin, advance, commit | its own and 1 |
//!
//! Each lease writes one row per checkpoint interval. Checkpoints that a worker requests at the
//! same moment are one statement; workers therefore write checkpoints together that are nearly due.
//!
//! # Durability
//! A connection that finds `synchronous_commit` off turns it on for itself. With asynchronous
//! replicas a failover may lose the last leases and checkpoints. Workers notice that by the
//! timeline, which every answer to a beat contains, and write their rows again. With a
//! [`TxProcessor`] they go back to the server's rows instead, because the effects are lost, too. To
//! lose nothing, set `synchronous_standby_names`.

mod builder;
mod coalesce;
mod codec;
mod connection;
mod connections;
mod deadline;
mod error;
mod greeting;
mod layout;
mod prepare;
mod statements;
mod store;
mod table;
mod transactional;
mod unfinished;
mod wakeups;

pub use builder::{InvalidSettings, PostgresStoreBuilder};
pub use store::PostgresStore;
pub use transactional::{Transactional, TxFactory, TxProcessor, transactional};
