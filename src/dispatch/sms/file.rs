//! The SMS channel of embedded mode: JSON lines in `DIR/sms.jsonl`, each id once, also after a restart.
//!
//! Remembers the ids that the file holds: it is made for local runs, not for millions of texts.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::failed;
use crate::dispatch::message::{Fault, Outcome, SmsBody, SmsChannel, SmsMessage};

/// Texts into a file.
pub struct FileSms {
    log: Arc<Mutex<Log>>,
}

struct Log {
    file: File,
    /// Where the last whole line ends.
    end: u64,
    ids: HashSet<String>,
}

impl FileSms {
    /// Opens `data_dir`/sms.jsonl, made if missing. A line that a crash left unfinished is taken back.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds a line that is not one of ours.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(data_dir)?;
        let path: PathBuf = data_dir.join("sms.jsonl");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        let text = fs::read(&path)?;
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut ids = HashSet::new();
        for (number, line) in text[..end].split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let id = serde_json::from_slice::<Value>(line)
                .ok()
                .and_then(|value| value.get("id")?.as_str().map(str::to_owned));
            let Some(id) = id else {
                let problem = format!("sms.jsonl line {} is not one of ours", number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            };
            ids.insert(id);
        }
        let log = Log { file, end: u64::try_from(end).map_err(io::Error::other)?, ids };
        // The entry in the folder must outlive a crash as well as the lines.
        File::open(data_dir)?.sync_all()?;
        Ok(Self { log: Arc::new(Mutex::new(log)) })
    }

    async fn write(&self, message: &SmsMessage) -> Outcome {
        let (log, id) = (Arc::clone(&self.log), message.id.clone());
        let line = format!("{}\n", line(message));
        let writing = tokio::task::spawn_blocking(move || {
            log.lock().unwrap_or_else(PoisonError::into_inner).append(id, &line)
        });
        match writing.await {
            Ok(Ok(())) => Outcome::Sent { receipt: "sms.jsonl".to_owned() },
            Ok(Err(error)) => failed(Fault::Relay, format!("cannot write sms.jsonl: {error}")),
            Err(error) => failed(Fault::Relay, format!("writing sms.jsonl ended: {error}")),
        }
    }
}

impl Log {
    /// Appends the line behind the last whole one, unless the id is there already.
    fn append(&mut self, id: String, line: &str) -> io::Result<()> {
        if self.ids.contains(&id) {
            return Ok(());
        }
        // A failed write may have left a piece of a line behind: it is overwritten.
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_all()?;
        self.end = self.file.stream_position()?;
        self.ids.insert(id);
        Ok(())
    }
}

fn line(message: &SmsMessage) -> Value {
    let mut line = json!({
        "id": message.id,
        "at": message.date.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        "to": message.to,
        "notice": message.notice_id,
        "language": message.language,
    });
    match &message.body {
        SmsBody::FreeText(text) => line["text"] = json!(text),
        SmsBody::Registered { template, params } => {
            line["template"] = json!(template);
            let pair = |(name, value): &(String, String)| json!({ "name": name, "value": value });
            line["params"] = params.iter().map(pair).collect();
        }
    }
    line
}

impl SmsChannel for FileSms {
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Outcome> {
        Box::pin(self.write(message))
    }

    fn name(&self) -> &'static str {
        "file"
    }

    fn is_idempotent(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::tests::sms;
    use super::*;

    fn lines(dir: &Path) -> Vec<Value> {
        let text = fs::read_to_string(dir.join("sms.jsonl")).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_repeated_id_is_written_once_also_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let channel = FileSms::open(dir.path()).unwrap();
            for id in ["a", "b", "a"] {
                let message = SmsMessage { id: id.to_owned(), ..sms("line one\nline two") };
                assert!(matches!(channel.send(&message).await, Outcome::Sent { .. }));
            }
        }
        let ids: Vec<_> = lines(dir.path()).iter().map(|line| line["id"].clone()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(lines(dir.path())[0]["text"], "line one\nline two");
    }

    #[tokio::test]
    async fn a_line_cut_short_by_a_crash_is_taken_back_and_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sms.jsonl");
        let torn = "x".repeat(10_000);
        fs::write(&path, format!("{{\"id\":\"a\"}}\n{{\"id\":\"sms-1\",\"text\":\"{torn}"))
            .unwrap();
        let channel = FileSms::open(dir.path()).unwrap();
        assert!(matches!(channel.send(&sms("x")).await, Outcome::Sent { .. }));
        assert_eq!(lines(dir.path()).len(), 2);
        assert_eq!(lines(dir.path())[1]["id"], "sms-1");
    }

    #[test]
    fn a_file_that_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("sms.jsonl"), "shopping list\n").unwrap();
        assert!(FileSms::open(dir.path()).is_err());
    }
}
