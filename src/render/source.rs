//! The texts of templates by path: the shipped ones, compiled in, and an operator's over them.
//!
//! Reads no folder (`load` does) and compiles nothing (`catalogue` does).

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "templates/"]
#[include = "*.hbs"]
struct Shipped;

/// One template, not compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file, as a person finds it.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// Templates by path below the folder of templates, without `.hbs`: `en/expired/body.txt`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates(BTreeMap<String, Source>);

/// One of the four files of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `subject.txt`
    Subject,
    /// `body.txt`
    Text,
    /// `body.html`
    Html,
    /// `sms.txt`
    Sms,
}

impl Part {
    /// What an e-mail is made of.
    pub const EMAIL: [Self; 3] = [Self::Subject, Self::Text, Self::Html];
    /// What a text message is made of.
    pub const SMS: [Self; 1] = [Self::Sms];
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Subject, Self::Text, Self::Html, Self::Sms];

    /// The file's name without `.hbs`.
    pub fn file(self) -> &'static str {
        match self {
            Self::Subject => "subject.txt",
            Self::Text => "body.txt",
            Self::Html => "body.html",
            Self::Sms => "sms.txt",
        }
    }
}

/// What a path below the folder of templates is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// One file of a notice.
    Notice {
        /// Its locale.
        locale: &'a str,
        /// Its kind.
        kind: &'a str,
        /// Which.
        part: Part,
    },
    /// Included by others: something in a folder whose name begins with an underscore.
    Partial,
    /// Nothing that is ever used.
    Unknown,
}

/// What the template at `path` is for.
pub(super) fn place(path: &str) -> Place<'_> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    if folder.split('/').any(|name| name.starts_with('_')) {
        let known = file.ends_with(".txt") || file.ends_with(".html");
        return if known { Place::Partial } else { Place::Unknown };
    }
    let part = Part::ALL.into_iter().find(|part| part.file() == file);
    match (folder.split_once('/'), part) {
        (Some((locale, kind)), Some(part)) if !kind.contains('/') => {
            Place::Notice { locale, kind, part }
        }
        _ => Place::Unknown,
    }
}

impl Templates {
    /// The templates that are compiled in.
    pub fn shipped() -> Self {
        let mut templates = Self::default();
        for name in Shipped::iter() {
            let file = Shipped::get(&name).expect("the name was listed by the same folder");
            let text = String::from_utf8_lossy(&file.data).into_owned();
            templates.insert(&name, &format!("templates/{name}"), text);
        }
        templates
    }

    /// Adds the template at `path` (with or without `.hbs`), in place of one that is there.
    pub fn insert(&mut self, path: &str, file: &str, text: impl Into<String>) {
        let path = path.strip_suffix(".hbs").unwrap_or(path).to_owned();
        self.0.insert(path, Source { file: file.to_owned(), text: text.into() });
    }

    /// These, with those of `over` in place of theirs, file by file.
    #[must_use]
    pub fn overridden_by(mut self, over: Self) -> Self {
        self.0.extend(over.0);
        self
    }

    /// The template at `path`, without `.hbs`.
    pub fn get(&self, path: &str) -> Option<&Source> {
        self.0.get(path)
    }

    /// All of them, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.0.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_a_template_is_for() {
        let notice = Place::Notice { locale: "zh", kind: "expired", part: Part::Html };
        assert_eq!(place("zh/expired/body.html"), notice);
        for path in ["_layout/page.html", "en/_parts/steps.txt"] {
            assert_eq!(place(path), Place::Partial, "{path}");
        }
        for path in [
            "body.txt",
            "en/body.txt",
            "en/expired/more/body.txt",
            "en/expired/body.text",
            "_layout/x.css",
        ] {
            assert_eq!(place(path), Place::Unknown, "{path}");
        }
    }

    #[test]
    fn an_operators_file_takes_the_place_of_the_shipped_one_alone() {
        let mut over = Templates::default();
        over.insert("en/expired/sms.txt.hbs", "/etc/x/en/expired/sms.txt.hbs", "mine");
        let templates = Templates::shipped().overridden_by(over);
        assert_eq!(templates.get("en/expired/sms.txt").expect("there").text, "mine");
        assert_eq!(templates.len(), Templates::shipped().len());
    }
}
