//! Connections: a signed-in user lets Latchkey use their data at a provider.
//!
//! [`offer`] lists what can be connected, [`scopes`] holds what was requested and granted,
//! [`decision`] has the rules.

pub mod decision;
pub mod offer;
pub mod scopes;

use crate::{ConnectionId, DisplayName, Email, Timestamp};

pub use offer::{Family, Offer, Service};
pub use scopes::ProviderScopes;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub id: ConnectionId,
    pub provider: String,
    pub name: DisplayName,
    pub email: Option<Email>,
    pub requested: ProviderScopes,
    pub granted: ProviderScopes,
    pub state: State,
    pub connected_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub renewable: bool,
    pub used_at: Option<Timestamp>,
    pub refreshed_at: Option<Timestamp>,
    pub last_failure: Option<LastFailure>,
}

impl Connection {
    pub fn is_disconnecting(&self) -> bool {
        matches!(self.state, State::Disconnecting { .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    /// The grant has ended, and only the user can grant access again.
    NeedsReconnect {
        since: Timestamp,
        reason: BrokenReason,
    },
    /// The user disconnected it, and the provider has not confirmed the revocation yet.
    Disconnecting {
        since: Timestamp,
        tries: u32,
        next_try_at: Timestamp,
    },
}

impl State {
    pub fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

described_enum! {
    /// Why the user has to reconnect. The phrase follows the provider's name.
    pub enum BrokenReason {
        /// The provider rejected the refresh token (RFC 6749 §5.2 `invalid_grant`), which
        /// does not tell the two apart.
        Revoked = "says that access was revoked or has expired",
        /// The access token has expired, and there is no refresh token.
        Expired = "gave temporary access, which has expired and cannot be refreshed",
        /// The provider rejects an access token that has not expired.
        Refused = "no longer accepts the access token",
        /// No secret of `APP_SECRET` decrypts the tokens.
        Unreadable = "gave tokens that can no longer be decrypted, because APP_SECRET was changed",
        /// The settings now name another issuer, which must not see the tokens.
        #[strum(serialize = "elsewhere")]
        IssuerChanged = "is now set up here with a different address from the one that issued the tokens",
    }
}

described_enum! {
    pub enum Failure {
        Timeout = "did not answer in time",
        Unreachable = "could not be reached",
        Down = "answered that it is unavailable or gets too many requests",
        #[strum(serialize = "nonsense")]
        InvalidResponse = "sent an invalid response",
        /// It rejects our client ID or secret, which only the site's owner can fix.
        #[strum(serialize = "site")]
        ClientRejected = "does not accept this site’s client ID and secret",
        /// Our settings are wrong: they name another issuer, or no secret of
        /// `APP_SECRET` decrypts the tokens.
        Settings = "cannot be used with this site’s current settings",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastFailure {
    pub at: Timestamp,
    pub failure: Failure,
}
