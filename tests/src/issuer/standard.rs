//! Responses that follow the standard.

use latchkey_domain::Clock;
use serde_json::{Value, json};

use super::{Answer, Inner, JWKS, REVOKE, Request, Signature, TOKEN, Token, USERINFO};

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
        if self.offline.is_some() {
            metadata["revocation_endpoint"] = json!(format!("{url}{REVOKE}"));
        }
        (self.metadata)(&mut metadata);
        metadata
    }

    pub(super) fn tokens(&mut self, request: &Request) -> Answer {
        if let (Some(offline), Some(token)) = (&mut self.offline, request.field("refresh_token")) {
            return offline.refresh(&token);
        }
        let code = request.field("code").unwrap_or_default();
        let Some(authorization) = self.authorizations.get(&code) else {
            let error = json!({ "error": "invalid_grant" }).to_string();
            return Answer::Body(400, "application/json", error);
        };
        let key = &self.keys[0];
        let now = Clock::System.now().as_seconds();
        let access_token = format!("access-{}", authorization.subject);
        let mut token = Token {
            header: json!({ "alg": key.algorithm(), "kid": key.kid, "typ": "JWT" }),
            claims: json!({
                "iss": self.url, "sub": authorization.subject, "aud": "acme client:1",
                "exp": now + 300, "iat": now, "nonce": authorization.nonce,
            }),
            signed: Signature::Valid,
        };
        (self.id_token)(&mut token);
        let mut response = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": token.write(key),
        });
        if let Some(offline) = &mut self.offline {
            offline.begin(&authorization.subject, &mut response);
        }
        (self.token_response)(&mut response);
        Answer::Json(response)
    }

    pub(super) fn profile(&self, request: &Request) -> Answer {
        let token = request.header("authorization").and_then(|v| v.strip_prefix("Bearer access-"));
        let Some(subject) = token else { return Answer::html(401) };
        if self.offline.as_ref().is_some_and(|offline| !offline.accepts(subject)) {
            return Answer::html(401);
        }
        let subject = subject.split('.').next().unwrap_or_default();
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
