//! `dunlin simulate`: the worker's own engine on a simulated clock, as a trace (spec §5).

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use chrono::{DateTime, Utc};

use crate::dispatch::message::Publication;
use crate::engine::decision::{Proofs, Verdict};
use crate::engine::effect::Effect;
use crate::engine::input::Body;
use crate::engine::policy::PolicySet;
use crate::event::out::OutContext;
use crate::event::{self, Decoded, Limits, trace};
use crate::intake::{Delivery, Tag};
use crate::simulate::{Decided, Simulation};

/// How decisions are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One line for each thing decided, in the order of spec §5.
    Trace,
    /// What would be published, as CloudEvents.
    Cloudevents,
}

/// Why a simulation stopped. What cannot be read of the input is no reason: it is named on standard error and left out.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The input or the output failed.
    #[error("reading events or writing the trace failed: {0}")]
    Io(#[from] std::io::Error),
    /// A decision cannot be written as JSON.
    #[error("a decision cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What a simulation reads, and how it prints.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The lifecycles.
    pub policies: &'a PolicySet,
    /// What a body may be.
    pub limits: Limits,
    /// Deadlines at this instant still happen; later events are not read.
    pub until: DateTime<Utc>,
    /// How to print.
    pub format: Format,
    /// What counts as proof that somebody was told.
    pub proofs: Proofs,
}

/// What counts as proof that a notice was accepted, as it is asked for (SAFE-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ProofsOption {
    /// Every notice counts as accepted when it is due.
    Assumed,
    /// Nothing is sent, so nothing is ever accepted: shows what would be held.
    Recorded,
}

impl From<ProofsOption> for Proofs {
    fn from(option: ProofsOption) -> Self {
        match option {
            ProofsOption::Assumed => Self::Assumed,
            ProofsOption::Recorded => Self::Recorded,
        }
    }
}

/// Reads events as JSON lines, in the order of arrival, and prints what was decided. `complain` is told what was left out.
///
/// # Errors
///
/// If the input cannot be read or the output cannot be written.
pub fn simulate(
    options: &Options<'_>,
    input: impl BufRead,
    output: &mut impl Write,
    mut complain: impl FnMut(String),
) -> Result<(), SimulateError> {
    let mut printer = Printer { format: options.format, at: None, lines: Vec::new(), output };
    decide(options, input, &mut complain, |decided| printer.print(decided))?;
    printer.flush()
}

/// Reads events as JSON lines, in the order of arrival, and hands on what was decided. `complain` is told what was left out.
pub(super) fn decide(
    options: &Options<'_>,
    input: impl BufRead,
    complain: &mut impl FnMut(String),
    mut take: impl FnMut(&Decided) -> Result<(), SimulateError>,
) -> Result<(), SimulateError> {
    let mut simulation = Simulation::new(options.policies).with_proofs(options.proofs);
    let mut hand_on = |decided: Vec<Decided>, complain: &mut dyn FnMut(String)| {
        decided.iter().try_for_each(|one| {
            left_out(one, complain);
            take(one)
        })
    };
    let mut inbox: BTreeMap<_, [u8; 32]> = BTreeMap::new();
    for (index, line) in input.split(b'\n').enumerate() {
        let (number, line) = (index as u64 + 1, line?);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Some(decoded) = decode(line, number, &options.limits, complain) else { continue };
        if decoded.event.time > options.until {
            break;
        }
        match inbox.get(&decoded.event.key) {
            Some(seen) if *seen == decoded.fingerprint => continue,
            Some(_) => {
                complain(format!(
                    "line {number}: its id was used before by an event with another body; left out"
                ));
                continue;
            }
            None => {}
        }
        inbox.insert(decoded.event.key.clone(), decoded.fingerprint);
        let decided = match decoded.event.body {
            // Nothing was sent here that could come back.
            Body::Heartbeat | Body::NoticeBounced { .. } => simulation.pass(decoded.event.time),
            _ => simulation.read(decoded.event),
        };
        hand_on(decided, complain)?;
    }
    hand_on(simulation.run_until(options.until), complain)
}

/// Says which events contradict what they are about.
fn left_out(decided: &Decided, complain: &mut dyn FnMut(String)) {
    let verdicts = decided.events.iter().zip(&decided.decision.verdicts);
    let refused = verdicts.filter_map(|(event, verdict)| match verdict {
        Verdict::Quarantined(reason) => Some((event, reason)),
        Verdict::Applied | Verdict::Stale | Verdict::Parked => None,
    });
    let waited = decided.decision.set_aside.iter().map(|(event, reason)| (event, reason));
    for (event, reason) in refused.chain(waited) {
        complain(format!("event {} of {}: {reason}; left out", event.key.id, event.key.source));
    }
}

fn decode(
    body: Vec<u8>,
    number: u64,
    limits: &Limits,
    complain: &mut impl FnMut(String),
) -> Option<Decoded> {
    let delivery = Delivery {
        body,
        content_type: None,
        headers: BTreeMap::new(),
        user_id: None,
        origin: format!("line {number}"),
        tag: Tag { session: 0, number },
    };
    event::decode(&delivery, limits)
        .inspect_err(|refusal| {
            complain(format!("line {number}: {refusal} ({}); left out", refusal.code.label()));
        })
        .ok()
}

/// Holds back the lines of one instant until it is over: they are ordered over all accounts.
struct Printer<'o, W> {
    format: Format,
    at: Option<DateTime<Utc>>,
    lines: Vec<trace::TraceLine>,
    output: &'o mut W,
}

impl<W: Write> Printer<'_, W> {
    fn print(&mut self, one: &Decided) -> Result<(), SimulateError> {
        match self.format {
            Format::Trace => {
                if self.at != Some(one.at) {
                    self.flush()?;
                    self.at = Some(one.at);
                }
                self.lines.extend(trace::lines(&one.account, one.at, &one.decision.effects));
            }
            Format::Cloudevents => self.publish(one)?,
        }
        Ok(())
    }

    fn publish(&mut self, one: &Decided) -> Result<(), SimulateError> {
        for publication in publications(one, |_| true) {
            self.output.write_all(&publication.body)?;
            self.output.write_all(b"\n")?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SimulateError> {
        trace::sort(&mut self.lines);
        for line in self.lines.drain(..) {
            serde_json::to_writer(&mut *self.output, &line)?;
            self.output.write_all(b"\n")?;
        }
        self.output.flush()?;
        Ok(())
    }
}

/// What is published of the effects that `wanted` picks.
pub(super) fn publications(
    one: &Decided,
    wanted: impl Fn(&Effect) -> bool,
) -> impl Iterator<Item = Publication> {
    let effects = one.decision.effects.iter().enumerate();
    effects.filter(move |(_, effect)| wanted(effect)).filter_map(|(index, effect)| {
        let context = OutContext {
            account: &one.account,
            source: "/dunlin",
            at: one.at,
            decision: one.decision.number,
            index,
        };
        event::out::publication(effect, &context)
    })
}
