//! Replaces `smtp.rs` in builds without the feature `mail`, where the settings refuse
//! `SMTP_URL`.

use latchkey_auth::secret::Secret;
use tokio::sync::Notify;

use crate::mail::{DeliveryError, EmailMessage, InvalidUrl};
use crate::settings::Sender;

#[derive(Debug)]
pub struct Smtp {
    pub(crate) queued: Notify,
    never: std::convert::Infallible,
}

impl Smtp {
    pub(crate) fn new(_: &Secret, _: Sender) -> Result<Self, InvalidUrl> {
        Err(InvalidUrl)
    }

    pub(crate) fn send(
        &self,
        _: &str,
        _: &EmailMessage,
    ) -> std::future::Ready<Result<(), DeliveryError>> {
        match self.never {}
    }
}

pub const ACCEPTS_SMTP_URL: Option<fn(&Secret) -> bool> = None;
