//! Google: refresh tokens, revocation, incremental authorization, and its APIs.

use axum::http::StatusCode;
use serde_json::{Value, json};

use latchkey_idp::Config;
use latchkey_idp::Provider::{Github, Google};

use crate::support::*;

const BASIC_SCOPES: &str = "openid email";
const EVENTS: &str = "/google/calendar/v3/calendars/primary/events";
const PEOPLE: &str = "/google/people/v1/people/me/connections?personFields=names,emailAddresses";

/// The token response after ada allowed `scope`, with additional request parameters.
async fn allowed(idp: &Idp, scope: &str, more: &[(&str, &str)]) -> Value {
    let asked = with(&request(scope), &[("person", "ada"), ("decision", "allow")]);
    let answer = idp.decide(Google, &with(&asked, more)).await;
    let code = answer.callback_param("code").expect("a code");
    let tokens = idp.exchange(Google, &code).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    tokens.json()
}

async fn offline(idp: &Idp, scope: &str, misbehave: &str) -> Value {
    allowed(idp, scope, &[("access_type", "offline"), ("misbehave", misbehave)]).await
}

async fn refresh(idp: &Idp, refresh_token: &str, changes: &[(&str, &str)]) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("client_secret", SECRET),
        ("refresh_token", refresh_token),
    ];
    idp.post("/google/token", &[], &with(&form, changes)).await
}

async fn call(idp: &Idp, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    idp.get(path, &[("authorization", &bearer)]).await
}

#[tokio::test]
async fn refresh_token_requires_offline_access_and_consent() {
    let idp = Idp::start();
    for (what, more, expected) in [
        ("online", &[][..], false),
        ("offline, for the first time", &[("access_type", "offline")][..], true),
        ("offline once more", &[("access_type", "offline")], false),
        ("offline, asked anew", &[("access_type", "offline"), ("prompt", "consent")], true),
        ("online, asked anew", &[("prompt", "consent")], false),
    ] {
        let tokens = allowed(&idp, BASIC_SCOPES, more).await;
        assert_eq!(tokens.get("refresh_token").is_some(), expected, "{what}");
        assert!(tokens.get("refresh_token_expires_in").is_none());
    }
    // A new scope needs consent.
    let tokens = offline(&idp, "openid profile", "none").await;
    assert!(tokens.get("refresh_token").is_some());
    let silent = offline(&Idp::start(), BASIC_SCOPES, "no_refresh_token").await;
    assert!(silent.get("refresh_token").is_none());
}

