//! Texts as e-mail to a gateway that sends them on, over the e-mail channel.
//!
//! Free text only. The gateway cannot tell a second copy, whatever its Message-ID says.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};

use super::failed;
use super::settings::{EmailGatewaySettings, SmsSettingsError};
use crate::dispatch::email::{EmailSettings, EmailSettingsError, Sender, address, hex};
use crate::dispatch::message::{
    EmailChannel, EmailMessage, Fault, Outcome, SmsBody, SmsChannel, SmsMessage,
};

/// Texts over an e-mail channel.
pub struct EmailGatewaySms {
    email: Arc<dyn EmailChannel>,
    settings: EmailGatewaySettings,
    domain: String,
}

impl EmailGatewaySms {
    /// `email` carries the texts; its settings give the domain for message ids.
    ///
    /// # Errors
    /// `address` names no number, or makes no address of one.
    pub fn new(
        settings: &EmailGatewaySettings,
        email: Arc<dyn EmailChannel>,
        email_settings: &EmailSettings,
    ) -> Result<Self, SmsSettingsError> {
        let wrong = |problem: &str| SmsSettingsError::new("email_gateway.address", problem);
        if !settings.address.contains("{to}") && !settings.address.contains("{digits}") {
            return Err(wrong("must hold {to} or {digits}"));
        }
        if address(&fill(&settings.address, "+8613800000000")).is_none() {
            return Err(wrong("makes no e-mail address of a number"));
        }
        let from = Sender::new(email_settings)
            .map_err(|error: EmailSettingsError| wrong(&error.to_string()))?;
        Ok(Self { email, settings: settings.clone(), domain: from.domain().to_owned() })
    }

    async fn forward(&self, message: &SmsMessage) -> Outcome {
        let SmsBody::FreeText(text) = &message.body else {
            let reason = "an e-mail gateway takes free text, not a registered template";
            return failed(Fault::Message, reason);
        };
        let hash = hex(&Sha256::digest(message.id.as_bytes())[..16]);
        let email = EmailMessage {
            message_id: format!("sms.{hash}@{}", self.domain),
            to_name: None,
            to_address: fill(&self.settings.address, &message.to),
            subject: self.settings.subject.clone(),
            text: text.clone(),
            html: String::new(),
            date: message.date,
            language: message.language.clone(),
            thread: None,
            notice_id: message.notice_id.clone(),
        };
        self.email.send(&email).await
    }
}

fn fill(pattern: &str, to: &str) -> String {
    pattern.replace("{to}", to).replace("{digits}", to.trim_start_matches('+'))
}

impl SmsChannel for EmailGatewaySms {
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Outcome> {
        Box::pin(self.forward(message))
    }

    fn name(&self) -> &'static str {
        "email-gateway"
    }

    /// The same `Message-ID` twice is two texts: nothing says that a gateway looks at it.
    fn is_idempotent(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::template::tests::sms;
    use super::*;

    #[derive(Default)]
    struct Seen(Mutex<Vec<EmailMessage>>);

    impl EmailChannel for Seen {
        fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Outcome> {
            self.0.lock().unwrap().push(message.clone());
            Box::pin(async { Outcome::Unknown { reason: "as the relay says".to_owned() } })
        }

        fn name(&self) -> &'static str {
            "seen"
        }
    }

    #[tokio::test]
    async fn a_text_travels_as_one_plain_mail_to_the_number_and_its_outcome_is_the_relays() {
        let seen = Arc::new(Seen::default());
        let settings = EmailGatewaySettings::default();
        let channel = EmailGatewaySms::new(&settings, seen.clone(), &EmailSettings::default());
        let channel = channel.unwrap();
        let outcome = channel.send(&sms("Renew now")).await;
        assert_eq!(outcome, Outcome::Unknown { reason: "as the relay says".to_owned() });
        channel.send(&sms("Renew now")).await;
        let mails = seen.0.lock().unwrap();
        assert_eq!(mails[0].to_address, "8613800000000@sms.localhost");
        assert_eq!((mails[0].text.as_str(), mails[0].html.as_str()), ("Renew now", ""));
        assert!(mails[0] == mails[1], "a repeated text is the same mail");
        assert!(!channel.is_idempotent());
    }

    #[test]
    fn a_pattern_without_the_number_is_refused() {
        for pattern in ["sms@localhost", "{to}", "{digits}@", "{digits}@a b"] {
            let settings = EmailGatewaySettings {
                address: pattern.to_owned(),
                ..EmailGatewaySettings::default()
            };
            let email = Arc::new(Seen::default());
            let made = EmailGatewaySms::new(&settings, email, &EmailSettings::default());
            assert!(made.is_err(), "{pattern}");
        }
    }
}
