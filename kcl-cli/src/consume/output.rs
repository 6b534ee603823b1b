//! Writes stdout from a thread of its own: a reader that stops reading blocks that thread and
//! nothing else.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// How many pieces may wait for the writer.
const QUEUE: usize = 4;

/// Writes pieces of output, one after the other. Clones write to the same thread.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pieces: mpsc::Sender<Piece>,
    state: Arc<State>,
}

/// The failure of the writing thread.
#[derive(Debug, Default)]
struct State {
    /// Why the thread ended, until a caller takes the error.
    failure: Mutex<Option<io::Error>>,
    /// Cancelled when it has ended.
    failed: CancellationToken,
}

/// Bytes that are written together.
#[derive(Debug)]
struct Piece {
    bytes: Vec<u8>,
    /// Notified when they are written and flushed; dropped if that failed.
    written: oneshot::Sender<()>,
}

/// Nothing can be written any more: the reader is gone, or the disk is full.
#[derive(Debug, thiserror::Error)]
#[error("the output is closed")]
pub(super) struct Closed;

impl Output {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (pieces, queue) = mpsc::channel(QUEUE);
        let state = Arc::new(State::default());
        let output = Self { pieces, state: Arc::clone(&state) };
        std::thread::Builder::new()
            .name("kcl-output".into())
            .spawn(move || write_all(to, queue, &state))?;
        Ok(output)
    }

    /// Writes bytes, and waits until they are flushed.
    ///
    /// # Errors
    /// Nothing can be written any more.
    ///
    /// # Cancel safety
    /// The bytes may or may not be written. They are never written in part with others behind them.
    pub(super) async fn write(&self, bytes: Vec<u8>) -> Result<(), Closed> {
        let (written, done) = oneshot::channel();
        self.pieces.send(Piece { bytes, written }).await.map_err(|_| Closed)?;
        done.await.map_err(|_| Closed)
    }

    /// Waits until nothing can be written any more.
    pub(super) async fn failed(&self) {
        self.state.failed.cancelled().await;
    }

    /// Takes the error of the write that failed; `None` if none failed, or if it was taken.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.state.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The thread: writes until a write fails, or all clones of the output are dropped.
fn write_all(mut to: impl Write, mut queue: mpsc::Receiver<Piece>, state: &State) {
    while let Some(piece) = queue.blocking_recv() {
        match to.write_all(&piece.bytes).and_then(|()| to.flush()) {
            // The future that waited may have been dropped.
            Ok(()) => drop(piece.written.send(())),
            Err(error) => {
                // After this every batch fails: warnings about that would only repeat it.
                if error.kind() == io::ErrorKind::BrokenPipe {
                    crate::logging::only_errors();
                }
                *state.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                state.failed.cancel();
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output that takes this many bytes, and then fails.
    struct Pipe(usize);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_is_not_written_whole_is_never_reported_as_written() {
        let output = Output::start(Pipe(10)).unwrap();
        output.write(vec![0; 8]).await.unwrap();
        output.write(vec![0; 8]).await.unwrap_err();
        output.failed().await;
        assert_eq!(output.failure().unwrap().kind(), io::ErrorKind::BrokenPipe);
        output.write(vec![0; 1]).await.unwrap_err();
    }
}
