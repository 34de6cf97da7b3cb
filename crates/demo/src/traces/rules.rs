//! What may be shown of a message: one closed table. Whatever is not in it is a
//! secret, whoever wrote it: a header, a cookie, a form field, a member of a
//! JSON document that nobody thought of shows its length and nothing else.

use latchkey_auth::oauth::attempt::{USED, WAITING};
use latchkey_web::cookies::{REFRESH, SESSION, TOKEN};

use super::text::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Header,
    /// Query parameters and form fields of RFC 6749, OpenID Connect, and our own
    /// and the providers' forms.
    Parameter,
    Member,
    /// Attributes of `Set-Cookie` (RFC 6265 §4.1).
    Attribute,
}

/// The names of the values that are shown as they are.
const SHOWN: [(Place, &str); 8] = [
    (
        Place::Header,
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
        Place::Parameter,
        "response_type response_mode client_id redirect_uri scope code_challenge_method \
         grant_type iss display prompt max_age access_type include_granted_scopes resource error \
         fields strategy next email decision person misbehave granted_scopes auth_type \
         allow_signup hd authuser",
    ),
    // Discovery (Discovery §3, RFC 8414 §2, RFC 9728 §4); `…_supported` and `…_endpoint` besides.
    (
        Place::Member,
        "issuer jwks_uri op_policy_uri op_tos_uri service_documentation protected_resources",
    ),
    // Keys (RFC 7517 §4, RFC 7518 §6): the public members alone.
    (Place::Member, "kty kid use alg crv key_ops n e x y"),
    // The token response (RFC 6749 §5.1).
    (Place::Member, "token_type expires_in refresh_token_expires_in scope error"),
    // Standard claims (OpenID Connect Core §5.1).
    (
        Place::Member,
        "sub name given_name family_name middle_name nickname preferred_username email \
         email_verified picture locale zoneinfo updated_at hd",
    ),
    // GitHub's and Facebook's profiles.
    (
        Place::Member,
        "id login type site_admin primary verified visibility avatar_url html_url created_at",
    ),
    (Place::Attribute, "path max-age expires domain httponly secure samesite"),
];

/// What the other named values of parameters and members are.
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

/// What a named value is; `None` when it may be shown.
pub(super) fn secret(place: Place, name: &str) -> Option<Kind> {
    let mut shown = SHOWN.iter().filter(|(of, _)| *of == place);
    let is_listed = shown.any(|(_, names)| names.split(' ').any(|one| one == name));
    let is_metadata = || name.ends_with("_supported") || name.ends_with("_endpoint");
    if is_listed || place == Place::Member && is_metadata() {
        return None;
    }
    let named = SECRETS.iter().find(|(one, _)| *one == name).map(|(_, kind)| *kind);
    match place {
        Place::Parameter | Place::Member => Some(named.unwrap_or(Kind::Value)),
        Place::Header => Some(Kind::Value),
        Place::Attribute => Some(Kind::Cookie),
    }
}

/// What the value of a cookie is, whatever its prefix. None is ever shown (RFC 6265 §4.2).
pub(super) fn cookie(name: &str) -> Kind {
    let name = name.trim().trim_start_matches("__Host-").trim_start_matches("__Secure-");
    // On loopback the port comes last.
    match name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_') {
        name if name.contains(WAITING) || name.contains(USED) => Kind::Attempt,
        name => match name.rsplit_once('_').map(|(_, base)| base) {
            Some(SESSION) => Kind::SessionId,
            Some(TOKEN) => Kind::AccessToken,
            Some(REFRESH) => Kind::RefreshToken,
            _ => Kind::Cookie,
        },
    }
}
