//! Marks in the stream of deliveries: by them the worker knows up to when everything that was under way has been read.
//!
//! Knows no broker: who puts markers into queues and who knows them again are told and tell through here.

use tokio::sync::{mpsc, watch};

/// What a delivery says that is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A marker that was asked for in this session came back out of a queue: everything before it in that queue was handed
    /// over before.
    Read {
        /// Which queue, counted from 0 in the settings.
        queue: usize,
        /// Which marker.
        number: u64,
    },
    /// A marker of another process or of an earlier session. It says nothing.
    Stale,
    /// The input has ended: nothing more comes.
    End,
}

/// A marker to be put into every input queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// It counts only if it is read back in this session.
    pub session: u64,
    /// Which marker.
    pub number: u64,
}

/// The worker's end: asks for markers.
#[derive(Debug)]
pub struct Marks {
    wanted: mpsc::Sender<Wanted>,
    session: watch::Receiver<Option<u64>>,
    /// How many queues there are to read.
    pub queues: usize,
}

/// The other end: what is asked for, and the session that consumes.
#[derive(Debug)]
pub struct Pen {
    /// Markers to be put into the queues.
    pub wanted: mpsc::Receiver<Wanted>,
    /// The consuming session; `None` while there is none.
    pub session: watch::Sender<Option<u64>>,
}

/// Both ends, over so many queues. One marker at a time is on its way to be written.
pub fn marks(queues: usize) -> (Marks, Pen) {
    let (to, wanted) = mpsc::channel(1);
    let (session, seen) = watch::channel(None);
    (Marks { wanted: to, session: seen, queues }, Pen { wanted, session })
}

impl Marks {
    /// The session that consumes now.
    pub fn session(&self) -> Option<u64> {
        *self.session.borrow()
    }

    /// Asks for a marker; `false` if the last one is still being written.
    pub fn ask(&self, wanted: Wanted) -> bool {
        self.wanted.try_send(wanted).is_ok()
    }
}
