//! The authorization response (RFC 6749 §4.1.2, RFC 9207).

use std::borrow::Cow;

use super::error::Error;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationResponse {
    pub code: Option<String>,
    pub state: Option<String>,
    /// RFC 9207 §2.
    pub iss: Option<String>,
    pub error: Option<String>,
    /// A parameter came more than once, which RFC 6749 §3.1 forbids.
    pub repeated: bool,
}

impl AuthorizationResponse {
    /// Ignores unknown parameters (§4.1.2).
    pub fn parse(query: &str) -> Self {
        let mut response = Self::default();
        for (name, value) in known_parameters(query.as_bytes()) {
            let field = match &*name {
                "code" => &mut response.code,
                "state" => &mut response.state,
                "iss" => &mut response.iss,
                _ => &mut response.error,
            };
            response.repeated |= field.replace(value.into_owned()).is_some();
        }
        response
    }

    /// The known parameters of a form as a query, so that no profile or token gets into a URL.
    pub fn to_query(form: &[u8]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(known_parameters(form)).finish()
    }
}

fn known_parameters(text: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    const KNOWN: [&str; 4] = ["code", "state", "iss", "error"];
    url::form_urlencoded::parse(text).filter(|(name, _)| KNOWN.contains(&&**name))
}

#[derive(Clone, Copy, Debug)]
pub struct ExpectedIssuer<'a> {
    pub expected: &'a str,
    /// Whether its metadata promises `iss` in every response (RFC 9207 §3).
    pub iss_required: bool,
}

/// Returns the code of a valid response. The state was checked before, by
/// [`super::attempt::validate`].
pub fn validate(
    response: AuthorizationResponse,
    issuer: Option<ExpectedIssuer<'_>>,
) -> Result<String, Error> {
    if response.repeated {
        return Err(Error::Response("it repeats a parameter"));
    }
    // RFC 9207 §2.4, before trusting the rest. Providers without OpenID Connect send no `iss`.
    if let Some(issuer) = issuer {
        match response.iss.as_deref() {
            Some(iss) if iss != issuer.expected => {
                return Err(Error::Response("it is from another issuer"));
            }
            None if issuer.iss_required => {
                return Err(Error::Response("its iss is missing"));
            }
            _ => {}
        }
    }
    match (response.error, response.code) {
        (Some(_), Some(_)) => Err(Error::Response("it has both a code and an error")),
        (Some(error), None) => Err(error_response(&error)),
        (None, Some(code)) if !code.is_empty() => Ok(code),
        (None, _) => Err(Error::Response("it has no code")),
    }
}

fn error_response(error: &str) -> Error {
    match error {
        // Facebook and others have their own codes for "declined".
        "access_denied"
        | "user_denied"
        | "consent_required"
        | "interaction_required"
        | "login_required" => Error::Declined,
        error => Error::Refused { code: standard_error_code(error).to_owned() },
    }
}

/// Passes on standard codes only: an attacker can put any other text into a link.
fn standard_error_code(error: &str) -> &'static str {
    const CODES: [&str; 8] = [
        "invalid_request",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "account_selection_required",
        "application_suspended",
    ];
    CODES.into_iter().find(|code| *code == error).unwrap_or("an unknown error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_authorization_responses_are_rejected() {
        const OTHER: &str = "!it is from another issuer";
        const MISSING: &str = "!its iss is missing";
        let promised = Some(ExpectedIssuer { expected: "https://op.test", iss_required: true });
        let silent = Some(ExpectedIssuer { expected: "https://op.test", iss_required: false });
        for (query, issuer, outcome) in [
            ("code=a&state=s&iss=https%3A%2F%2Fop.test", promised, "a"),
            ("code=a%2Bb%2F%3D%26+%7E&state=s", silent, "a+b/=& ~"),
            ("code=a&state=s&iss=https://op.test", silent, "a"),
            ("code=a&state=s&iss=https://evil.test", None, "a"),
            ("code=a&unknown=1&unknown=2", None, "a"),
            ("code=a&state=s&iss=https://evil.test", silent, OTHER),
            ("code=a&state=s&iss=https://op.test/", promised, OTHER),
            ("code=a&state=s", promised, MISSING),
            ("error=access_denied&state=s", promised, MISSING),
            ("code=a&code=b", None, "!it repeats a parameter"),
            ("code=a&state=s&state=s", None, "!it repeats a parameter"),
            ("code=a&error=access_denied", None, "!it has both a code and an error"),
            ("code=", None, "!it has no code"),
            ("", None, "!it has no code"),
        ] {
            let code = validate(AuthorizationResponse::parse(query), issuer);
            let code = code.unwrap_or_else(|error| match error {
                Error::Response(why) => format!("!{why}"),
                other => format!("!!{other}"),
            });
            assert_eq!(code, outcome, "{query}");
        }
    }

    #[test]
    fn form_post_response_keeps_only_known_parameters() {
        for (form, query) in [
            ("state=s&code=a%2Bb+c", "state=s&code=a%2Bb+c"),
            ("code=a&user=%7B%22name%22%3A1%7D&id_token=x&access_token=y", "code=a"),
            ("error=access_denied&error_description=x", "error=access_denied"),
            ("code=a&code=b", "code=a&code=b"),
            ("code=a%0D%0ASet-Cookie%3A", "code=a%0D%0ASet-Cookie%3A"),
            ("", ""),
            ("{\"code\":1}", ""),
        ] {
            assert_eq!(AuthorizationResponse::to_query(form.as_bytes()), query, "{form}");
        }
    }
}
