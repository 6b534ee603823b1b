//! Tests which calls to Kinesis the credentials of this command may make.
//!
//! It calls `GetShardIterator`, and `GetRecords` as a dry run. It never tests a right to write by a
//! dry run: a server that does not know dry runs would write the record. The rights of the workers
//! are not tested here: each worker reports the calls that were denied to it.

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

/// Tests whether the credentials may read the records of `shard`: one entry for each call that was
/// made. `GetRecords` is missing if there was no iterator to call it with.
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

/// The right to a call that succeeded.
const fn allowed(action: &'static str, how: &'static str) -> Right {
    Right { action, how, outcome: "allowed", why: None }
}

/// The right as a failed call shows it: `denied` only for an access error of the service. Any other
/// failure proves nothing, and the right is `unknown`.
fn refused<E>(action: &'static str, how: &'static str, error: &SdkError<E, HttpResponse>) -> Right
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let outcome = if code.contains("AccessDenied") { "denied" } else { "unknown" };
    Right { action, how, outcome, why: Some(report::why(error)) }
}
