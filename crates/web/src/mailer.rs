//! Where e-mails go.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::mail::{EmailMessage, InvalidUrl};
use crate::settings::Settings;
pub use crate::smtp::ACCEPTS_SMTP_URL;
use crate::smtp::Smtp;

const OUTBOX: usize = 50;

#[derive(Debug)]
pub enum Mailer {
    Smtp(Box<Smtp>),
    /// Into a box that a developer can look into. Nothing is sent.
    Outbox(Mutex<VecDeque<EmailMessage>>),
    /// Nowhere: `SMTP_URL` is not set, and this is nobody's own machine.
    Nowhere,
}

impl Mailer {
    pub(crate) fn new(settings: &Settings) -> Result<Self, InvalidUrl> {
        Ok(match &settings.smtp_url {
            Some(url) => Self::Smtp(Box::new(Smtp::new(url, settings.mail_sender.clone())?)),
            None if settings.is_development() => Self::Outbox(Mutex::default()),
            None => Self::Nowhere,
        })
    }

    /// What would have been sent, the newest first; `None` where it is sent.
    pub fn outbox(&self) -> Option<Vec<EmailMessage>> {
        let Self::Outbox(emails) = self else { return None };
        let emails = emails.lock();
        Some(emails.iter().cloned().collect())
    }
}

pub(crate) fn put_into_outbox(outbox: &Mutex<VecDeque<EmailMessage>>, email: EmailMessage) {
    let mut emails = outbox.lock();
    emails.push_front(email);
    emails.truncate(OUTBOX);
}
