//! Identifiers: UUIDs of version 7 (RFC 9562 §5.7), which sort by creation time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                let millis = now.as_millis().unsigned_abs();
                Self(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        /// Accepts only the canonical form, so that each resource has one URL.
        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let uuid = Uuid::try_parse(text).map_err(|_| InvalidId)?;
                let mut buffer = Uuid::encode_buffer();
                if *uuid.hyphenated().encode_lower(&mut buffer) == *text {
                    Ok(Self(uuid))
                } else {
                    Err(InvalidId)
                }
            }
        }
    };
}

id!(
    /// A user. Never changes, even if the e-mail address, the name or the providers do.
    UserId
);
id!(
    /// One sign-in: the `sid` claim of a JWT.
    SignInId
);
id!(AuditId);
id!(TraceId);
id!(ContactId);
id!(ConnectionId);
id!(EventId);
