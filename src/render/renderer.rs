//! Renders one notice for one reader.
//!
//! Pure: the same notice, reader, templates and brand give the same bytes. Sends nothing.

use handlebars::Context;

use crate::engine::effect::Notice;
use crate::engine::input::Contact;
use crate::engine::policy::Channel;
use crate::render::catalogue::{Catalogue, parts, path_of};
use crate::render::segments::{self, Encoding};
use crate::render::source::{Part, Templates};
use crate::render::variables::{Brand, Naming, SUBJECT_NAME, variables};
use crate::render::words::{dense, one_line, tidy};
use crate::render::{Limits, RenderError, StartError, locale, schema};

/// An e-mail, ready to be put in an envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedEmail {
    /// One line.
    pub subject: String,
    /// The `text/plain` part, whole in itself.
    pub text: String,
    /// The `text/html` part.
    pub html: String,
    /// BCP 47 tag of the language it is in.
    pub language: String,
}

/// A text message, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedSms {
    /// One line.
    pub text: String,
    /// BCP 47 tag of the language it is in.
    pub language: String,
    /// How it is encoded on the air.
    pub encoding: Encoding,
    /// Septets or UTF-16 code units.
    pub units: usize,
    /// Parts, at most [`Limits::sms_segments`].
    pub segments: usize,
}

impl std::fmt::Debug for RenderedEmail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenderedEmail").field("language", &self.language).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RenderedSms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenderedSms").field("segments", &self.segments).finish_non_exhaustive()
    }
}

/// What a text message leaves out, step by step, until it fits: number and length of names, length of the account's name
/// (its id at zero), and whether there is a link.
const SHORTER: [(usize, usize, usize, bool); 5] =
    [(2, 24, 24, true), (2, 14, 14, true), (1, 14, 14, true), (0, 0, 0, true), (0, 0, 0, false)];

/// Renders notices.
#[derive(Debug)]
pub struct Renderer {
    catalogue: Catalogue,
    default_locale: String,
    brand: Brand,
}

impl Renderer {
    /// Compiles `templates`; refuses what can be seen to be wrong without a notice.
    pub fn new(
        templates: Templates,
        default_locale: &str,
        brand: Brand,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let catalogue = Catalogue::compile(templates, limits).map_err(StartError::Templates)?;
        if !catalogue.locales().contains(default_locale) {
            return Err(StartError::DefaultLocale(default_locale.to_owned()));
        }
        if brand.name.trim().is_empty() {
            return Err(StartError::BrandName);
        }
        let url = &brand.console_url;
        let web = url.starts_with("https://") || url.starts_with("http://");
        if !web || url.chars().any(|character| character.is_whitespace() || character.is_control())
        {
            return Err(StartError::ConsoleUrl);
        }
        Ok(Self { catalogue, default_locale: default_locale.to_owned(), brand })
    }

