//! The processor of `kcl consume`: makes lines of records, and waits until they are written.

use async_trait::async_trait;
use kcl_core::processor::{
    LeaseHandle, ProcessorError, ProcessorFactory, RecordBatch, RecordProcessor,
};
use tokio_util::sync::CancellationToken;

use super::output::Output;
use crate::line::Format;

/// The bytes after which lines are handed to the writer, so that a large batch is not copied whole.
const PIECE: usize = 256 * 1024;

/// Writes batches. A batch is processed when every line of it is written and flushed.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    pub(super) format: Format,
    pub(super) output: Output,
    /// Cancelled when a batch must not wait for the reader of the output any longer: it fails then.
    pub(super) give_up: CancellationToken,
}

impl ProcessorFactory for Writing {
    fn create(&self, _lease: &LeaseHandle) -> Box<dyn RecordProcessor> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl RecordProcessor for Writing {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        tokio::select! {
            biased;
            written = self.write(&batch, lease) => written,
            () = self.give_up.cancelled() => Err("nobody reads the output".into()),
        }
    }
}

impl Writing {
    /// Writes every record of a batch as a line.
    async fn write(&self, batch: &RecordBatch, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        let mut lines = Vec::new();
        for record in batch {
            let epoch = Some(lease.fence().epoch);
            self.format.append(&mut lines, lease.shard().as_str(), epoch, record)?;
            if lines.len() >= PIECE {
                self.output.write(std::mem::take(&mut lines)).await?;
            }
        }
        if !lines.is_empty() {
            self.output.write(lines).await?;
        }
        Ok(())
    }
}
