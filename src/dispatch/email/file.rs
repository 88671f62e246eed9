//! The e-mail channel of embedded mode: each message a complete `.eml` file under `DIR/mail/`.
//!
//! The name comes from the message: sending it again overwrites the same file with the same bytes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};

use super::mime::{Sender, hex};
use super::settings::{EmailSettings, EmailSettingsError};
use crate::dispatch::message::{EmailChannel, EmailMessage, Fault, Outcome};

/// E-mail into a folder.
pub struct FileEmail {
    sender: Sender,
    folder: PathBuf,
}

/// Longest part of a file name that comes from the notice, in characters.
const MAX_NAME: usize = 60;

impl FileEmail {
    /// A channel that writes below `data_dir`/mail; the folder is made with the first message.
    ///
    /// # Errors
    /// A sender's address that is not one.
    pub fn new(data_dir: &Path, settings: &EmailSettings) -> Result<Self, EmailSettingsError> {
        Ok(Self { sender: Sender::new(settings)?, folder: data_dir.join("mail") })
    }

    /// Where this message goes: `<UTC instant>-<notice>-<hash of the message id>.eml`.
    pub fn path(&self, message: &EmailMessage) -> PathBuf {
        let instant = message.date.format("%Y%m%dT%H%M%SZ");
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let notice: String = message.notice_id.chars().take(MAX_NAME).map(plain).collect();
        let hash = hex(&Sha256::digest(message.message_id.as_bytes())[..6]);
        self.folder.join(format!("{instant}-{notice}-{hash}.eml"))
    }

    async fn write(&self, message: &EmailMessage) -> Outcome {
        let failed = |fault, reason| Outcome::Failed { fault, reason, retry_after_secs: None };
        let encoded = match self.sender.encode(message) {
            Ok(encoded) => encoded,
            Err(error) => return failed(Fault::Message, error.to_string()),
        };
        let path = self.path(message);
        let receipt = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let receipt = receipt.unwrap_or_default();
        let writing = tokio::task::spawn_blocking(move || replace(&path, encoded.bytes()));
        match writing.await {
            Ok(Ok(())) => Outcome::Sent { receipt },
            Ok(Err(error)) => failed(Fault::Relay, format!("cannot write {receipt}: {error}")),
            Err(error) => failed(Fault::Relay, format!("writing {receipt} ended: {error}")),
        }
    }
}

impl EmailChannel for FileEmail {
    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Outcome> {
        Box::pin(self.write(message))
    }

    fn name(&self) -> &'static str {
        "file"
    }
}

/// Writes the whole file or none of it, and has it on the disk before it returns.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("tmp");
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::email::mime::tests::message;

    #[tokio::test]
    async fn a_repeated_message_is_the_same_file_with_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let channel = FileEmail::new(dir.path(), &EmailSettings::default()).unwrap();
        let first = channel.send(&message()).await;
        let path = channel.path(&message());
        let bytes = fs::read(&path).unwrap();
        assert_eq!(first, channel.send(&message()).await);
        assert_eq!(bytes, fs::read(&path).unwrap());
        assert_eq!(fs::read_dir(dir.path().join("mail")).unwrap().count(), 1);
        assert_eq!(
            path.file_name().unwrap().to_str().unwrap(),
            "20261122T031500Z-expiry-warning_1-9e59b9d2c3b7.eml"
        );
    }

    #[tokio::test]
    async fn a_name_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let channel = FileEmail::new(dir.path(), &EmailSettings::default()).unwrap();
        let odd = EmailMessage { notice_id: "../../etc/x\n.eml".to_owned(), ..message() };
        assert_eq!(channel.path(&odd).parent(), Some(dir.path().join("mail").as_path()));
        assert!(matches!(channel.send(&odd).await, Outcome::Sent { .. }));
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_blames_no_recipient() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mail"), b"a file where the folder should be").unwrap();
        let channel = FileEmail::new(dir.path(), &EmailSettings::default()).unwrap();
        let outcome = channel.send(&message()).await;
        assert!(matches!(outcome, Outcome::Failed { fault: Fault::Relay, .. }), "{outcome:?}");
    }
}
