//! Keeps skipped records in a file, one line of JSON for each.
//!
//! A line says when, by whom and why the record was skipped, and holds the record as `kcl consume`
//! writes it. The line is on the disk before the record counts as processed. The file is opened for
//! each line, so that it may be moved or deleted at any time.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use kcl_core::{
    env::{Clock, Env},
    processor::{LeaseHandle, ProcessorError},
    stream::Record,
    worker::DeadLetter,
};
use serde::Serialize;

use crate::{config::Config, line::Format, times::rfc3339};

/// A file of dead letters.
pub(super) struct DeadLetters {
    file: PathBuf,
    application: String,
    format: Format,
    clock: Arc<dyn Clock>,
}

/// The part of a line before the record itself.
#[derive(Serialize)]
struct Head<'a> {
    at: String,
    application: &'a str,
    worker: &'a str,
    shard: &'a str,
    /// The position, as `kcl leases skip --record` takes it.
    position: String,
    error: &'a str,
}

impl DeadLetters {
    /// The file that the settings name, created if it does not exist; `None` if they name none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn of(config: &Config, text: bool) -> anyhow::Result<Option<Self>> {
        let Some(file) = &config.consumer.dead_letter else { return Ok(None) };
        let help = || {
            format!(
                "--dead-letter (consumer.dead_letter) {file:?}: no dead letter could be written \
                 there; name a file in a folder that exists and that this user may write to"
            )
        };
        let file = PathBuf::from(file);
        // To open a named pipe would block until it has a reader.
        if fs::metadata(&file).is_ok_and(|it| it.file_type().is_fifo()) {
            return Err(anyhow!("it is a pipe")).with_context(help);
        }
        open(&file).with_context(help)?;
        let format = Format { stream: config.stream()?.short().into(), text };
        let application = config.application()?.to_owned();
        Ok(Some(Self { file, application, format, clock: Env::system().clock }))
    }

    /// The line of a record, as JSON with a line feed.
    fn letter(&self, record: &Record, lease: &LeaseHandle, error: &str) -> io::Result<Vec<u8>> {
        let head = Head {
            at: rfc3339(self.clock.wall()),
            application: &self.application,
            worker: lease.owner().worker.as_str(),
            shard: lease.shard().as_str(),
            position: record.position.to_string(),
            error,
        };
        let mut letter = serde_json::to_vec(&head)?;
        letter.pop();
        letter.extend_from_slice(br#","record":"#);
        let epoch = Some(lease.fence().epoch);
        self.format.append(&mut letter, lease.shard().as_str(), epoch, record)?;
        letter.pop();
        letter.extend_from_slice(b"}\n");
        Ok(letter)
    }
}

#[async_trait]
impl DeadLetter for DeadLetters {
    async fn send(
        &self,
        record: &Record,
        lease: &LeaseHandle,
        error: &str,
    ) -> Result<(), ProcessorError> {
        let (letter, file) = (self.letter(record, lease, error)?, self.file.clone());
        // A disk may be slow: the write must not block the tasks of other shards.
        let kept = tokio::task::spawn_blocking(move || {
            keep(&file, &letter).with_context(|| format!("the dead letter {}", file.display()))
        });
        Ok(kept.await??)
    }
}

/// Opens the file to append. A new file can be read by its owner only, because it holds data of
/// records.
fn open(file: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)
}

/// Appends a line, and waits until it is on the disk.
fn keep(file: &Path, letter: &[u8]) -> io::Result<()> {
    let mut to = open(file)?;
    // A device such as /dev/stderr has no end to check, and keeps nothing to sync.
    let about = to.metadata()?;
    let is_file = about.is_file();
    let mut bytes = Vec::with_capacity(letter.len() + 1);
    if is_file && about.len() > 0 && is_torn(&mut to)? {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(letter);
    to.write_all(&bytes)?;
    if is_file { to.sync_all() } else { Ok(()) }
}

/// Whether the last line of a file that is not empty lacks its newline, for example after a full
/// disk.
fn is_torn(file: &mut fs::File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(file: &Path) -> Config {
        let mut config = Config::default();
        config.kinesis.stream_name = Some("orders".to_owned());
        config.consumer.application_name = Some("indexer".to_owned());
        config.consumer.dead_letter = Some(file.display().to_string());
        config
    }

    #[test]
    fn a_place_where_nothing_can_be_written_is_refused_with_its_name() {
        assert!(DeadLetters::of(&Config::default(), false).unwrap().is_none());
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing").join("dead.jsonl");
        for file in [folder.path(), &missing, Path::new("")] {
            let refused = DeadLetters::of(&config(file), false).err().unwrap();
            let (refused, named) = (format!("{refused:#}"), format!("{file:?}"));
            assert!(refused.contains(&named) && refused.contains("a folder that exists"));
        }
        assert!(!missing.exists());
    }

    #[test]
    fn lines_are_added_and_a_torn_one_is_ended_first() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dead.jsonl");
        DeadLetters::of(&config(&file), false).unwrap().unwrap();
        keep(&file, b"{\"a\":1}\n").unwrap();
        fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{\"b").unwrap();
        keep(&file, b"{\"b\":2}\n").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "{\"a\":1}\n{\"b\n{\"b\":2}\n");
        // The operator may move the file away at any time.
        fs::remove_file(&file).unwrap();
        keep(&file, b"{\"c\":3}\n").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "{\"c\":3}\n");
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "for its owner alone");
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_not_kept() {
        let refused = keep(Path::new("/dev/full"), b"{}\n").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
    }
}
