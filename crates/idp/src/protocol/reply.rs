//! The authorization response: what travels back through the browser.

use url::form_urlencoded;

/// Where the answer goes and what every answer carries, good or bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplyTo {
    /// A registered redirect URI, as it was registered.
    pub(crate) redirect_uri: String,
    /// Returned unchanged, RFC 6749 §4.1.2.
    pub(crate) state: Option<String>,
    /// RFC 9207 §2: in every answer, errors included.
    pub(crate) iss: Option<String>,
}

/// Error codes of the authorization endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    // RFC 6749 §4.1.2.1
    InvalidRequest,
    AccessDenied,
    UnsupportedResponseType,
    InvalidScope,
    // RFC 8707 §2
    InvalidTarget,
    // OIDC Core §3.1.2.6
    LoginRequired,
    RequestNotSupported,
    RequestUriNotSupported,
}

impl ErrorCode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
        }
    }
}

impl ReplyTo {
    /// RFC 6749 §4.1.2.
    pub(crate) fn with_code(&self, code: &str) -> String {
        self.with(&[("code", code)])
    }

    /// RFC 6749 §4.1.2.1.
    pub(crate) fn with_error(&self, error: ErrorCode, description: &str) -> String {
        self.with(&[("error", error.as_str()), ("error_description", description)])
    }

    /// Facebook's own way to say that the person declined.
    pub(crate) fn with_facebook_denial(&self) -> String {
        self.with(&[
            ("error", ErrorCode::AccessDenied.as_str()),
            ("error_code", "200"),
            ("error_description", "Permissions error"),
            ("error_reason", "user_denied"),
        ])
    }

    /// Adds the parameters to the query that the redirect URI may already have, RFC 6749 §3.1.2.
    fn with(&self, answer: &[(&str, &str)]) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        let iss = self.iss.as_deref().map(|iss| ("iss", iss));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(answer)
            .extend_pairs(state)
            .extend_pairs(iss)
            .finish();
        let separator = if self.redirect_uri.contains('?') { '&' } else { '?' };
        format!("{}{separator}{query}", self.redirect_uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_iss_come_with_every_answer() {
        let reply = ReplyTo {
            redirect_uri: "http://localhost:3000/cb".into(),
            state: Some("a b&c=d%".into()),
            iss: Some("http://127.0.0.1:3001/google".into()),
        };
        let tail = "state=a+b%26c%3Dd%25&iss=http%3A%2F%2F127.0.0.1%3A3001%2Fgoogle";
        assert_eq!(reply.with_code("x"), format!("http://localhost:3000/cb?code=x&{tail}"));
        assert_eq!(
            reply.with_error(ErrorCode::AccessDenied, "no"),
            format!("http://localhost:3000/cb?error=access_denied&error_description=no&{tail}")
        );
    }

    #[test]
    fn the_query_of_the_redirect_uri_is_kept() {
        let reply = ReplyTo {
            redirect_uri: "http://localhost:3000/cb?tenant=7".into(),
            state: None,
            iss: None,
        };
        assert_eq!(reply.with_code("x"), "http://localhost:3000/cb?tenant=7&code=x");
    }
}
