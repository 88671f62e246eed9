//! Where a value was written. Holds no value.

use std::fmt;

/// Where a value was written. Later variants win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config/default.toml`, compiled in.
    Default,
    /// The configuration file.
    File {
        /// As it was given.
        path: String,
        /// Counted from one.
        line: usize,
    },
    /// An environment variable, by its name.
    Variable(String),
}

impl Origin {
    /// The layer: 0 the defaults, 1 the file, 2 the environment. The higher one wins.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Variable(_) => 2,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}
