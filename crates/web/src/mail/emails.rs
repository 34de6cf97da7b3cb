//! What the e-mails say.

use latchkey_domain::{Email, Timestamp};

use super::EmailMessage;

/// To somebody who has just signed up.
pub(crate) fn verify(to: Email, link: String, at: Timestamp) -> EmailMessage {
    EmailMessage {
        subject: "Verify your address".to_owned(),
        text: format!(
            "Someone, probably you, created a Latchkey account with this e-mail address.\n\n\
             If it was you, open this link within 24 hours to verify your address:\n\n\
             {link}\n\n\
             If it wasn’t you, ignore this e-mail: your address can’t be verified without the \
             link.\n"
        ),
        link: Some(link),
        to,
        at,
    }
}

/// To somebody who signed up, and has an account already.
pub(crate) fn exists(to: Email, sign_in: String, at: Timestamp) -> EmailMessage {
    EmailMessage {
        subject: "You already have an account".to_owned(),
        text: format!(
            "Someone, probably you, tried to create a Latchkey account with this e-mail \
             address.\n\n\
             You already have one, so nothing changed. Sign in the way you did before:\n\n\
             {sign_in}\n"
        ),
        link: Some(sign_in),
        to,
        at,
    }
}

/// To somebody who has forgotten their password.
pub(crate) fn reset(to: Email, link: String, at: Timestamp) -> EmailMessage {
    EmailMessage {
        subject: "Choose a new password".to_owned(),
        text: format!(
            "Someone, probably you, asked to reset your Latchkey password.\n\n\
             If it was you, open this link within 30 minutes:\n\n\
             {link}\n\n\
             A new password signs you out everywhere. If it wasn’t you, ignore this e-mail: \
             your password stays the same.\n"
        ),
        link: Some(link),
        to,
        at,
    }
}

/// To somebody whose password has just been changed.
pub(crate) fn changed(to: Email, forgot: String, at: Timestamp) -> EmailMessage {
    EmailMessage {
        subject: "Your password was changed".to_owned(),
        text: format!(
            "Your Latchkey password was changed, and all your other devices were signed out.\n\n\
             If it wasn’t you, choose a new password now:\n\n\
             {forgot}\n"
        ),
        link: Some(forgot),
        to,
        at,
    }
}
