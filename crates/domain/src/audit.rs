//! The audit trail: who did what to an account, when, and from where.

use crate::{AuditId, Timestamp, UserId};

described_enum! {
    #[derive(Hash)]
    pub enum Kind {
        SignedUp = "Created the account",
        SignedIn = "Signed in",
        /// A wrong password, or a rejected sign-in at a provider.
        SignInFailed = "Failed to sign in",
        /// By signing out, or from the list of sign-ins.
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
        /// The provider no longer accepts the tokens.
        ReconnectNeeded = "A service must be reconnected",
        /// All sign-ins are refused.
        Blocked = "Blocked the account",
        Unblocked = "Unblocked the account",
        AccountDeleted = "Deleted an account",
    }
}

described_enum! {
    pub enum Actor {
        /// The owner of the account.
        Person = "the user",
        /// At the command line.
        Operator = "the operator",
        /// An unauthenticated client, or the system itself.
        #[strum(serialize = "nobody")]
        Unknown = "someone unknown",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: AuditId,
    pub at: Timestamp,
    pub kind: Kind,
    /// `None` when the account was deleted.
    pub user_id: Option<UserId>,
    pub actor: Actor,
    /// Such as the provider or the role. Nothing personal: it outlives the account.
    pub detail: String,
    pub address: Option<String>,
}
