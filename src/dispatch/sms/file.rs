//! The SMS channel of embedded mode: JSON lines in `DIR/sms.jsonl`, each id once, also after a restart.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::failed;
use crate::dispatch::jsonl::OnceLog;
use crate::dispatch::message::{Fault, Outcome, SmsBody, SmsChannel, SmsMessage};

/// Texts into a file.
pub struct FileSms {
    log: Arc<Mutex<OnceLog>>,
}

impl FileSms {
    /// Opens `data_dir`/sms.jsonl, made if missing.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds a line that is not one of ours.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        Ok(Self { log: Arc::new(Mutex::new(OnceLog::open(data_dir, "sms.jsonl")?)) })
    }

    async fn write(&self, message: &SmsMessage) -> Outcome {
        let (log, id) = (Arc::clone(&self.log), message.id.clone());
        let line = line(message).to_string();
        let writing = tokio::task::spawn_blocking(move || {
            log.lock().unwrap_or_else(PoisonError::into_inner).append(&id, line.as_bytes())
        });
        match writing.await {
            Ok(Ok(())) => Outcome::Sent { receipt: "sms.jsonl".to_owned() },
            Ok(Err(error)) => failed(Fault::Relay, format!("cannot write sms.jsonl: {error}")),
            Err(error) => failed(Fault::Relay, format!("writing sms.jsonl ended: {error}")),
        }
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

    /// Each id is written once, synced, and known again after a restart; a line cut short is no line.
    fn is_idempotent(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        fs::write(&path, "{\"id\":\"a\"}\n{\"id\":\"sms-1\",\"te").unwrap();
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
