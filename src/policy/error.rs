//! What is wrong with a policy file: where, what, and what was expected. Renders nothing; the edge does, with miette.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// Bytes of a file.
pub(super) type Span = Range<usize>;

/// One mistake, before it knows its file.
#[derive(Debug)]
pub(super) struct Mistake {
    span: Span,
    message: String,
    expected: Option<String>,
    help: Option<String>,
}

impl Mistake {
    /// Says what would have been right.
    pub(super) fn expected(&mut self, text: impl Into<String>) -> &mut Self {
        self.expected = Some(text.into());
        self
    }

    /// Says what to do.
    pub(super) fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    /// Proposes the known word that is closest to `word`, if one is close.
    pub(super) fn did_you_mean<'a>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> &mut Self {
        let closest = known
            .into_iter()
            .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|(left, _), (right, _)| left.total_cmp(right));
        if let Some((_, candidate)) = closest {
            self.help(format!("did you mean `{candidate}`?"));
        }
        self
    }
}

/// All mistakes of one file.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Notes one.
    pub(super) fn add(&mut self, span: Span, message: impl Into<String>) -> &mut Mistake {
        let mistake = Mistake { span, message: message.into(), expected: None, help: None };
        let at = self.0.len();
        self.0.push(mistake);
        &mut self.0[at]
    }

    /// How many so far.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Gives them their file; in its order.
    pub(super) fn of_file(mut self, file: &str, text: &str) -> PolicyErrors {
        self.0.sort_by_key(|mistake| mistake.span.start);
        let source = Arc::new(NamedSource::new(file, text.to_owned()).with_language("toml"));
        let errors = self.0.into_iter().map(|mistake| {
            let (line, column) = line_and_column(text, mistake.span.start);
            PolicyError {
                file: file.to_owned(),
                place: Some(Place { line, column, span: mistake.span, source: source.clone() }),
                message: mistake.message,
                expected: mistake.expected,
                help: mistake.help,
            }
        });
        PolicyErrors(errors.collect())
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

/// One mistake in one policy file.
#[derive(Debug, Clone)]
pub struct PolicyError {
    file: String,
    place: Option<Place>,
    message: String,
    expected: Option<String>,
    help: Option<String>,
}

#[derive(Debug, Clone)]
struct Place {
    line: usize,
    column: usize,
    span: Span,
    source: Arc<NamedSource<String>>,
}

impl PolicyError {
    /// A file that cannot be looked into.
    pub(super) fn unreadable(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), place: None, message: message.into(), expected: None, help: None }
    }

    /// The file, as it was named to the parser.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Line and column, both from 1, the column in characters; `None` where the file could not be read.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|place| (place.line, place.column))
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(Place { line, column, .. }) = &self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "; expected {expected}")?;
        }
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

impl Diagnostic for PolicyError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("policy"))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| place.source.as_ref() as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let label = match &self.expected {
            Some(expected) => format!("expected {expected}"),
            None => "here".to_owned(),
        };
        let label = LabeledSpan::new_primary_with_span(Some(label), place.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// Every mistake of every file that was read; never empty.
///
/// Its `Display` has a line for each. A terminal gets more from rendering each one with miette.
#[derive(Debug, Clone)]
pub struct PolicyErrors(Vec<PolicyError>);

impl PolicyErrors {
    pub(super) fn from_all(errors: Vec<PolicyError>) -> Option<Self> {
        if errors.is_empty() { None } else { Some(Self(errors)) }
    }

    pub(super) fn of_one(error: PolicyError) -> Self {
        Self(vec![error])
    }

    /// One by one, in the order of the files and of their lines.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }
}

impl IntoIterator for PolicyErrors {
    type Item = PolicyError;
    type IntoIter = std::vec::IntoIter<PolicyError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}