    /// The tag to render in: the contact's, else the account's, else the default.
    pub fn locale_for<'a>(&'a self, contact: &'a Contact, account: Option<&'a str>) -> &'a str {
        contact.locale.as_deref().or(account).unwrap_or(&self.default_locale)
    }

    /// Renders `notice` as an e-mail to `contact`, in the language closest to `tag`.
    pub fn render_email(
        &self,
        notice: &Notice,
        contact: &Contact,
        tag: &str,
    ) -> Result<RenderedEmail, RenderError> {
        let locale = self.locale(notice, Channel::Email, tag)?;
        let listed = self.catalogue.limits().listed;
        let naming =
            Naming { listed, names: 0, name_length: 0, account_length: SUBJECT_NAME, link: true };
        let data = self.data(notice, contact, locale, naming)?;
        let subject = one_line(&self.part(notice, locale, Part::Subject, &data)?);
        let text = tidy(&self.part(notice, locale, Part::Text, &data)?);
        let html = dense(&self.part(notice, locale, Part::Html, &data)?);
        for (rendered, part) in
            [(&subject, Part::Subject), (&text, Part::Text), (&html, Part::Html)]
        {
            self.not_empty(rendered, notice, locale, part)?;
        }
        Ok(RenderedEmail { subject, text, html, language: locale::language_of(locale).to_owned() })
    }

    /// Renders `notice` as a text message to `contact`, in the language closest to `tag`.
    ///
    /// Leaves out names, then the link, until it takes no more than [`Limits::sms_segments`].
    pub fn render_sms(
        &self,
        notice: &Notice,
        contact: &Contact,
        tag: &str,
    ) -> Result<RenderedSms, RenderError> {
        let locale = self.locale(notice, Channel::Sms, tag)?;
        let limits = self.catalogue.limits();
        let mut segments = 0;
        for (names, name_length, account_length, link) in SHORTER {
            let listed = limits.listed;
            let naming = Naming { listed, names, name_length, account_length, link };
            let data = self.data(notice, contact, locale, naming)?;
            let text = one_line(&self.part(notice, locale, Part::Sms, &data)?);
            self.not_empty(&text, notice, locale, Part::Sms)?;
            let size = segments::size(&text);
            if size.segments <= limits.sms_segments {
                return Ok(RenderedSms {
                    text,
                    language: locale::language_of(locale).to_owned(),
                    encoding: size.encoding,
                    units: size.units,
                    segments: size.segments,
                });
            }
            segments = size.segments;
        }
        let file = self.file(notice, locale, Part::Sms);
        Err(RenderError::TooLong { notice: notice.kind.clone(), file, segments })
    }

    /// The templates.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The locale of those who ask for none.
    pub fn default_locale(&self) -> &str {
        &self.default_locale
    }

    fn locale(&self, notice: &Notice, channel: Channel, tag: &str) -> Result<&str, RenderError> {
        let kind = notice.kind.as_str();
        self.catalogue.locale_of(kind, channel, tag, &self.default_locale).ok_or_else(|| {
            let missing = parts(channel)
                .iter()
                .find(|part| !self.catalogue.has(&self.default_locale, kind, **part));
            RenderError::NoTemplate {
                notice: notice.kind.clone(),
                part: missing.map_or("complete", |part| part.file()),
                tag: tag.to_owned(),
            }
        })
    }

    fn data(
        &self,
        notice: &Notice,
        contact: &Contact,
        locale: &str,
        naming: Naming,
    ) -> Result<Context, RenderError> {
        let language = locale::language_of(locale);
        let variables = variables(notice, contact, &self.brand, language, naming)?;
        let unfit = |_| RenderError::Data { notice: notice.kind.clone() };
        let mut data = serde_json::to_value(variables).map_err(unfit)?;
        schema::prune(notice.kind.as_str(), &mut data);
        let data =
            Context::wraps(data).map_err(|_| RenderError::Data { notice: notice.kind.clone() })?;
        match schema::lacking(notice.kind.as_str(), data.data()) {
            Some(variable) => {
                Err(RenderError::Incomplete { notice: notice.kind.clone(), variable })
            }
            None => Ok(data),
        }
    }

    fn part(
        &self,
        notice: &Notice,
        locale: &str,
        part: Part,
        data: &Context,
    ) -> Result<String, RenderError> {
        self.catalogue
            .render((locale, notice.kind.as_str(), part), data)
            .map_err(|finding| RenderError::Template { notice: notice.kind.clone(), finding })
    }

    fn not_empty(
        &self,
        rendered: &str,
        notice: &Notice,
        locale: &str,
        part: Part,
    ) -> Result<(), RenderError> {
        if !rendered.trim().is_empty() {
            return Ok(());
        }
        let file = self.file(notice, locale, part);
        Err(RenderError::Empty { notice: notice.kind.clone(), file })
    }

    fn file(&self, notice: &Notice, locale: &str, part: Part) -> String {
        self.catalogue.file(&path_of(locale, notice.kind.as_str(), part))
    }
}

#[cfg(test)]
mod course_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod words_tests;
