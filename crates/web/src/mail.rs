//! What e-mails there are, and what becomes of them.

use latchkey_domain::{Email, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmailMessage {
    pub to: Email,
    pub subject: String,
    pub text: String,
    /// What there is to open, if it is not a code to type.
    pub link: Option<String>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotTaken {
    /// Without the server's own words, which may name the recipient.
    pub(crate) trouble: String,
    /// Whether it would refuse this one again.
    pub(crate) is_final: bool,
}

/// The address of the mail server makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("SMTP_URL has to be smtps://user:password@host or smtp://host:port?tls=required")]
pub struct InvalidUrl;