#[tokio::test]
async fn refresh_returns_new_access_token_and_id_token() {
    let idp = Idp::start();
    let tokens = offline(&idp, BASIC_SCOPES, "none").await;
    let refresh_token = string(&tokens, "refresh_token");
    idp.wait(3600);
    let old = string(&tokens, "access_token");
    assert_eq!(call(&idp, "/google/userinfo", &old).await.status, StatusCode::UNAUTHORIZED);

    let answer = refresh(&idp, &refresh_token, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let renewed = answer.json();
    assert_eq!(renewed["scope"], BASIC_SCOPES);
    assert_eq!(renewed["expires_in"], 3600);
    assert!(renewed.get("refresh_token").is_none());
    let claims = claims_of(&string(&renewed, "id_token"));
    assert_eq!(claims["sub"], "100000000000000000001");
    assert_eq!(claims["auth_time"], NOW);
    assert_eq!(claims["iat"], NOW + 3600);
    assert!(claims.get("nonce").is_none());
    let userinfo = call(&idp, "/google/userinfo", &string(&renewed, "access_token")).await;
    assert_eq!(userinfo.json()["email"], "ada@example.test");

    let narrow = refresh(&idp, &refresh_token, &[("scope", "openid")]).await.json();
    assert_eq!(narrow["scope"], "openid");
    let userinfo = call(&idp, "/google/userinfo", &string(&narrow, "access_token")).await;
    assert!(userinfo.json().get("email").is_none());
    // It keeps its scope.
    let again = refresh(&idp, &refresh_token, &[]).await.json();
    assert_eq!(again["scope"], BASIC_SCOPES);
}

#[tokio::test]
async fn refresh_token_expires_after_180_days() {
    for (days, status) in [(179, StatusCode::OK), (180, StatusCode::BAD_REQUEST)] {
        let idp = Idp::start();
        let token = string(&offline(&idp, BASIC_SCOPES, "none").await, "refresh_token");
        idp.wait(days * 24 * 60 * 60);
        assert_eq!(refresh(&idp, &token, &[]).await.status, status, "{days}");
    }
}

#[tokio::test]
async fn rotated_refresh_token_allows_one_retry_within_60s() {
    // Seconds after the rotation, whether it was retried before, and the result.
    for (seconds, retried, good) in [(60, false, true), (61, false, false), (30, true, false)] {
        let idp = Idp::start();
        let first = offline(&idp, BASIC_SCOPES, "refresh_rotates").await;
        let first = string(&first, "refresh_token");
        let renewed = refresh(&idp, &first, &[]).await.json();
        if retried {
            assert_eq!(refresh(&idp, &first, &[]).await.status, StatusCode::OK);
        }
        idp.wait(seconds);
        let late = refresh(&idp, &first, &[]).await;
        assert_eq!(late.status == StatusCode::OK, good, "{seconds} {retried}");
        // Later reuse revokes all tokens of the grant.
        let successor = refresh(&idp, &string(&renewed, "refresh_token"), &[]).await;
        assert_eq!(successor.status == StatusCode::OK, good, "{seconds} {retried}");
        let access = string(&renewed, "access_token");
        let opened = call(&idp, "/google/userinfo", &access).await;
        assert_eq!(opened.status == StatusCode::OK, good, "{seconds} {retried}");
    }
}

#[tokio::test]
async fn refresh_errors_use_standard_oauth_codes() {
    let idp = Idp::start();
    let tokens = offline(&idp, BASIC_SCOPES, "none").await;
    let (good, access) = (string(&tokens, "refresh_token"), string(&tokens, "access_token"));
    let code = idp.code(Google, BASIC_SCOPES, "ada", "none").await;
    for (changes, status, error) in [
        (&[("refresh_token", "unknown")][..], 400, "invalid_grant"),
        (&[("refresh_token", &access)], 400, "invalid_grant"),
        (&[("refresh_token", &code)], 400, "invalid_grant"),
        (&[("refresh_token", "")], 400, "invalid_request"),
        (&[("client_id", "stranger")], 400, "invalid_grant"),
        (&[("client_secret", "wrong")], 401, "invalid_client"),
        (&[("scope", "openid profile")], 400, "invalid_scope"),
        (&[("resource", AUDIENCE)], 400, "invalid_target"),
        (&[("resource", "http://nowhere.test")], 400, "invalid_target"),
    ] {
        let answer = refresh(&idp, &good, changes).await;
        assert_eq!(answer.status.as_u16(), status, "{changes:?}");
        assert_eq!(answer.json()["error"], error, "{changes:?}");
    }
    // None of it had an effect.
    assert_eq!(refresh(&idp, &good, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refresh_misbehaviours_have_the_named_effect() {
    let idp = Idp::start();
    let refused = string(&offline(&idp, BASIC_SCOPES, "refresh_refused").await, "refresh_token");
    assert_eq!(refresh(&idp, &refused, &[]).await.json()["error"], "invalid_grant");

    let prompt = [("prompt", "consent"), ("access_type", "offline")];
    let fails =
        allowed(&idp, BASIC_SCOPES, &with(&prompt, &[("misbehave", "refresh_fails")])).await;
    let failed = refresh(&idp, &string(&fails, "refresh_token"), &[]).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);

    let rotates =
        allowed(&idp, BASIC_SCOPES, &with(&prompt, &[("misbehave", "refresh_rotates")])).await;
    let first = string(&rotates, "refresh_token");
    let second = string(&refresh(&idp, &first, &[]).await.json(), "refresh_token");
    assert_ne!(first, second);
    assert_eq!(refresh(&idp, &second, &[]).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn late_refresh_succeeds_after_ten_seconds() {
    let idp = Idp::start();
    let tokens = offline(&idp, BASIC_SCOPES, "refresh_late").await;
    let asked = tokio::time::Instant::now();
    let answer = refresh(&idp, &string(&tokens, "refresh_token"), &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(asked.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn test_user_refresh_token_expires_after_seven_days() {
    let idp = Idp::start();
    let hedy = [("access_type", "offline"), ("person", "hedy")];
    let tokens = allowed(&idp, BASIC_SCOPES, &hedy).await;
    assert_eq!(tokens["refresh_token_expires_in"], 7 * 24 * 60 * 60);
    let token = string(&tokens, "refresh_token");
    idp.wait(7 * 24 * 60 * 60 - 1);
    assert_eq!(refresh(&idp, &token, &[]).await.status, StatusCode::OK);
    idp.wait(1);
    assert_eq!(refresh(&idp, &token, &[]).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn revoking_either_token_ends_the_grant() {
    for which in ["access_token", "refresh_token"] {
        let idp = Idp::start();
        let tokens = offline(&idp, BASIC_SCOPES, "none").await;
        let earlier = string(&allowed(&idp, BASIC_SCOPES, &[]).await, "access_token");
        let grace = [("person", "grace"), ("access_type", "offline")];
        let grace = allowed(&idp, BASIC_SCOPES, &grace).await;
        let others = string(&grace, "access_token");
        let pending = idp.code(Google, BASIC_SCOPES, "ada", "none").await;
        let revoked = idp.post("/google/revoke", &[], &[("token", &string(&tokens, which))]).await;
        assert_eq!(revoked.status, StatusCode::OK);

        let access_token = string(&tokens, "access_token");
        for (token, status) in [(&access_token, 401), (&earlier, 401), (&others, 200)] {
            let answer = call(&idp, "/google/userinfo", token).await;
            assert_eq!(answer.status.as_u16(), status, "{which}");
        }
        let renewed = refresh(&idp, &string(&tokens, "refresh_token"), &[]).await;
        assert_eq!(renewed.json()["error"], "invalid_grant");
        let late = idp.exchange(Google, &pending).await;
        assert_eq!(late.json()["error"], "invalid_grant");
        let renewed = refresh(&idp, &string(&grace, "refresh_token"), &[]).await;
        assert_eq!(renewed.status, StatusCode::OK);
        // Now it is the first time again.
        let again = offline(&idp, BASIC_SCOPES, "none").await;
        assert!(again.get("refresh_token").is_some());
    }
}

#[tokio::test]
async fn revocation_endpoint_follows_rfc_7009() {
    let idp = Idp::start();
    let token = string(&offline(&idp, BASIC_SCOPES, "none").await, "refresh_token");
    let (own, wrong) = (basic(CLIENT_ID, SECRET), basic(CLIENT_ID, "wrong"));
    let stranger = basic("stranger", SECRET);
    let named = [("token", token.as_str()), ("client_id", CLIENT_ID), ("client_secret", "wrong")];
    for (what, authorization, form, status, error) in [
        ("nothing", None, &[][..], 400, "invalid_request"),
        ("unknown", None, &[("token", "unknown")][..], 200, ""),
        ("twice", None, &[("token", "a"), ("token", "b")], 400, "invalid_request"),
        ("wrong secret", Some(&wrong), &[("token", &token)], 401, "invalid_client"),
        ("wrong secret in the body", None, &named, 401, "invalid_client"),
        ("a stranger", Some(&stranger), &[("token", &token)], 400, "invalid_grant"),
        ("its own", Some(&own), &[("token", &token), ("token_type_hint", "access_token")], 200, ""),
        ("again", Some(&own), &[("token", &token)], 200, ""),
    ] {
        let headers: Vec<_> =
            authorization.map(|value| ("authorization", value.as_str())).into_iter().collect();
        let answer = idp.post("/google/revoke", &headers, form).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.body);
        assert_eq!(answer.json()["error"].as_str().unwrap_or_default(), error, "{what}");
    }
    assert_eq!(refresh(&idp, &token, &[]).await.json()["error"], "invalid_grant");
    let got = idp.get("/google/revoke?token=x", &[]).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn revocation_succeeds_after_two_failures() {
    let idp = Idp::start();
    let token = string(&offline(&idp, BASIC_SCOPES, "revocation_fails").await, "refresh_token");
    for status in [500, 500, 200] {
        let answer = idp.post("/google/revoke", &[], &[("token", &token)]).await;
        assert_eq!(answer.status.as_u16(), status);
    }
    assert_eq!(refresh(&idp, &token, &[]).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn include_granted_scopes_adds_earlier_grants() {
    let idp = Idp::start();
    allowed(&idp, BASIC_SCOPES, &[]).await;
    let alone = allowed(&idp, CALENDAR, &[]).await;
    assert_eq!(alone["scope"], CALENDAR);
    let more = [("include_granted_scopes", "true")];
    let both = allowed(&idp, CONTACTS, &more).await;
    for scope in ["openid", "email", CALENDAR, CONTACTS] {
        let granted = string(&both, "scope");
        assert!(granted.split(' ').any(|one| one == scope), "{scope}: {granted}");
    }
    // Requested again and deselected: the last decision counts.
    let unticked = [("requested_scope", "openid email"), ("include_granted_scopes", "true")];
    let less = string(&allowed(&idp, "openid", &unticked).await, "scope");
    assert!(!less.contains("email") && less.contains(CALENDAR), "{less}");
    // Another user has granted nothing.
    let other = [("include_granted_scopes", "true"), ("person", "grace")];
    assert_eq!(allowed(&idp, CALENDAR, &other).await["scope"], CALENDAR);
}

#[tokio::test]
async fn google_calendar_supports_filters_and_pagination() {
    let idp = Idp::start();
    let token = idp.access_token(Google, CALENDAR, "ada", "none").await;
    let all = call(&idp, EVENTS, &token).await.json();
    assert_eq!(all["kind"], "calendar#events");
    assert_eq!(all["summary"], "ada@example.test");
    let items = all["items"].as_array().unwrap();
    assert!(items.len() > 10);
    let summaries: Vec<&Value> = items.iter().map(|item| &item["summary"]).collect();
    assert!(summaries.contains(&&json!("Tea with Charles Babbage")));
    for item in items {
        let timed = item["start"]["dateTime"].is_string();
        assert!(timed || item["start"]["date"].is_string(), "{item}");
    }

    let from = "2027-01-15T08:00:00Z"; // NOW
    let ahead = format!("{EVENTS}?timeMin={from}&singleEvents=true&orderBy=startTime");
    let ahead = call(&idp, &ahead, &token).await.json();
    let ahead = ahead["items"].as_array().unwrap().clone();
    assert!(!ahead.is_empty() && ahead.len() < items.len());
    assert!(ahead.iter().all(|item| items.contains(item)));

    let first = call(&idp, &format!("{EVENTS}?maxResults=3"), &token).await.json();
    assert_eq!(first["items"].as_array().unwrap(), &items[..3]);
    let next = string(&first, "nextPageToken");
    let second = format!("{EVENTS}?maxResults=3&pageToken={next}");
    assert_eq!(call(&idp, &second, &token).await.json()["items"][0], items[3]);

    for (path, status) in [
        (format!("{EVENTS}?timeMin=tomorrow"), 400),
        (format!("{EVENTS}?maxResults=0"), 400),
        (format!("{EVENTS}?pageToken=%21"), 400),
        ("/google/calendar/v3/calendars/grace@example.test/events".to_owned(), 404),
        ("/google/calendar/v3/calendars/ada@example.test/events".to_owned(), 200),
    ] {
        assert_eq!(call(&idp, &path, &token).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn google_contacts_require_a_valid_field_mask() {
    let idp = Idp::start();
    let token = idp.access_token(Google, CONTACTS, "ada", "none").await;
    let answer = call(&idp, PEOPLE, &token).await.json();
    let people = answer["connections"].as_array().unwrap();
    assert_eq!(answer["totalItems"], people.len());
    let names: Vec<&Value> = people.iter().map(|one| &one["names"][0]["displayName"]).collect();
    assert!(names.contains(&&json!("Charles Babbage")), "{names:?}");
    assert!(people.iter().any(|one| one["emailAddresses"][0]["value"].is_string()));

    let names_only = PEOPLE.replace(",emailAddresses", "");
    let answer = call(&idp, &names_only, &token).await.json();
    assert!(answer["connections"][0].get("emailAddresses").is_none());
    let page = call(&idp, &format!("{PEOPLE}&pageSize=2"), &token).await.json();
    assert_eq!(page["connections"].as_array().unwrap().len(), 2);
    assert!(page["nextPageToken"].is_string());

    for path in ["/google/people/v1/people/me/connections", &PEOPLE.replace("names", "shoes")] {
        let refused = call(&idp, path, &token).await;
        assert_eq!(refused.json()["error"]["status"], "INVALID_ARGUMENT", "{path}");
    }
}

#[tokio::test]
async fn google_api_errors_use_google_format() {
    let idp = Idp::start();
    let calendar = idp.access_token(Google, CALENDAR, "ada", "none").await;
    let contacts = idp.access_token(Google, CONTACTS, "ada", "none").await;
    let for_another_api = string(&allowed(&idp, "calendar:read", &[]).await, "access_token");
    let refresh_token = string(&offline(&idp, CALENDAR, "none").await, "refresh_token");
    for (path, token, status, word) in [
        (EVENTS, contacts.as_str(), 403, "PERMISSION_DENIED"),
        (PEOPLE, calendar.as_str(), 403, "PERMISSION_DENIED"),
        (EVENTS, "nonsense", 401, "UNAUTHENTICATED"),
        (EVENTS, &for_another_api, 401, "UNAUTHENTICATED"),
        (EVENTS, &refresh_token, 401, "UNAUTHENTICATED"),
        ("/google/userinfo", &for_another_api, 401, ""),
    ] {
        let answer = call(&idp, path, token).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.header("www-authenticate").starts_with("Bearer realm="));
        if word.is_empty() {
            continue;
        }
        let error = &answer.json()["error"];
        assert_eq!([&error["status"], &error["code"]], [&json!(word), &json!(status)]);
        let reason = &error["details"][0]["reason"];
        assert_eq!(*reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT", status == 403);
    }
    let nobody = idp.get(EVENTS, &[]).await;
    assert_eq!(nobody.json()["error"]["status"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn refresh_token_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grants.json");
    let first = Idp::keeping(&file);
    let token = string(&offline(&first, BASIC_SCOPES, "none").await, "refresh_token");
    let kept = wait_for(&file, |json| json.contains("refresh_tokens\": [\n"));
    assert!(!kept.contains(&token));
    drop(first);

    let second = Idp::keeping(&file);
    assert_eq!(refresh(&second, &token, &[]).await.status, StatusCode::OK);
    // Consent is remembered, and revocation is final.
    let again = offline(&second, BASIC_SCOPES, "none").await;
    assert!(again.get("refresh_token").is_none());
    second.post("/google/revoke", &[], &[("token", &token)]).await;
    wait_for(&file, |json| json.contains("refresh_tokens\": []"));
    drop(second);
    let third = Idp::keeping(&file);
    assert_eq!(refresh(&third, &token, &[]).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn stored_grants_survive_restart_without_plaintext_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grants.json");
    let first = Idp::keeping(&file);
    let tokens = offline(&first, BASIC_SCOPES, "refresh_rotates").await;
    let old = string(&tokens, "refresh_token");
    let renewed = refresh(&first, &old, &[]).await.json();
    let (new, access) = (string(&renewed, "refresh_token"), string(&renewed, "access_token"));
    let github = first.access_token(Github, "read:user", "ada", "none").await;
    let kept = wait_for(&file, |json| json.contains("\"rotated\"") && json.contains("github"));
    for secret in [&old, &new, &access, &github] {
        assert!(!kept.contains(secret.as_str()), "{kept}");
    }
    drop(first);

    let second = Idp::keeping(&file);
    // Access tokens are not stored, because a refresh replaces them; long-lived tokens are.
    assert_eq!(call(&second, "/google/userinfo", &access).await.status, StatusCode::UNAUTHORIZED);
    let bearer = format!("Bearer {github}");
    let headers = [("authorization", bearer.as_str()), ("user-agent", "test")];
    assert_eq!(second.get("/github/api/user", &headers).await.status, StatusCode::OK);
    second.wait(61);
    let renewed = refresh(&second, &new, &[]).await.json();
    assert_eq!(renewed["scope"], BASIC_SCOPES);
    assert_eq!(refresh(&second, &old, &[]).await.json()["error"], "invalid_grant");
    // Wait for its last write, which would otherwise overlap with the third's.
    wait_for(&file, |json| !json.contains("\"rotated\""));
    drop(second);

    // Grants of a client that is no longer registered are not restored.
    let mut clients = config().clients;
    clients.retain(|client| client.id == "stranger");
    let third = Idp::of(Config { clients, grants_file: Some(file.clone()), ..config() });
    let stranger = [("client_id", "stranger"), ("person", "ada"), ("decision", "allow")];
    let answer = third.decide(Google, &with(&request(BASIC_SCOPES), &stranger)).await;
    let code = answer.callback_param("code").unwrap();
    third.post("/google/token", &[], &with(&exchange(&code), &stranger[..1])).await;
    let kept = wait_for(&file, |json| json.contains("stranger"));
    assert!(!kept.contains("\"app\""), "{kept}");
}

#[tokio::test]
async fn ephemeral_users_are_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grants.json");
    let idp = Idp::keeping(&file);
    let passing = [("person", "passing-1"), ("name", "Pia"), ("access_type", "offline")];
    let passing = string(&allowed(&idp, BASIC_SCOPES, &passing).await, "refresh_token");
    let ada = string(&offline(&idp, BASIC_SCOPES, "none").await, "refresh_token");
    let kept = wait_for(&file, |json| json.contains("\"ada\""));
    assert!(!kept.contains("passing-"), "{kept}");
    // It can be revoked nevertheless.
    assert_eq!(refresh(&idp, &passing, &[]).await.status, StatusCode::OK);
    idp.post("/google/revoke", &[], &[("token", &passing)]).await;
    assert_eq!(refresh(&idp, &passing, &[]).await.json()["error"], "invalid_grant");
    assert_eq!(refresh(&idp, &ada, &[]).await.status, StatusCode::OK);
}

/// Waits until the file has this content: another thread writes it.
fn wait_for(file: &std::path::Path, good: impl Fn(&str) -> bool) -> String {
    for _ in 0..500 {
        match std::fs::read_to_string(file) {
            Ok(json) if good(&json) => return json,
            _ => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
    panic!("{} did not become what it should", file.display());
}
