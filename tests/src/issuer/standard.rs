//! What the issuer answers when it keeps to the standard.

use latchkey_domain::Clock;
use serde_json::{Value, json};

use super::{Answer, Inner, JWKS, Request, Signed, TOKEN, Token, USERINFO};

impl Inner {
    pub(super) fn discovery(&self) -> Value {
        let url = &self.url;
        let mut metadata = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}{TOKEN}"),
            "jwks_uri": format!("{url}{JWKS}"),
            "userinfo_endpoint": format!("{url}{USERINFO}"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "authorization_response_iss_parameter_supported": true,
        });
        (self.metadata)(&mut metadata);
        metadata
    }

    pub(super) fn tokens(&self, request: &Request) -> Answer {
        let code = request.field("code").unwrap_or_default();
        let Some(asked) = self.people.get(&code) else {
            let error = json!({ "error": "invalid_grant" }).to_string();
            return Answer::Says(400, "application/json", error);
        };
        let key = &self.keys[0];
        let now = Clock::System.now().as_seconds();
        let access_token = format!("access-{}", asked.subject);
        let mut token = Token {
            header: json!({ "alg": key.algorithm(), "kid": key.kid, "typ": "JWT" }),
            claims: json!({
                "iss": self.url, "sub": asked.subject, "aud": "acme client:1",
                "exp": now + 300, "iat": now, "nonce": asked.nonce,
            }),
            signed: Signed::Well,
        };
        (self.id_token)(&mut token);
        let mut response = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": token.write(key),
        });
        (self.token_response)(&mut response);
        Answer::Json(response)
    }

    pub(super) fn profile(&self, request: &Request) -> Answer {
        let token = request.header("authorization").and_then(|v| v.strip_prefix("Bearer access-"));
        let Some(subject) = token else { return Answer::html(401) };
        let mut profile = json!({
            "sub": subject,
            "name": "Jane Doe",
            "email": format!("{subject}@acme.test"),
            "email_verified": true,
        });
        (self.userinfo)(&mut profile);
        Answer::Json(profile)
    }
}
