//! The servers that tests run against. They listen on the loopback interface, at free ports, and
//! end with the value that started them.
//!
//! Those that are no Rust code are installed by `tests/servers/install.sh`. A server that cannot be
//! started is an error: no test passes without it.

mod certificate;
mod counted;
mod dynalite;
mod dynoxide;
mod ferrokinesis;
mod kinesis_local;
mod link;
mod moto;
mod pgbouncer;
mod postgres;
mod process;
mod prometheus;
mod redis;
mod redis_cluster;

pub use counted::{Bill, Cost, Counted, WRITES, units};
pub use dynalite::Dynalite;
pub use dynoxide::Dynoxide;
pub use ferrokinesis::Ferrokinesis;
pub use kinesis_local::KinesisLocal;
pub use link::Link;
pub use moto::Moto;
pub use pgbouncer::PgBouncer;
pub use postgres::{Postgres, PostgresRelease};
pub use process::{ServerProcess, installed};
pub use prometheus::Prometheus;
pub use redis::{RedisMake, RedisServer};
pub use redis_cluster::RedisCluster;
