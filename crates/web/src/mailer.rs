//! Where e-mails go.

use std::collections::VecDeque;

use latchkey_auth::secret::Secret;
use parking_lot::Mutex;

use crate::mail::{EmailMessage, InvalidUrl};
use crate::settings::Sender;
pub use crate::smtp::ACCEPTS;
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
    pub fn new(
        url: Option<&Secret>,
        development: bool,
        sender: Sender,
    ) -> Result<Self, InvalidUrl> {
        let Some(url) = url else {
            return Ok(if development { Self::Outbox(Mutex::default()) } else { Self::Nowhere });
        };
        Ok(Self::Smtp(Box::new(Smtp::new(url, sender)?)))
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
