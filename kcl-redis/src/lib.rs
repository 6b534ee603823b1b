//! Lease store on Redis or Valkey for `kcl-core`.

mod builder;
mod change;
mod codec;
mod durability;
mod ears;
mod error;
mod info;
mod lane;
mod layout;
mod nodes;
mod prepare;
mod rows;
mod rules;
mod script;
mod server;
mod store;
mod wakeups;

pub use builder::{InvalidSettings, RedisStoreBuilder};
pub use durability::Durability;
/// The client library's own types, as the builder takes them.
pub use redis::{ClientTlsConfig, ConnectionInfo, TlsCertificates};
pub use store::RedisStore;
