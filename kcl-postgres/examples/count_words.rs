//! Counts words in a table, each word exactly once, even if a worker crashes.
//!
//! ```text
//! export DATABASE_URL=postgres://postgres@127.0.0.1/postgres
//! cargo run -p kcl-postgres --example count_words
//! ```
//!
//! Three workers share a stream in memory. One of them is stopped half way, as if it had crashed,
//! and the counts are still right.

use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use kcl_core::{
    processor::{LeaseHandle, ProcessorError, RecordBatch},
    settings::{ProgressMode, Settings},
    worker::Worker,
};
use kcl_memory::MemoryStream;
use kcl_postgres::{PostgresStore, TxProcessor, transactional};
use sqlx::{Connection, PgConnection};

const TEXT: &str = "the quick brown fox jumps over the lazy dog while the dog dreams of the fox";
const TIMES: i64 = 2_000;

struct CountWords;

#[async_trait]
impl TxProcessor for CountWords {
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        _lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        let words: Vec<&str> = batch
            .iter()
            .map(|record| std::str::from_utf8(&record.data))
            .collect::<Result<_, _>>()?;
        // Sorted by word, so that the batches of two shards never wait for each other.
        const COUNT: &str = "insert into word_count (word, n) \
            select word, count(*) from unnest($1::text[]) as w(word) group by word order by word \
            on conflict (word) do update set n = word_count.n + excluded.n";
        sqlx::query(COUNT).bind(words).execute(effects).await?;
        Ok(())
    }
}

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "an example on the real clock")]
#[expect(clippy::print_stdout, reason = "the counts are what it is run for")]
async fn main() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL says where PostgreSQL is")?;
    let mut database = PgConnection::connect(&url).await?;
    let table = "drop table if exists word_count; \
        create table word_count (word text primary key, n bigint not null)";
    sqlx::raw_sql(table).execute(&mut database).await?;

    let stream = MemoryStream::new("words", 4);
    for n in 0..TIMES {
        for word in TEXT.split(' ') {
            stream.put(&format!("{n}-{word}"), word)?;
        }
    }
    let mut tasks = Vec::new();
    for n in 0..3 {
        let store = PostgresStore::new("count-words", &url)?;
        let processor = transactional(&store, |_: &LeaseHandle| CountWords);
        let mut settings = Settings::default();
        settings.delivery.progress = ProgressMode::Transactional;
        settings.delivery.max_batch = 20;
        let worker = Worker::builder(stream.clone(), store)
            .worker_id(format!("worker-{n}").parse()?)
            .settings(settings)
            .processor(processor)
            .build()?;
        tasks.push(tokio::spawn(worker.run()));
    }
    let expected = i64::try_from(TEXT.split(' ').count())? * TIMES;
    loop {
        let total: Option<i64> = sqlx::query_scalar("select sum(n)::bigint from word_count")
            .fetch_one(&mut database)
            .await?;
        let total = total.unwrap_or(0);
        if total >= expected {
            break;
        }
        if total > expected / 4 && tasks.len() == 3 {
            tasks.remove(0).abort();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let counts: Vec<(String, i64)> =
        sqlx::query_as("select word, n from word_count order by n desc, word")
            .fetch_all(&mut database)
            .await?;
    for (word, n) in counts {
        println!("{word:8} {n}");
    }
    tasks.into_iter().for_each(|task| task.abort());
    Ok(())
}
