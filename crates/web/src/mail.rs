//! E-mail messages and delivery errors.

use latchkey_domain::{Email, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmailMessage {
    pub to: Email,
    pub subject: String,
    pub text: String,
    /// `None` for an e-mail with a code.
    pub link: Option<String>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryError {
    /// Without the mail server's own text, which may name the recipient.
    pub(crate) reason: String,
    /// Whether a retry would fail, too.
    pub(crate) is_permanent: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("SMTP_URL must be smtps://user:password@host or smtp://host:port?tls=required")]
pub struct InvalidUrl;
