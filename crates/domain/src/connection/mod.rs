//! Connections: services at a provider that a person lets Latchkey use for them.
//!
//! Not a way to sign in. Somebody who is signed in lets Latchkey look into their
//! calendar at Google, say, for as long as they like, and no further than they
//! ticked. [`offer`] is what can be connected, [`scopes`] what was asked and
//! granted, [`decision`] what follows from that.

pub mod decision;
pub mod offer;
pub mod scopes;

use crate::{ConnectionId, DisplayName, Email, Timestamp};

pub use offer::{Family, Offer, Service};
pub use scopes::Granted;

/// A connection, without its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub id: ConnectionId,
    /// The provider's name in our URLs.
    pub provider: String,
    /// What the person is called there.
    pub name: DisplayName,
    /// Their address there, if the provider told us.
    pub email: Option<Email>,
    pub asked: Granted,
    /// What was granted, which may be less.
    pub granted: Granted,
    pub state: State,
    pub connected_at: Timestamp,
    /// When the access token ends, where the provider says so.
    pub expires_at: Option<Timestamp>,
    /// Whether it can be renewed without the person.
    pub renewable: bool,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
    /// When its access token was last renewed.
    pub refreshed_at: Option<Timestamp>,
    /// What went wrong the last time, if nothing has gone well since.
    pub trouble: Option<Trouble>,
}

impl Connection {
    /// Whether the person has ended it, and the provider has not confirmed that.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self.state, State::Disconnecting { .. })
    }
}

/// What state a connection is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Living,
    /// The grant is over; only the person can give it again.
    NeedsReconnect {
        since: Timestamp,
        because: Because,
    },
    /// The person ended it, and the provider has not confirmed that yet.
    Disconnecting {
        since: Timestamp,
        /// How often the provider was asked.
        tries: u32,
        next_try_at: Timestamp,
    },
}

impl State {
    #[must_use]
    pub fn is_living(&self) -> bool {
        *self == Self::Living
    }
}

macro_rules! stored {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $stored:literal, $said:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            #[must_use]
            pub const fn stored(self) -> &'static str {
                match self { $(Self::$variant => $stored),* }
            }

            /// As a person reads it: the end of a sentence about a provider.
            #[must_use]
            pub const fn said(self) -> &'static str {
                match self { $(Self::$variant => $said),* }
            }

            #[must_use]
            pub fn from_stored(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.stored() == text)
            }
        }
    };
}

stored! {
    /// Why a connection has to be made again.
    Because {
        /// The provider did not take the refresh token (RFC 6749 §5.2 `invalid_grant`):
        /// it does not tell which of the two it was.
        Revoked = "revoked", "says that access was revoked or has expired";
        /// The access token has ended, and there is nothing to renew it with.
        Expired = "expired", "gave temporary access, which has expired and cannot be refreshed";
        /// The provider does not take an access token that should be good.
        Refused = "refused", "no longer accepts the access token";
        /// No secret of `APP_SECRET` opens the tokens.
        Unreadable = "unreadable", "gave tokens that can no longer be decrypted, because APP_SECRET was changed";
        /// The provider of that name is another by now, which is none of its business.
        Elsewhere = "elsewhere", "is now set up here with a different address from the one that issued the tokens";
    }
}

stored! {
    /// What goes wrong for a while.
    Failure {
        Timeout = "timeout", "did not answer in time";
        /// It cannot be reached.
        Unreachable = "unreachable", "could not be reached";
        Down = "down", "answered that it is unavailable or gets too many requests";
        /// What it says cannot be understood.
        Nonsense = "nonsense", "sent an invalid response";
        /// It does not accept this site: only the site's owner can mend that.
        Site = "site", "does not accept this site’s client ID and secret";
        /// It cannot be asked as this site is set up now: its address is another, or
        /// no secret of `APP_SECRET` opens the tokens.
        Settings = "settings", "cannot be used with this site’s current settings";
    }
}

/// Something that went wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub at: Timestamp,
    pub what: Failure,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_stored_and_read_back() {
        for because in Because::ALL {
            assert_eq!(Because::from_stored(because.stored()), Some(*because));
        }
        for failure in Failure::ALL {
            assert_eq!(Failure::from_stored(failure.stored()), Some(*failure));
        }
        assert_eq!(Because::from_stored("unheard_of"), None);
    }
}
