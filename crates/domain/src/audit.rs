//! What happened to an account: who did it, when, and from where.

use std::fmt;

use crate::{AuditId, Timestamp, UserId};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $stored:literal, $said:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            #[must_use]
            pub const fn stored(self) -> &'static str {
                match self { $(Self::$name => $stored),* }
            }

            #[must_use]
            pub const fn said(self) -> &'static str {
                match self { $(Self::$name => $said),* }
            }
        }
    };
}

kinds! {
    SignedUp = "signed_up", "Created the account";
    SignedIn = "signed_in", "Signed in";
    /// Somebody tried, with a wrong password or at a provider, and did not get in.
    SignInFailed = "sign_in_failed", "Failed to sign in";
    /// A sign-in was ended, by signing out or from a list.
    SignInEnded = "sign_in_ended", "Signed out";
    /// A refresh token was used twice, and its family ended.
    RefreshReused = "refresh_reused", "Refresh token reused; sign-in revoked";
    Linked = "linked", "Linked a provider";
    Unlinked = "unlinked", "Unlinked a provider";
    AccessEnded = "access_ended", "Revoked an app’s access";
    /// A password was set or changed.
    PasswordChanged = "password_changed", "Changed the password";
    /// An e-mail to reset the password was requested.
    ResetRequested = "reset_requested", "Requested a password reset";
    /// The password was reset with such an e-mail.
    PasswordReset = "password_reset", "Reset the password by e-mail";
    EmailVerified = "email_verified", "Verified the e-mail address";
    /// A role was given or taken.
    RolesChanged = "roles_changed", "Roles changed";
    KeysRotated = "keys_rotated", "Rotated the signing key";
    /// A service at a provider was connected, or more of it.
    Connected = "connected", "Connected a service";
    Disconnected = "disconnected", "Disconnected a service";
    /// The provider takes its tokens no more.
    ReconnectNeeded = "reconnect_needed", "A service must be reconnected";
    AccountDeleted = "account_deleted", "Deleted an account";
}

impl Kind {
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.stored() == text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The person whose account it is.
    Person,
    /// Whoever runs the site, at the command line.
    Operator,
    /// Nobody who is known: a stranger, or the system itself.
    Nobody,
}

impl Actor {
    #[must_use]
    pub const fn stored(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Operator => "operator",
            Self::Nobody => "nobody",
        }
    }

    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        match text {
            "person" => Self::Person,
            "operator" => Self::Operator,
            _ => Self::Nobody,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Person => "the user",
            Self::Operator => "the operator",
            Self::Nobody => "someone unknown",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Names it, and sorts by time.
    pub id: AuditId,
    pub at: Timestamp,
    pub kind: Kind,
    /// To whose account; nobody's any more when the account is gone.
    pub user_id: Option<UserId>,
    pub actor: Actor,
    /// A few words more: the provider, the role. Nothing personal, so that it
    /// may outlive the account.
    pub detail: String,
    /// From where; forgotten with the account.
    pub address: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_stored_and_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_stored(kind.stored()), Some(*kind));
        }
        assert_eq!(Kind::from_stored("unheard_of"), None);
        for actor in [Actor::Person, Actor::Operator, Actor::Nobody] {
            assert_eq!(Actor::from_stored(actor.stored()), actor);
        }
    }
}
