//! Another app's opaque token (RFC 7662): its issuer says what it is good for.

use latchkey_auth::introspection::{CallCounter, Error, Introspection, Unavailable};

use super::bearer::invalid_token;
use super::{Caller, Credential};
use crate::errors::{Fault, Result, catalogue};
use crate::state::Latchkey;

/// Who lets the app act that shows this token.
pub(super) async fn caller(
    latchkey: &Latchkey,
    introspection: &Introspection,
    token: &str,
    calls: &CallCounter,
) -> Result<Caller> {
    let delegation =
        introspection.delegation(token, &latchkey.clock, calls).await.map_err(fault)?;
    Ok(Caller { user: delegation.user.clone(), credential: Credential::OAuthBearer(delegation) })
}

/// Whatever went wrong, nobody is let in.
fn fault(error: Error) -> Fault {
    match error {
        Error::Rejected(refused) => invalid_token(refused.code(), refused.to_string()),
        // RFC 6750 §3.1 has no error code for a good token whose person is not here.
        Error::UnknownSubject => Fault::new(catalogue::ACCOUNT_UNKNOWN).challenge(""),
        Error::Unavailable(unavailable) => {
            match unavailable {
                Unavailable::Resting => tracing::debug!("no token is asked about for a moment"),
                _ => tracing::warn!(error = %unavailable, "a token could not be asked about"),
            }
            Fault::new(catalogue::INTROSPECTION_UNAVAILABLE).retry_after(unavailable.again_in())
        }
        Error::Store(error) => Fault::from(&*error),
    }
}

#[cfg(test)]
mod tests {
    use latchkey_auth::introspection::Rejection;

    use super::*;

    #[test]
    fn every_refusal_has_its_page() {
        for refused in Rejection::ALL {
            let entry = fault(refused.into()).entry();
            assert_eq!((entry.code, entry.status.as_u16()), (refused.code(), 401));
        }
    }

    #[test]
    fn not_knowing_is_never_letting_in() {
        for unavailable in [Unavailable::Late, Unavailable::InvalidResponse, Unavailable::Resting] {
            assert_eq!(fault(unavailable.into()).entry().status.as_u16(), 503);
        }
    }
}
