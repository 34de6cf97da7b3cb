//! OpenID Connect, from discovery to userinfo.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use latchkey_idp::Provider::Google;

use crate::support::*;

const FULL: &str = "openid email profile";

/// Header, claims, and whether a published key signed it.
async fn read(idp: &Idp, id_token: &str) -> (Value, Value, bool) {
    let parts: Vec<&str> = id_token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        panic!("{id_token}");
    };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    let claims: Value = serde_json::from_slice(&decode(claims)).unwrap();

    let jwks = idp.get("/google/jwks", &[]).await.json();
    let keys = jwks["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]);
    let signed = id_token.rsplit_once('.').unwrap().0;
    let good = key.is_some_and(|key| {
        let components = RsaPublicKeyComponents {
            n: decode(key["n"].as_str().unwrap()),
            e: decode(key["e"].as_str().unwrap()),
        };
        let signature = decode(signature);
        components.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
    });
    (header, claims, good)
}

async fn tokens(idp: &Idp, scope: &str, person: &str, misbehave: &str) -> Value {
    let code = idp.code(Google, scope, person, misbehave).await;
    let answer = idp.exchange(Google, &code).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

async fn id_token(idp: &Idp, misbehave: &str) -> (Value, Value, bool) {
    let tokens = tokens(idp, FULL, "ada", misbehave).await;
    read(idp, &string(&tokens, "id_token")).await
}

#[tokio::test]
async fn discovery_document_is_complete_and_endpoints_exist() {
    let idp = Idp::start();
    let metadata = idp.get("/google/.well-known/openid-configuration", &[]).await.json();
    for (name, expected) in [
        ("issuer", json!("http://127.0.0.1:3001/google")),
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query"])),
        ("grant_types_supported", json!(["authorization_code", "refresh_token"])),
        ("subject_types_supported", json!(["public"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("id_token_signing_alg_values_supported", json!(["RS256"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
        ("claims_parameter_supported", json!(false)),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post"]),
        ),
        (
            "scopes_supported",
            json!([
                "openid",
                "email",
                "profile",
                "https://www.googleapis.com/auth/calendar.readonly",
                "https://www.googleapis.com/auth/contacts",
                "calendar:read",
                "contacts:read"
            ]),
        ),
    ] {
        assert_eq!(metadata[name], expected, "{name}");
    }
    for endpoint in ["authorization", "token", "userinfo", "revocation", "introspection"] {
        let url = string(&metadata, &format!("{endpoint}_endpoint"));
        let path = url.strip_prefix(ORIGIN).unwrap();
        let answer = idp.post(path, &[], &[]).await;
        assert!(answer.status.is_client_error(), "{endpoint}");
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{endpoint}");
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{endpoint}");
    }
    let authorize = string(&metadata, "authorization_endpoint");
    let path = authorize.strip_prefix(ORIGIN).unwrap();
    let page = idp.get(&format!("{path}?{}", encoded(&request(FULL))), &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    let jwks_uri = string(&metadata, "jwks_uri");
    let jwks = idp.get(jwks_uri.strip_prefix(ORIGIN).unwrap(), &[]).await;
    let key = &jwks.json()["keys"][0];
    assert_eq!([&key["kty"], &key["use"], &key["alg"]], ["RSA", "sig", "RS256"]);
}

#[tokio::test]
async fn google_code_flow_returns_id_token_and_userinfo() {
    let idp = Idp::start();
    let form = with(&request(FULL), &[("person", "ada"), ("decision", "allow")]);
    let answer = idp.decide(Google, &form).await;
    assert_eq!(answer.callback_param("state").unwrap(), "the state & more");
    let iss = answer.callback_param("iss").unwrap();
    assert_eq!(iss, "http://127.0.0.1:3001/google");

    idp.wait(5);
    let code = answer.callback_param("code").unwrap();
    let authorization = basic(CLIENT_ID, SECRET);
    let form = without(&exchange(&code), &["client_id", "client_secret"]);
    let headers = [("authorization", authorization.as_str())];
    let answer = idp.post("/google/token", &headers, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], FULL);

    let (header, claims, signed) = read(&idp, &string(&tokens, "id_token")).await;
    assert!(signed);
    assert_eq!([&header["alg"], &header["typ"]], ["RS256", "JWT"]);
    let access_token = string(&tokens, "access_token");
    let half = &aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
    assert_eq!(
        claims,
        json!({
            "iss": "http://127.0.0.1:3001/google",
            "aud": "app",
            "azp": "app",
            "sub": "100000000000000000001",
            "iat": NOW + 5,
            "exp": NOW + 5 + 3600,
            "auth_time": NOW,
            "nonce": "the-nonce",
            "at_hash": URL_SAFE_NO_PAD.encode(&half.as_ref()[..16]),
            "email": "ada@example.test",
            "email_verified": true,
            "name": "Ada Lovelace",
            "picture": "http://127.0.0.1:3001/avatars/ada.svg",
        })
    );

    let bearer = format!("Bearer {access_token}");
    let headers = [("authorization", bearer.as_str())];
    let expected = json!({
        "sub": "100000000000000000001",
        "email": "ada@example.test",
        "email_verified": true,
        "name": "Ada Lovelace",
        "picture": "http://127.0.0.1:3001/avatars/ada.svg",
    });
    assert_eq!(idp.get("/google/userinfo", &headers).await.json(), expected);
    let posted = idp.post("/google/userinfo", &headers, &[]).await;
    assert_eq!(posted.json(), expected);
}

#[tokio::test]
async fn id_token_claims_follow_granted_scopes_and_user() {
    let idp = Idp::start();
    for (scope, person, present, absent) in [
        ("openid", "ada", &[][..], &["email", "email_verified", "name", "picture"][..]),
        ("openid email", "ada", &["email", "email_verified"], &["name", "picture"]),
        ("openid profile", "ada", &["name", "picture"], &["email", "email_verified"]),
        (FULL, "noor", &["name"], &["email", "email_verified"]),
    ] {
        let tokens = tokens(&idp, scope, person, "none").await;
        let (_, claims, _) = read(&idp, &string(&tokens, "id_token")).await;
        for name in present {
            assert!(claims.get(name).is_some(), "{scope} {person} {name}");
        }
        for name in absent {
            assert!(claims.get(name).is_none(), "{scope} {person} {name}");
        }
    }
    let grace = tokens(&idp, FULL, "grace", "none").await;
    let (_, claims, _) = read(&idp, &string(&grace, "id_token")).await;
    assert_eq!(claims["email_verified"], false);
}

#[tokio::test]
async fn id_token_and_userinfo_require_openid_scope() {
    let idp = Idp::start();
    let tokens = tokens(&idp, "email profile", "ada", "none").await;
    assert!(tokens.get("id_token").is_none());
    let bearer = format!("Bearer {}", string(&tokens, "access_token"));
    let answer = idp.get("/google/userinfo", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains(r#"error="insufficient_scope", scope="openid""#));
}

#[tokio::test]
async fn userinfo_errors_follow_rfc_6750() {
    let idp = Idp::start();
    let token = idp.access_token(Google, FULL, "ada", "none").await;
    let bearer = format!("Bearer {token}");
    let plain = r#"Bearer realm="google""#;
    let invalid = r#"Bearer realm="google", error="invalid_token""#;
    let malformed = r#"Bearer realm="google", error="invalid_request""#;
    let in_query = format!("/google/userinfo?access_token={token}");
    for (path, authorization, status, challenge) in [
        ("/google/userinfo", None, 401, plain),
        (in_query.as_str(), None, 401, plain),
        ("/google/userinfo", Some("Bearer nonsense"), 401, invalid),
        ("/google/userinfo", Some("Basic YTpi"), 400, malformed),
        ("/google/userinfo", Some("Bearer"), 400, malformed),
    ] {
        let headers: Vec<_> =
            authorization.map(|value| ("authorization", value)).into_iter().collect();
        let answer = idp.get(path, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {authorization:?}");
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    idp.wait(3600);
    let expired = idp.get("/google/userinfo", &[("authorization", &bearer)]).await;
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
    assert_eq!(expired.header("www-authenticate"), invalid);
}

#[tokio::test]
async fn token_endpoint_refuses_invalid_requests() {
    let idp = Idp::start();
    let app = basic(CLIENT_ID, SECRET);
    let wrong = basic(CLIENT_ID, "wrong");
    let stranger = basic("stranger", SECRET);
    let other_uri = format!("{CALLBACK}?other");
    let bare = &["client_id", "client_secret"][..];
    // Name, basic authentication, changed and removed fields; then status and error.
    for (what, authorization, changes, removed, status, error) in [
        (
            "wrong verifier",
            None,
            &[("code_verifier", CHALLENGE)][..],
            &[][..],
            400,
            "invalid_grant",
        ),
        ("no verifier", None, &[], &["code_verifier"], 400, "invalid_grant"),
        ("wrong redirect_uri", None, &[("redirect_uri", &other_uri)], &[], 400, "invalid_grant"),
        ("no redirect_uri", None, &[], &["redirect_uri"], 400, "invalid_request"),
        ("unknown code", None, &[("code", "unknown")], &[], 400, "invalid_grant"),
        ("no code", None, &[], &["code"], 400, "invalid_request"),
        ("stranger's secret", Some(stranger.as_str()), &[], bare, 400, "invalid_grant"),
        ("wrong secret", None, &[("client_secret", "wrong")], &[], 401, "invalid_client"),
        ("wrong basic secret", Some(wrong.as_str()), &[], bare, 401, "invalid_client"),
        ("unknown client", None, &[("client_id", "nobody")], &[], 401, "invalid_client"),
        ("no client", None, &[], bare, 401, "invalid_client"),
        ("public client", None, &[], &["client_secret"], 401, "invalid_client"),
        ("two methods", Some(app.as_str()), &[], &[], 400, "invalid_request"),
        ("other grant", None, &[("grant_type", "password")], &[], 400, "unsupported_grant_type"),
        ("no grant", None, &[], &["grant_type"], 400, "invalid_request"),
    ] {
        let code = idp.code(Google, FULL, "ada", "none").await;
        let form = without(&with(&exchange(&code), changes), removed);
        let headers: Vec<_> =
            authorization.map(|value| ("authorization", value)).into_iter().collect();
        let answer = idp.post("/google/token", &headers, &form).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.body);
        assert_eq!(answer.json()["error"], error, "{what}");
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        assert_eq!(
            answer.header("www-authenticate").starts_with("Basic "),
            status == 401,
            "{what}"
        );
    }
}

#[tokio::test]
async fn token_endpoint_refuses_repeated_parameter() {
    let idp = Idp::start();
    let code = idp.code(Google, FULL, "ada", "none").await;
    let mut form = exchange(&code);
    form.push(("scope", "a"));
    form.push(("scope", "b"));
    let answer = idp.post("/google/token", &[], &form).await;
    assert_eq!(answer.json()["error"], "invalid_request");
    // None of it has used up the code.
    assert_eq!(idp.exchange(Google, &code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn token_endpoint_accepts_only_posted_forms() {
    let idp = Idp::start();
    let code = idp.code(Google, FULL, "ada", "none").await;
    let query = encoded(&exchange(&code));
    let got = idp.get(&format!("/google/token?{query}"), &[]).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(got.header("allow"), "POST");
    let in_url = idp.post(&format!("/google/token?{query}"), &[], &[]).await;
    assert_eq!(in_url.json()["error"], "invalid_client");
    assert_eq!(idp.exchange(Google, &code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn replayed_code_revokes_issued_tokens() {
    let idp = Idp::start();
    let code = idp.code(Google, FULL, "ada", "none").await;
    let token = string(&idp.exchange(Google, &code).await.json(), "access_token");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(idp.get("/google/userinfo", &headers).await.status, StatusCode::OK);
    let bystander = idp.access_token(Google, FULL, "ada", "none").await;

    // After the code would have expired, while the token is still valid.
    idp.wait(3000);
    let replay = idp.exchange(Google, &code).await;
    assert_eq!(replay.json()["error"], "invalid_grant");
    let after = idp.get("/google/userinfo", &headers).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
    let bearer = format!("Bearer {bystander}");
    let others = idp.get("/google/userinfo", &[("authorization", &bearer)]).await;
    assert_eq!(others.status, StatusCode::OK);
}

#[tokio::test]
async fn authorization_code_expires_after_one_minute() {
    let idp = Idp::start();
    for (seconds, status) in [(59, StatusCode::OK), (60, StatusCode::BAD_REQUEST)] {
        let code = idp.code(Google, FULL, "ada", "none").await;
        idp.wait(seconds);
        assert_eq!(idp.exchange(Google, &code).await.status, status, "{seconds}");
    }
}

#[tokio::test]
async fn each_google_misbehaviour_has_the_named_effect() {
    let idp = Idp::start();

    let (_, claims, signed) = id_token(&idp, "wrong_nonce").await;
    assert!(signed && claims["nonce"] != "the-nonce" && claims["nonce"].is_string());

    let (_, _, signed) = id_token(&idp, "bad_signature").await;
    assert!(!signed);

    let (header, _, _) = id_token(&idp, "unsigned").await;
    assert_eq!(header["alg"], "none");

    let (_, claims, signed) = id_token(&idp, "expired_id_token").await;
    assert!(signed && claims["exp"].as_u64().unwrap() + 3000 < NOW);

    let (_, claims, signed) = id_token(&idp, "wrong_audience").await;
    assert!(signed && claims["aud"] != "app");

    let (_, claims, signed) = id_token(&idp, "wrong_issuer").await;
    assert!(signed && claims["iss"] != "http://127.0.0.1:3001/google");

    let missing = tokens(&idp, FULL, "ada", "missing_id_token").await;
    assert!(missing.get("id_token").is_none() && missing["access_token"].is_string());

    let code = idp.code(Google, FULL, "ada", "server_error").await;
    let failed = idp.exchange(Google, &code).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);

    let code = idp.code(Google, FULL, "ada", "garbage_token").await;
    let garbage = idp.exchange(Google, &code).await;
    assert_eq!(garbage.status, StatusCode::OK);
    assert!(serde_json::from_str::<Value>(&garbage.body).is_err());

    let token = idp.access_token(Google, FULL, "ada", "other_sub").await;
    let bearer = format!("Bearer {token}");
    let userinfo = idp.get("/google/userinfo", &[("authorization", &bearer)]).await.json();
    assert_ne!(userinfo["sub"], "100000000000000000001");

    let form = [("person", "ada"), ("decision", "allow"), ("misbehave", "wrong_response_iss")];
    let answer = idp.decide(Google, &with(&request(FULL), &form)).await;
    let iss = answer.callback_param("iss").unwrap();
    assert_ne!(iss, "http://127.0.0.1:3001/google");
    assert!(answer.callback_param("code").is_some());

    // None of it had an effect.
    let (_, claims, signed) = id_token(&idp, "none").await;
    assert!(signed && claims["nonce"] == "the-nonce");
}

#[tokio::test]
async fn rotated_signing_key_is_new_and_published() {
    let idp = Idp::start();
    let kids = |jwks: Value| -> Vec<Value> {
        let keys = jwks["keys"].as_array().unwrap();
        keys.iter().map(|key| key["kid"].clone()).collect()
    };
    let before = kids(idp.get("/google/jwks", &[]).await.json());
    let (header, _, signed) = id_token(&idp, "rotated_keys").await;
    assert!(signed);
    assert!(!before.contains(&header["kid"]));
    let after = kids(idp.get("/google/jwks", &[]).await.json());
    assert!(before.iter().all(|kid| after.contains(kid)));
}

#[tokio::test]
async fn jwks_is_bounded_without_private_key_members() {
    let idp = Idp::start();
    for _ in 0..9 {
        id_token(&idp, "rotated_keys").await;
    }
    let jwks = idp.get("/google/jwks", &[]).await.json();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 8);
    for key in keys {
        let mut names: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
    }
}

#[tokio::test(start_paused = true)]
async fn late_token_response_succeeds_after_ten_seconds() {
    let idp = Idp::start();
    let code = idp.code(Google, FULL, "ada", "late").await;
    let asked = tokio::time::Instant::now();
    let answer = idp.exchange(Google, &code).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(asked.elapsed().as_secs(), 10);
}
