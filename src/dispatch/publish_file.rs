//! The broker of embedded mode: what would be published, as JSON lines in `DIR/state-changes.jsonl`, each id once.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;

use super::jsonl::OnceLog;
use super::message::{Fault, Outcome, Publication, Publisher};

/// Publications into a file.
#[derive(Debug)]
pub struct FilePublisher {
    log: Arc<Mutex<OnceLog>>,
}

impl FilePublisher {
    /// Name of the file in the data folder.
    pub const FILE: &'static str = "state-changes.jsonl";

    /// Opens the file, made if missing.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds a line that is not one of ours.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        Ok(Self { log: Arc::new(Mutex::new(OnceLog::open(data_dir, Self::FILE)?)) })
    }

    async fn write(&self, publication: &Publication) -> Outcome {
        let log = Arc::clone(&self.log);
        let (id, body) = (publication.id.clone(), publication.body.clone());
        let writing = tokio::task::spawn_blocking(move || {
            log.lock().unwrap_or_else(PoisonError::into_inner).append(&id, &body)
        });
        let reason = match writing.await {
            Ok(Ok(())) => return Outcome::Sent { receipt: Self::FILE.to_owned() },
            Ok(Err(error)) => format!("cannot write {}: {error}", Self::FILE),
            Err(error) => format!("writing {} ended: {error}", Self::FILE),
        };
        Outcome::Failed { fault: Fault::Relay, reason, retry_after_secs: None }
    }
}

impl Publisher for FilePublisher {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BoxFuture<'a, Outcome> {
        Box::pin(self.write(publication))
    }

    fn name(&self) -> &'static str {
        "file"
    }
}
