//! Events without a broker: JSON lines from a file or from standard input, handed over as deliveries.
//!
//! Decodes nothing. A line over the limit is cut there, and refused by the decoder like any body that is too large.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;

use tokio::fs::File;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, stdin};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::intake::{Delivery, Tag};

/// Where events are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

/// Hands over every line that is not blank, in order, until the end or until `stop`. `line_max` is in bytes.
///
/// # Errors
///
/// If the source cannot be opened or read.
pub async fn feed(
    source: Source,
    deliveries: mpsc::Sender<Delivery>,
    line_max: usize,
    stop: CancellationToken,
) -> io::Result<()> {
    match &source {
        Source::File(path) => {
            feed_from(BufReader::new(File::open(path).await?), &source, deliveries, line_max, stop)
                .await
        }
        Source::Stdin => {
            feed_from(BufReader::new(stdin()), &source, deliveries, line_max, stop).await
        }
    }
}

async fn feed_from(
    mut input: impl AsyncBufRead + Unpin,
    source: &Source,
    deliveries: mpsc::Sender<Delivery>,
    line_max: usize,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut number = 0;
    loop {
        let Some(line) = stop.run_until_cancelled(read_line(&mut input, line_max)).await else {
            return Ok(());
        };
        let Some(body) = line? else { return Ok(()) };
        number += 1;
        if body.trim_ascii().is_empty() {
            continue;
        }
        let delivery = Delivery {
            body,
            content_type: None,
            headers: BTreeMap::new(),
            user_id: None,
            origin: format!("{source} line {number}"),
            tag: Tag { session: 0, number },
            mark: None,
        };
        // Nobody takes them any more: the program is stopping.
        if deliveries.send(delivery).await.is_err() {
            return Ok(());
        }
    }
}

/// One line without its end, cut one byte over the limit. `None` at the end of the input.
async fn read_line(
    input: &mut (impl AsyncBufRead + Unpin),
    line_max: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut any = false;
    loop {
        let chunk = input.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(any.then_some(line));
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let used = end.unwrap_or(chunk.len());
        let room = (line_max + 1).saturating_sub(line.len());
        line.extend_from_slice(&chunk[..used.min(room)]);
        input.consume(used + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &str, line_max: usize) -> Vec<(u64, String)> {
        let (tx, mut rx) = mpsc::channel(16);
        feed_from(text.as_bytes(), &Source::Stdin, tx, line_max, CancellationToken::new())
            .await
            .unwrap();
        let mut lines = Vec::new();
        while let Some(delivery) = rx.recv().await {
            lines.push((delivery.tag.number, String::from_utf8(delivery.body).unwrap()));
        }
        lines
    }

    #[tokio::test]
    async fn every_line_is_handed_over_with_its_number_and_blank_ones_are_not() {
        let expected = vec![(1, "a".to_owned()), (3, "b".to_owned()), (4, "c".to_owned())];
        assert_eq!(lines("a\n\nb\nc", 10).await, expected);
    }

    #[tokio::test]
    async fn an_endless_line_costs_no_more_than_the_limit_and_the_next_one_is_whole() {
        let text = format!("{}\nnext\n", "x".repeat(100_000));
        assert_eq!(lines(&text, 8).await, vec![(1, "x".repeat(9)), (2, "next".to_owned())]);
    }
}
