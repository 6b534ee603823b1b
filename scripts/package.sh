#!/usr/bin/env bash
# Packages every crate, and uses the packages in a project of its own, as a user would.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo package --workspace --exclude kcl-tests --no-verify --allow-dirty --quiet
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
for crate in kcl-core kcl-memory; do
    # As new files: packages say that theirs are from 2006, and an older build would do.
    tar -xmzf target/package/"$crate"-[0-9]*.crate -C "$project"
    mv "$project/$crate"-[0-9]* "$project/$crate"
done
mkdir "$project/src"
cat >"$project/Cargo.toml" <<'END'
[package]
name = "scratch"
edition = "2024"

[dependencies]
kcl-core = { path = "kcl-core" }
kcl-memory = { path = "kcl-memory" }
tokio = { version = "1", features = ["macros", "rt-multi-thread", "time"] }

[patch.crates-io]
kcl-core = { path = "kcl-core" }

[workspace]
END
cat >"$project/src/main.rs" <<'END'
use kcl_core::worker::Worker;
use kcl_memory::{MemoryStore, MemoryStream};

#[tokio::main]
async fn main() {
    let stream = MemoryStream::new("orders", 2);
    stream.put("customer-7", "an order").unwrap();
    let (seen, mut records) = tokio::sync::mpsc::unbounded_channel();
    let worker = Worker::builder(stream, MemoryStore::new("order-indexer"))
        .for_each_batch(move |batch| {
            let seen = seen.clone();
            async move { Ok(batch.iter().try_for_each(|record| seen.send(record.data.clone()))?) }
        })
        .build()
        .unwrap();
    worker
        .run_until(async move { assert_eq!(records.recv().await.unwrap(), "an order") })
        .await
        .unwrap();
    println!("the packages work");
}
END
# As dependencies are built in this workspace: those of the same version and features are there.
CARGO_TARGET_DIR=$PWD/target CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0 \
    cargo run --quiet --manifest-path "$project/Cargo.toml"
