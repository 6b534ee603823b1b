//! What is proved on real servers and real processes, in one program: it is linked once, and its
//! tests, most of which wait for a clock, wait side by side.
//!
//! `cargo test --workspace --test servers FILTER` runs those whose path, which begins with the name
//! of a file or folder here, contains `FILTER`; `RUST_TEST_THREADS=4` lets more of them wait at
//! once. The house rules, which need none of what this links, are a program of their own.

mod closing;
mod conformance_catches;
mod conformance_dynamo;
mod conformance_file;
mod conformance_memory;
mod conformance_postgres;
mod conformance_redis;
mod dashboard;
mod demo_stores;
mod deploy;
mod doctor;
mod dynamo_table;
mod dynamo_units;
mod fleet;
mod iam;
mod import;
mod kinesis_source;
mod multilang;
mod pages;
mod postgres_coalescing;
mod postgres_faults;
mod postgres_fleet;
mod postgres_rows;
mod postgres_schema;
mod postgres_transactional;
mod redis_cluster;
mod redis_fleet;
mod redis_server;
mod simulate;
mod store_faults;
mod store_messages;
mod two_streams;
mod worker;
