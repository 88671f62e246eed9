//! `dunlin simulate`: the worker's own engine on a simulated clock, as a trace (spec §5).

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use chrono::{DateTime, Utc};

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
    let mut simulation = Simulation::new(options.policies);
    let mut printer = Printer { format: options.format, at: None, lines: Vec::new(), output };
    let mut inbox: BTreeMap<_, [u8; 32]> = BTreeMap::new();
    for (index, line) in input.split(b'\n').enumerate() {
        let (number, line) = (index as u64 + 1, line?);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Some(decoded) = decode(line, number, &options.limits, &mut complain) else { continue };
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
            Body::Heartbeat => simulation.pass(decoded.event.time),
            _ => simulation.read(decoded.event),
        };
        printer.print(decided, &mut complain)?;
    }
    printer.print(simulation.run_until(options.until), &mut complain)?;
    printer.flush()
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
    fn print(
        &mut self,
        decided: Vec<Decided>,
        complain: &mut impl FnMut(String),
    ) -> Result<(), SimulateError> {
        for one in decided {
            for (event, verdict) in one.events.iter().zip(&one.decision.verdicts) {
                if let crate::engine::decision::Verdict::Quarantined(reason) = verdict {
                    complain(format!(
                        "event {} of {}: {reason}; left out",
                        event.key.id, event.key.source
                    ));
                }
            }
            for (event, reason) in &one.decision.set_aside {
                complain(format!(
                    "event {} of {}: {reason}; left out",
                    event.key.id, event.key.source
                ));
            }
            match self.format {
                Format::Trace => {
                    if self.at != Some(one.at) {
                        self.flush()?;
                        self.at = Some(one.at);
                    }
                    self.lines.extend(trace::lines(&one.account, one.at, &one.decision.effects));
                }
                Format::Cloudevents => self.publish(&one)?,
            }
        }
        Ok(())
    }

    fn publish(&mut self, one: &Decided) -> Result<(), SimulateError> {
        for (index, effect) in one.decision.effects.iter().enumerate() {
            let context = OutContext {
                account: &one.account,
                source: "/dunlin",
                at: one.at,
                decision: one.decision.number,
                index,
            };
            if let Some(publication) = event::out::publication(effect, &context) {
                self.output.write_all(&publication.body)?;
                self.output.write_all(b"\n")?;
            }
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
