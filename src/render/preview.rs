//! A rendered notice for people: on a terminal, or as a file for a browser.
//!
//! Takes any notice; `samples` has some. Sends nothing and writes nothing.

use std::fmt::Write;

use crate::render::renderer::{RenderedEmail, RenderedSms};

/// The e-mail as a terminal shows it: headers that templates fill, then the text part.
pub fn email_text(email: &RenderedEmail) -> String {
    format!("Subject: {}\nContent-Language: {}\n\n{}", email.subject, email.language, email.text)
}

/// The text message, and what it takes on the air: encoding, characters, parts.
pub fn sms_text(sms: &RenderedSms) -> String {
    let (alone, part) = sms.encoding.capacity();
    let capacity = if sms.segments == 1 { alone } else { part };
    let parts = if sms.segments == 1 { "part" } else { "parts" };
    let mut text = format!("{}\n\n", sms.text);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}, {} characters, {} units, {} {parts} of up to {capacity}",
        sms.encoding.name(),
        sms.text.chars().count(),
        sms.units,
        sms.segments,
    );
    text
}

/// How a reader's colours are chosen in [`email_html`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// As the browser says.
    Browser,
    /// Light, whatever the browser says.
    Light,
    /// Dark, by the rules that the e-mail brings, not by turning colours around.
    Dark,
}

/// The HTML part as a page of its own.
pub fn email_html(email: &RenderedEmail, scheme: Scheme) -> String {
    const DARK: &str = "(prefers-color-scheme:dark)";
    match scheme {
        Scheme::Browser => email.html.clone(),
        Scheme::Light => email.html.replace(DARK, "not all"),
        Scheme::Dark => email.html.replace(DARK, "all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixture::{brand, contact, notice};
    use crate::render::{Limits, Renderer, Templates};

    #[test]
    fn a_preview_tells_what_a_text_takes_and_shows_the_dark_rules() {
        let renderer =
            Renderer::new(Templates::shipped(), "en", brand(), Limits::default()).expect("shipped");
        let sms = renderer.render_sms(&notice("expired", 1), &contact(), "zh").expect("rendered");
        assert!(
            sms_text(&sms).ends_with("\n\nUCS-2, 142 characters, 142 units, 3 parts of up to 67\n")
        );
        let email =
            renderer.render_email(&notice("expired", 1), &contact(), "zh").expect("rendered");
        assert!(
            email_text(&email).starts_with(
                "Subject: web-ins-001 已于 2026-03-10 到期\nContent-Language: zh-CN\n\n"
            )
        );
        assert!(
            email_html(&email, Scheme::Browser).contains("@media (prefers-color-scheme:dark){")
        );
        assert!(email_html(&email, Scheme::Dark).contains("@media all{"));
        assert!(email_html(&email, Scheme::Light).contains("@media not all{"));
    }
}
