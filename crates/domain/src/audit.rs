//! What happened to an account: who did it, when, and from where.

use crate::{AuditId, Timestamp, UserId};

described_enum! {
    #[derive(Hash)]
    pub enum Kind {
        SignedUp = "Created the account",
        SignedIn = "Signed in",
        /// A wrong password, or a sign-in at a provider that was not accepted.
        SignInFailed = "Failed to sign in",
        /// By signing out, or from a list.
        SignInEnded = "Signed out",
        RefreshReused = "Refresh token reused; sign-in revoked",
        Linked = "Linked a provider",
        Unlinked = "Unlinked a provider",
        AccessEnded = "Revoked an app’s access",
        PasswordChanged = "Changed the password",
        ResetRequested = "Requested a password reset",
        PasswordReset = "Reset the password by e-mail",
        EmailVerified = "Verified the e-mail address",
        RolesChanged = "Roles changed",
        KeysRotated = "Rotated the signing key",
        Connected = "Connected a service",
        Disconnected = "Disconnected a service",
        /// The provider does not accept its tokens any more.
        ReconnectNeeded = "A service must be reconnected",
        /// Nobody is let in any more.
        Blocked = "Blocked the account",
        Unblocked = "Unblocked the account",
        AccountDeleted = "Deleted an account",
    }
}

described_enum! {
    pub enum Actor {
        /// The person whose account it is.
        Person = "the user",
        /// Whoever runs the site, at the command line.
        Operator = "the operator",
        /// A stranger, or the system itself.
        #[strum(serialize = "nobody")]
        Unknown = "someone unknown",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: AuditId,
    pub at: Timestamp,
    pub kind: Kind,
    /// Whose account; `None` when it is gone.
    pub user_id: Option<UserId>,
    pub actor: Actor,
    /// The provider, the role. Nothing personal, so that it may outlive the account.
    pub detail: String,
    pub address: Option<String>,
}
