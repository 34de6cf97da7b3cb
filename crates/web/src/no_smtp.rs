//! In place of `smtp.rs` in a build without the feature `mail`: there is no mail server,
//! and the settings refuse `SMTP_URL`.

use latchkey_auth::secret::Secret;
use tokio::sync::Notify;

use crate::mail::{EmailMessage, InvalidUrl, NotTaken};
use crate::settings::Sender;

#[derive(Debug)]
pub struct Smtp {
    pub(crate) waiting: Notify,
    never: std::convert::Infallible,
}

impl Smtp {
    pub(crate) fn new(_: &Secret, _: Sender) -> Result<Self, InvalidUrl> {
        Err(InvalidUrl)
    }

    pub(crate) fn hand_over(
        &self,
        _: &str,
        _: &EmailMessage,
    ) -> std::future::Ready<Result<(), NotTaken>> {
        match self.never {}
    }
}

pub const ACCEPTS_SMTP_URL: Option<fn(&Secret) -> bool> = None;
