//! Client credentials (RFC 6749 §2.3) and access tokens (RFC 6750) in a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use url::form_urlencoded;

use super::params::Params;

/// Not verified yet.
#[derive(PartialEq, Eq)]
pub struct Credentials {
    pub id: String,
    pub secret: String,
}

/// RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in each request."
#[derive(Debug)]
pub struct MultipleMethods;

/// Reads `client_secret_basic` or `client_secret_post`, OIDC Core §9.
pub fn client_credentials(
    headers: &HeaderMap,
    params: &Params,
) -> Result<Option<Credentials>, MultipleMethods> {
    let mut authorization = headers.get_all(AUTHORIZATION).iter();
    match (authorization.next(), params.get("client_secret")) {
        (Some(_), Some(_)) => Err(MultipleMethods),
        (Some(_), None) if authorization.next().is_some() => Err(MultipleMethods),
        (Some(value), None) => {
            let credentials = value.to_str().ok().and_then(basic);
            // The body may repeat the id.
            let id = params.get("client_id");
            match credentials.as_ref().zip(id) {
                Some((credentials, id)) if id != credentials.id => Err(MultipleMethods),
                _ => Ok(credentials),
            }
        }
        (None, secret) => Ok(params
            .get("client_id")
            .zip(secret)
            .map(|(id, secret)| Credentials { id: id.to_owned(), secret: secret.to_owned() })),
    }
}

/// `Basic` credentials; both parts are form-encoded (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<Credentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some(Credentials { id: form_decode(id), secret: form_decode(secret) })
}

fn form_decode(value: &str) -> String {
    // Unencoded separators belong to the value.
    let value = value.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(value.as_bytes())
        .next()
        .map(|(value, _)| value.into_owned())
        .unwrap_or_default()
}

/// RFC 6750 §3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerError {
    /// The challenge has no error code.
    Missing,
    Malformed,
    Invalid,
}

/// The access token in the `Authorization` header (RFC 6750 §2.1), with one of these schemes.
pub fn access_token<'a>(headers: &'a HeaderMap, schemes: &[&str]) -> Result<&'a str, BearerError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(BearerError::Missing)?;
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty() && values.next().is_none());
    token.ok_or(BearerError::Malformed)
}
