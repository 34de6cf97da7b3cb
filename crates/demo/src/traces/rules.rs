//! The allow list of values that a trace shows. Anything else is a secret: of an unknown header,
//! cookie, form field or JSON member, only the length is stored.

use latchkey_auth::oauth::attempt::{PENDING_COOKIE, USED_COOKIE};
use latchkey_web::cookies::{REFRESH, SESSION, TOKEN};

use super::text::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    Header,
    /// A query parameter or form field.
    Parameter,
    /// A member of a JSON object.
    Member,
    /// Attributes of `Set-Cookie` (RFC 6265 §4.1).
    Attribute,
}

/// The names whose values are shown.
const ALLOWED: [(Location, &str); 8] = [
    (
        Location::Header,
        "accept accept-charset accept-encoding accept-language age allow cache-control connection \
         content-encoding content-language content-length content-security-policy content-type \
         cross-origin-opener-policy cross-origin-resource-policy date dnt expires host keep-alive \
         last-modified origin permissions-policy pragma priority referrer-policy sec-ch-ua \
         sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site \
         sec-fetch-storage-access sec-fetch-user sec-gpc server server-timing \
         strict-transport-security te transfer-encoding upgrade-insecure-requests user-agent vary \
         x-content-type-options x-error-code x-frame-options x-latchkey-trace x-oauth-scopes \
         x-request-id",
    ),
    (
        Location::Parameter,
        "response_type response_mode client_id redirect_uri scope code_challenge_method \
         grant_type iss display prompt max_age access_type include_granted_scopes resource error \
         fields strategy next email decision person misbehave granted_scopes auth_type \
         allow_signup hd authuser",
    ),
    // Discovery (Discovery §3, RFC 8414 §2, RFC 9728 §4), with `…_supported` and `…_endpoint`.
    (
        Location::Member,
        "issuer jwks_uri op_policy_uri op_tos_uri service_documentation protected_resources",
    ),
    // The public members of keys (RFC 7517 §4, RFC 7518 §6).
    (Location::Member, "kty kid use alg crv key_ops n e x y"),
    // The token response (RFC 6749 §5.1).
    (Location::Member, "token_type expires_in refresh_token_expires_in scope error"),
    // Standard claims (OpenID Connect Core §5.1).
    (
        Location::Member,
        "sub name given_name family_name middle_name nickname preferred_username email \
         email_verified picture locale zoneinfo updated_at hd",
    ),
    // GitHub's and Facebook's profiles.
    (
        Location::Member,
        "id login type site_admin primary verified visibility avatar_url html_url created_at",
    ),
    (Location::Attribute, "path max-age expires domain httponly secure samesite"),
];

/// The kinds of the known secrets in parameters and members.
const SECRETS: [(&str, Kind); 12] = [
    ("state", Kind::State),
    ("nonce", Kind::Nonce),
    ("code_challenge", Kind::Challenge),
    ("code", Kind::Code),
    ("code_verifier", Kind::Verifier),
    ("client_secret", Kind::ClientSecret),
    ("password", Kind::Password),
    ("access_token", Kind::AccessToken),
    ("refresh_token", Kind::RefreshToken),
    ("id_token", Kind::IdToken),
    ("id_token_hint", Kind::IdToken),
    ("appsecret_proof", Kind::Proof),
];

/// `None` if the value may be shown.
pub(super) fn secret_kind(location: Location, name: &str) -> Option<Kind> {
    let mut allowed = ALLOWED.iter().filter(|(of, _)| *of == location);
    let is_allowed = allowed.any(|(_, names)| names.split(' ').any(|one| one == name));
    let is_metadata = || name.ends_with("_supported") || name.ends_with("_endpoint");
    if is_allowed || location == Location::Member && is_metadata() {
        return None;
    }
    let known = SECRETS.iter().find(|(one, _)| *one == name).map(|(_, kind)| *kind);
    match location {
        Location::Parameter | Location::Member => Some(known.unwrap_or(Kind::Value)),
        Location::Header => Some(Kind::Value),
        Location::Attribute => Some(Kind::Cookie),
    }
}

/// Cookie values are never shown (RFC 6265 §4.2).
pub(super) fn cookie_kind(name: &str) -> Kind {
    let name = name.trim().trim_start_matches("__Host-").trim_start_matches("__Secure-");
    // On loopback, cookie names end with the port.
    match name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_') {
        name if name.contains(PENDING_COOKIE) || name.contains(USED_COOKIE) => Kind::Attempt,
        name => match name.rsplit_once('_').map(|(_, base)| base) {
            Some(SESSION) => Kind::SessionId,
            Some(TOKEN) => Kind::AccessToken,
            Some(REFRESH) => Kind::RefreshToken,
            _ => Kind::Cookie,
        },
    }
}
