//! A file of JSON lines to which each id is written once, also after a restart. What embedded mode puts out.
//!
//! Remembers the ids that the file holds: it is made for local runs, not for millions of lines.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::Value;

/// JSON lines, each with an `id` of its own.
#[derive(Debug)]
pub struct OnceLog {
    file: File,
    /// Where the last whole line ends.
    end: u64,
    ids: HashSet<String>,
}

impl OnceLog {
    /// Opens a file, made if missing. A line that a crash left unfinished is taken back.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds a line that is not one of ours.
    pub fn open(dir: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let path = dir.join(name);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
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
                let problem = format!("{name} line {} is not one of ours", number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            };
            ids.insert(id);
        }
        // The entry in the folder must outlive a crash as well as the lines.
        File::open(dir)?.sync_all()?;
        Ok(Self { file, end: u64::try_from(end).map_err(io::Error::other)?, ids })
    }

    /// Appends a line behind the last whole one, unless its id is there already. Durable when it returns.
    ///
    /// # Errors
    /// The file cannot be written: nothing was added.
    pub fn append(&mut self, id: &str, line: &[u8]) -> io::Result<()> {
        if self.ids.contains(id) {
            return Ok(());
        }
        // A failed write may have left a piece of a line behind: it is overwritten.
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(line)?;
        self.file.write_all(b"\n")?;
        self.file.sync_data()?;
        self.end = self.file.stream_position()?;
        self.ids.insert(id.to_owned());
        Ok(())
    }
}
