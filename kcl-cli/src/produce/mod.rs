//! `kcl produce`: records into a stream.

mod put;
mod records;

use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use clap::Args;

use self::{put::Putting, records::Records};
use crate::{config::Config, connect};

/// The arguments of `kcl produce`.
#[derive(Args, Clone, Debug)]
pub struct ProduceArgs {
    /// The stream's name or ARN [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// Records per call: 1 to 500 [setting: producer.batch_size; default 100].
    #[arg(long, value_name = "RECORDS")]
    pub batch_size: Option<usize>,
    /// The pause after each call, in milliseconds [setting: producer.batch_delay_ms; default 1000].
    #[arg(long, value_name = "MS")]
    pub batch_delay_ms: Option<u64>,
    /// How many records in all; without it, until told to stop
    /// [setting: producer.total_messages].
    #[arg(long, value_name = "RECORDS")]
    pub total: Option<u64>,
    /// Put the lines of stdin, one record each, instead of generated records.
    #[arg(long)]
    pub stdin: bool,
    /// One partition key for all records, instead of a different one each.
    #[arg(long, value_name = "KEY")]
    pub partition_key: Option<String>,
    /// The size of a generated record, in bytes: up to 1 MiB.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub size: usize,
}

impl ProduceArgs {
    /// The settings, with what the arguments say.
    pub(crate) fn apply_to(&self, mut config: Config) -> Config {
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        let producer = &mut config.producer;
        producer.batch_size = self.batch_size.unwrap_or(producer.batch_size);
        producer.batch_delay_ms = self.batch_delay_ms.unwrap_or(producer.batch_delay_ms);
        producer.total_messages = self.total.or(producer.total_messages);
        config
    }
}

/// What a call of PutRecords takes.
const BATCH: std::ops::RangeInclusive<usize> = 1..=500;

/// The largest record, its key included.
const RECORD: usize = 1024 * 1024;

/// Puts records until there are no more, enough, or it is told to stop.
///
/// # Errors
/// What cannot be mended by trying again.
pub(crate) fn run(args: &ProduceArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let batch_size = config.producer.batch_size;
    ensure!(
        BATCH.contains(&batch_size),
        "producer.batch_size = {batch_size}: a call takes {} to {} records",
        BATCH.start(),
        BATCH.end()
    );
    ensure!(args.size <= RECORD - 256, "--size {}: a record takes up to 1 MiB", args.size);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(produce(args, config));
    // Stdin may be waited for.
    runtime.shutdown_background();
    result
}

async fn produce(args: &ProduceArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let stream = config.stream()?;
    let mut putting = Putting::new(connect::kinesis(config).await?, stream);
    let mut records = Records::new(args, config.producer.total_messages)?;
    let pause = Duration::from_millis(config.producer.batch_delay_ms);
    loop {
        let step = async {
            let batch = records.next(config.producer.batch_size).await?;
            if batch.is_empty() {
                return anyhow::Ok(false);
            }
            putting.put(batch).await?;
            rest(pause).await;
            Ok(true)
        };
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => break,
            went_on = step => if !went_on? { break },
        }
    }
    report(&putting)
}

#[expect(clippy::print_stdout, reason = "this is where data goes")]
fn report(putting: &Putting) -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string(&putting.tally)?);
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "a producer keeps the machine's time")]
async fn rest(pause: Duration) {
    tokio::time::sleep(pause).await;
}
