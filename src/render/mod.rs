//! From a notice to an e-mail or a text message: templates, their variables, and what is wrong with them.
//!
//! ```text
//! Notice ─▶ variables ─▶ catalogue (HTML | text) ─▶ RenderedEmail · RenderedSms
//!              │              ▲
//!            schema ──▶ lint ─┴─▶ check
//! ```
//!
//! Pure after start: the shipped templates are compiled in, and [`load`] alone reads a folder, once. Sends nothing, decides
//! nothing, and is the only module that knows `handlebars`.

pub mod catalogue;
pub mod check;
pub mod finding;
#[cfg(test)]
mod fixture;
pub mod helpers;
mod lint;
pub mod load;
pub mod locale;
pub mod moment;
mod plan;
pub mod preview;
pub mod renderer;
pub mod samples;
pub mod schema;
mod scope;
pub mod segments;
pub mod shape;
pub mod source;
mod structure;
pub mod variables;
mod words;

use crate::engine::id::NoticeKind;
pub use check::check;
pub use finding::Finding;
pub use renderer::{RenderedEmail, RenderedSms, Renderer};
pub use source::Templates;
pub use variables::Brand;

/// How large templates and messages may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of one template, in bytes: 64 KiB.
    pub template_bytes: usize,
    /// Templates in an operator's folder.
    pub templates: usize,
    /// Size of one rendered part, in bytes.
    pub output_bytes: usize,
    /// Resources that one e-mail lists; the others are counted. Keeps the HTML below the 102 kB after which some readers cut.
    pub listed: usize,
    /// Parts of one text message.
    pub sms_segments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            template_bytes: 64 * 1024,
            templates: 2_000,
            output_bytes: 512 * 1024,
            listed: 50,
            sms_segments: 3,
        }
    }
}

/// Why a notice could not be rendered. It must not be dropped for it: what it announces waits (SAFE-4). Holds no customer's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// No locale of the reader's chain has the templates.
    #[error("notice `{notice}`: no {part} template for `{tag}`, nor for the default locale")]
    NoTemplate {
        /// The notice.
        notice: NoticeKind,
        /// The first part that is missing in the default locale.
        part: &'static str,
        /// What was asked for.
        tag: String,
    },
    /// A template failed.
    #[error("notice `{notice}`: {finding}")]
    Template {
        /// The notice.
        notice: NoticeKind,
        /// Where and why.
        finding: Finding,
    },
    /// The notice does not have what one of its kind always has.
    #[error("notice `{notice}`: it has no `{variable}`")]
    Incomplete {
        /// The notice.
        notice: NoticeKind,
        /// What it lacks.
        variable: &'static str,
    },
    /// The variables are not data for a template.
    #[error("notice `{notice}`: its variables cannot be given to a template")]
    Data {
        /// The notice.
        notice: NoticeKind,
    },
    /// Its zone is not an IANA name.
    #[error("notice `{notice}`: `{zone}` is not a time zone")]
    Zone {
        /// The notice.
        notice: NoticeKind,
        /// What it says.
        zone: String,
    },
    /// Nothing is left to say.
    #[error("notice `{notice}`: {file} renders to nothing")]
    Empty {
        /// The notice.
        notice: NoticeKind,
        /// The template.
        file: String,
    },
    /// It takes too many parts, even without names and link.
    #[error("notice `{notice}`: {file} takes {segments} parts")]
    TooLong {
        /// The notice.
        notice: NoticeKind,
        /// The template.
        file: String,
        /// How many.
        segments: usize,
    },
}

/// Why there can be no renderer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// What is wrong with the templates.
    #[error("{} in the templates, the first: {}", count(.0.len()), .0.first().map(ToString::to_string).unwrap_or_default())]
    Templates(Vec<Finding>),
    /// The default locale has no templates.
    #[error("there are no templates for the default locale `{0}`")]
    DefaultLocale(String),
    /// The brand has no name.
    #[error("the brand has no name")]
    BrandName,
    /// The link is none that a reader may be sent to.
    #[error("the console URL is not an http or https address")]
    ConsoleUrl,
}

fn count(mistakes: usize) -> String {
    if mistakes == 1 { "one mistake".to_owned() } else { format!("{mistakes} mistakes") }
}
