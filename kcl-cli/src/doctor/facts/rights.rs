//! What the identity that asks may do: tried by calls that read, and by dry runs of them. Never by
//! a dry run of a put: servers that know no dry runs would write the record.

use std::time::Duration;

use aws_sdk_kinesis::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::ShardIteratorType,
};
use kcl_core::{env::Clock, stream::ShardId};
use kcl_kinesis::StreamName;

use super::Right;
use crate::report;

/// Whether the records of a shard may be read.
pub(super) async fn of_reading(
    client: &Client,
    stream: &StreamName,
    shard: &ShardId,
    clock: &dyn Clock,
    patience: Duration,
) -> Vec<Right> {
    let tried = async {
        let call = client.get_shard_iterator().shard_id(shard.as_str());
        let call = call.set_stream_name(stream.name()).set_stream_arn(stream.arn());
        let iterator = call.shard_iterator_type(ShardIteratorType::Latest).send().await;
        let iterators = match &iterator {
            Ok(_) => allowed("kinesis:GetShardIterator", "called"),
            Err(error) => refused("kinesis:GetShardIterator", "called", error),
        };
        let Some(iterator) = iterator.ok().and_then(|answer| answer.shard_iterator) else {
            return vec![iterators];
        };
        let call = client.get_records().shard_iterator(iterator).limit(1).dry_run(true);
        let records = match call.set_stream_arn(stream.arn()).send().await {
            // The server knows no dry runs, and answered the call.
            Ok(_) => allowed("kinesis:GetRecords", "called"),
            Err(error) if error.code() == Some("DryRunOperationException") => {
                allowed("kinesis:GetRecords", "dry run")
            }
            Err(error) => refused("kinesis:GetRecords", "dry run", &error),
        };
        vec![iterators, records]
    };
    tokio::select! {
        rights = tried => rights,
        () = clock.sleep(patience) => {
            let why = Some(format!("no answer within {patience:?} (--deadline)"));
            vec![Right { action: "kinesis:GetRecords", how: "dry run", outcome: "unknown", why }]
        }
    }
}

const fn allowed(action: &'static str, how: &'static str) -> Right {
    Right { action, how, outcome: "allowed", why: None }
}

/// What a refusal shows of a right.
fn refused<E>(action: &'static str, how: &'static str, error: &SdkError<E, HttpResponse>) -> Right
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let outcome = if code.contains("AccessDenied") { "denied" } else { "unknown" };
    Right { action, how, outcome, why: Some(report::why(error)) }
}
