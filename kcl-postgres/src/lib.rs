//! Lease store on PostgreSQL for `kcl-core`, with transactional checkpoints.
//!
//! ```no_run
//! # fn main() -> Result<(), kcl_postgres::InvalidSettings> {
//! use std::time::Duration;
//!
//! use kcl_postgres::PostgresStore;
//!
//! // Tables in the schema "kcl" of the database of this address.
//! let store = PostgresStore::new("order-indexer", "postgres://kcl@db.example.com/orders")?;
//!
//! // Another schema, and more to do at once.
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
//! A store is given a *configuration*, never a ready pool: it connects at its first operation, on
//! the runtime that runs it. Nothing is tried twice unseen. A connection that failed in an unclear
//! way is closed, never used again. What a dropped call began, be it a connection or a statement,
//! is finished by the next that needs a connection: far from the server, making one may take
//! longer than a caller waits.
//!
//! # Connections
//! Beats have connections of their own (one, and up to three while an answer is late), so that no
//! amount of other work can starve them; other operations share up to [4 by
//! default](PostgresStoreBuilder::connections). A worker that listens for wake-ups keeps one more.
//! They are made as needed: an idle worker has three.
//!
//! Off the loopback interface the server has to prove who it is (`sslmode=verify-full`) unless
//! another mode than `prefer` is asked for. A server that is not on public roots needs
//! `sslrootcert`. The statement timeout is the *server's*: an operation whose future was dropped
//! leaves no long statement behind.
//!
//! Behind a pooler in transaction mode (PgBouncer) prepared statements can give the answers of
//! others, and nobody listens. Every connection therefore carries a mark that only the server
//! itself can show; where it does not arrive the store refuses to work and says why. Connect to the
//! server itself: a worker needs few connections.
//!
//! # A server that loses its role
//! After a failover the old primary may stay up, as a standby or with
//! `default_transaction_read_only`, and answer on the connections that it has. So an answer that
//! says that it only reads (SQLSTATE 25006), goes down (57P01, 57P02) or does not serve yet (57P03)
//! closes *every* connection made before, the one that listens included; so does a statement that
//! gets no answer. The next ones look the host up and connect anew. A server that follows another
//! is refused as soon as a connection to it is made, for reads as well: its rows may be old. A
//! connection to one that only reads is used for one statement, and closed. The connection that
//! listens asks for a sign of life when nothing has come for an operation timeout.
//!
//! Until the address leads to a server that writes, all this is *unavailable*; `prepare` alone says
//! that the store is set up wrong. A name with several addresses leads to the first that accepts:
//! let the address follow the primary.
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
//! - Session: `beat`, `state`, `mailbox`, `start`, `timeout_ms`, `interval_ms`, `capacity`, and
//!   `stream` and `zone` if it said them. Its report: `seen_term` and `seen_version` of the plan it
//!   has seen, `changes`, `conflicts`, `watched`.
//! - Lease: `owner`, `epoch`, `checkpoint` as fixed-width digits, its `kind`, `arrival_ms`,
//!   `lag_ms`, `rate` in bytes a second, `parents`, `children`, `hash_range`, `successor`, `avoid`.
//! - Document: `version`, `body`.
//!
//! Texts compare byte by byte (`collate "C"`) in databases of any collation. There is no index but
//! the primary keys, and pages are filled by half or two thirds, so that beats and checkpoints are
//! HOT updates: they write no index.
//!
//! # Rights
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
//! Where workers may not create anything, an administrator runs what
//! [`PostgresStore::schema_sql`] gives: once, and again before a release that adds to the layout.
//!
//! # A newer release
//! The first worker of a release that adds to the layout does so, in one transaction, while the
//! fleet works on: older workers use the next version, too. Only the owner of the tables may
//! (that is the role which made them). It waits no longer than 300 ms for a transaction that uses
//! such a table, since all others wait behind it; after that it says so, and is tried again.
//!
//! # Requests
//! Each operation is one statement in a transaction of its own, sent in one round trip once its
//! connection has prepared it.
//!
//! | operation | statements | rows written |
//! |---|---|---|
//! | beat | 1 | 1 |
//! | checkpoints asked for at the same moment | 1 | 1 each |
//! | acquire, a checkpoint alone, release, restart, create, delete, a document | 1 | 1 |
//! | wake | 1, with its notification | 1 |
//! | a refused write | 2: the second reads the row | 0 |
//! | a read | 1 | 0 |
//! | a listing | 1 per 1,000 rows, or 4 MB of documents | 0 |
//! | `prepare` of a schema that is there | 2 | 0 |
//! | a new connection | 2 | 0 |
//! | listening, for each operation timeout without a wake-up | 1 | 0 |
//! | a batch of a [`TxProcessor`] | its own and 3: begin, advance, commit | its own and 1 |
//!
//! A checkpoint writes one row per lease and checkpoint interval. Those that a worker asks for at
//! the same moment are one statement, and workers write those together that are nearly due.
//!
//! # Durability
//! A connection that finds `synchronous_commit` off turns it on for itself. With asynchronous
//! replicas a failover may lose the last leases and checkpoints: workers notice by the timeline, a
//! part of every beat's answer, and put their rows right (with a [`TxProcessor`] they go back to
//! what the server still has, since the effects are gone too). To lose nothing, set
//! `synchronous_standby_names`.

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
