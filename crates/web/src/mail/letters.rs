//! What the letters say.

use latchkey_domain::{Email, Timestamp};

use super::Letter;

/// To somebody who has just signed up.
pub(crate) fn verify(to: Email, link: String, at: Timestamp) -> Letter {
    Letter {
        subject: "Is this your address?".to_owned(),
        text: format!(
            "Somebody, probably you, made an account at Latchkey with this address.\n\n\
             If it was you, open this link within a day to prove that the address is yours:\n\n\
             {link}\n\n\
             If it was not you, do nothing: nobody can use your address without it.\n"
        ),
        link: Some(link),
        to,
        at,
    }
}

/// To somebody who signed up, and has an account already.
pub(crate) fn exists(to: Email, sign_in: String, at: Timestamp) -> Letter {
    Letter {
        subject: "You already have an account".to_owned(),
        text: format!(
            "Somebody, probably you, tried to make an account at Latchkey with this address.\n\n\
             You have one already, so nothing was changed. Sign in as you did before:\n\n\
             {sign_in}\n"
        ),
        link: Some(sign_in),
        to,
        at,
    }
}

/// To somebody who has forgotten their password.
pub(crate) fn reset(to: Email, link: String, at: Timestamp) -> Letter {
    Letter {
        subject: "Choose a new password".to_owned(),
        text: format!(
            "Somebody, probably you, asked to choose a new password at Latchkey.\n\n\
             If it was you, open this link within half an hour:\n\n\
             {link}\n\n\
             All your other sign-ins end when you do. If it was not you, do nothing: \
             your password stays as it is.\n"
        ),
        link: Some(link),
        to,
        at,
    }
}

/// To somebody whose password has just been changed.
pub(crate) fn changed(to: Email, forgot: String, at: Timestamp) -> Letter {
    Letter {
        subject: "Your password was changed".to_owned(),
        text: format!(
            "The password of your account at Latchkey was changed, and all your other \
             sign-ins have ended.\n\n\
             If it was not you, choose a new one at once:\n\n\
             {forgot}\n"
        ),
        link: Some(forgot),
        to,
        at,
    }
}
