//! The arguments of `kcl produce`.

use clap::Args;

use crate::config::Config;

/// The arguments of `kcl produce`.
#[derive(Args, Clone, Debug)]
pub struct ProduceArgs {
    /// The stream's name or ARN; by an ARN it is looked for in the ARN's region
    /// [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// Records per call: 1 to 500 [setting: producer.batch_size; default 100].
    #[arg(long, value_name = "RECORDS")]
    pub batch_size: Option<usize>,
    /// The pause after each call, in milliseconds [setting: producer.batch_delay_ms; default 1000].
    #[arg(long, value_name = "MS")]
    pub batch_delay_ms: Option<u64>,
    /// The number of records; without it, or with 0, the command puts records until it is stopped
    /// [setting: producer.total_messages].
    #[arg(long, value_name = "RECORDS")]
    pub total: Option<u64>,
    /// Put the lines of stdin, one record each, instead of generated records. A line may be as
    /// large as the stream's records: 1 MiB, or up to 10 MiB where the stream allows it.
    #[arg(long)]
    pub stdin: bool,
    /// One partition key for all records, instead of a different one each.
    #[arg(long, value_name = "KEY")]
    pub partition_key: Option<String>,
    /// The size of a generated record, in bytes: up to what the stream takes.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub size: usize,
}

impl ProduceArgs {
    /// The settings, overridden by the arguments.
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
