//! What is said to a provider so that a grant lasts beyond the sign-in.

use latchkey_domain::connection::Family;

/// Parameters of the authorization request beyond those of signing in.
pub(crate) const fn parameters(family: Family) -> &'static [(&'static str, &'static str)] {
    match family {
        // A refresh token comes only with both of the first ("Using OAuth 2.0 for
        // Web Server Applications"); the last joins what was granted before.
        Family::Google => {
            &[("access_type", "offline"), ("prompt", "consent"), ("include_granted_scopes", "true")]
        }
        // OpenID Connect Core §11: offline access has to be consented to each time.
        Family::OpenId => &[("prompt", "consent")],
        // What somebody unticked once is not asked again without this.
        Family::Facebook => &[("auth_type", "rerequest")],
        Family::GitHub => &[],
    }
}
