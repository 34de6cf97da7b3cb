//! Where e-mails go: to a mail server, or in development to an outbox.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::mail::{EmailMessage, InvalidUrl};
use crate::settings::Settings;
pub use crate::smtp::ACCEPTS_SMTP_URL;
use crate::smtp::Smtp;

const OUTBOX_SIZE: usize = 50;

#[derive(Debug)]
pub enum Mailer {
    Smtp(Box<Smtp>),
    /// Kept in memory for the page `/outbox`.
    Outbox(Mutex<VecDeque<EmailMessage>>),
    /// Not in development, and `SMTP_URL` is not set.
    Disabled,
}

impl Mailer {
    pub(crate) fn new(settings: &Settings) -> Result<Self, InvalidUrl> {
        Ok(match &settings.smtp_url {
            Some(url) => Self::Smtp(Box::new(Smtp::new(url, settings.mail_sender.clone())?)),
            None if settings.is_development() => Self::Outbox(Mutex::default()),
            None => Self::Disabled,
        })
    }

    pub(crate) const fn is_disabled(&self) -> bool {
        matches!(self, Self::Disabled)
    }

    /// The e-mails in the outbox, newest first; `None` if there is no outbox.
    pub fn outbox(&self) -> Option<Vec<EmailMessage>> {
        let Self::Outbox(emails) = self else { return None };
        Some(emails.lock().iter().cloned().collect())
    }
}

pub(crate) fn add_to_outbox(outbox: &Mutex<VecDeque<EmailMessage>>, email: EmailMessage) {
    let mut emails = outbox.lock();
    emails.push_front(email);
    emails.truncate(OUTBOX_SIZE);
}
