//! Client authentication at the token endpoint, RFC 6749 §2.3.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header::AUTHORIZATION};
use url::form_urlencoded;

use super::params::Params;

/// What a client says about itself; not yet believed.
#[derive(PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// Why there are no credentials to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialsError {
    /// RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in each request."
    TwoMethods,
    /// No method at all: public clients are not registered here.
    Missing,
    /// An `Authorization` header that is not Basic credentials.
    Malformed,
}

/// Reads `client_secret_basic` or `client_secret_post`, OIDC Core §9.
pub(crate) fn credentials(
    headers: &HeaderMap,
    params: &Params,
) -> Result<Credentials, CredentialsError> {
    let mut authorization = headers.get_all(AUTHORIZATION).iter();
    match (authorization.next(), params.get("client_secret")) {
        (Some(_), Some(_)) => Err(CredentialsError::TwoMethods),
        (Some(_), None) if authorization.next().is_some() => Err(CredentialsError::TwoMethods),
        (Some(value), None) => {
            let credentials =
                value.to_str().ok().and_then(basic).ok_or(CredentialsError::Malformed)?;
            // Naming oneself in the body too is allowed, as long as it is the same name.
            match params.get("client_id") {
                Some(id) if id != credentials.id => Err(CredentialsError::TwoMethods),
                _ => Ok(credentials),
            }
        }
        (None, Some(secret)) => Ok(Credentials {
            id: params.get("client_id").ok_or(CredentialsError::Missing)?.to_owned(),
            secret: secret.to_owned(),
        }),
        (None, None) => Err(CredentialsError::Missing),
    }
}

/// `Basic` credentials, both halves form-encoded before they were joined: RFC 6749 §2.3.1.
fn basic(header: &str) -> Option<Credentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some(Credentials { id: form_decode(id), secret: form_decode(secret) })
}

/// Decodes one `application/x-www-form-urlencoded` value.
fn form_decode(value: &str) -> String {
    // A separator that was not encoded belongs to the value here: there is nothing to separate.
    let value = value.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(value.as_bytes())
        .next()
        .map(|(value, _)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(authorization: &[&str], body: &str) -> Result<(String, String), CredentialsError> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let params = Params::parse(body.as_bytes());
        credentials(&headers, &params).map(|found| (found.id, found.secret))
    }

    fn header(credentials: &str) -> String {
        format!("Basic {}", STANDARD.encode(credentials))
    }

    #[test]
    fn one_method_and_only_one() {
        use CredentialsError::{Malformed, Missing, TwoMethods};
        let good = || Ok(("app".to_owned(), "s".to_owned()));
        let app = header("app:s");
        for (authorization, body, expected) in [
            (vec![app.as_str()], "", good()),
            (vec![app.as_str()], "client_id=app", good()),
            (vec![], "client_id=app&client_secret=s", good()),
            (vec![app.as_str()], "client_id=app&client_secret=s", Err(TwoMethods)),
            (vec![app.as_str()], "client_secret=s", Err(TwoMethods)),
            (vec![app.as_str()], "client_id=other", Err(TwoMethods)),
            (vec![app.as_str(), app.as_str()], "", Err(TwoMethods)),
            (vec![], "client_id=app", Err(Missing)),
            (vec![], "client_secret=s", Err(Missing)),
            (vec![], "", Err(Missing)),
            (vec!["Bearer abc"], "", Err(Malformed)),
            (vec!["Basic !!!"], "", Err(Malformed)),
            (vec!["Basic"], "", Err(Malformed)),
        ] {
            assert_eq!(read(&authorization, body), expected, "{body}");
        }
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        for (raw, id, secret) in [
            ("a%3Ab:c+d%2B%25%C3%A9", "a:b", "c d+%é"),
            ("app:with:colon", "app", "with:colon"),
            ("app:raw&and=signs", "app", "raw&and=signs"),
            ("app:", "app", ""),
        ] {
            let found = read(&[&header(raw)], "").unwrap();
            assert_eq!(found, (id.to_owned(), secret.to_owned()), "{raw}");
        }
        let lower_case = header("app:s").replace("Basic", "basic");
        assert!(read(&[&lower_case], "").is_ok());
    }
}
