#![allow(clippy::unwrap_used)]

use super::*;
use crate::people::{NewPerson, People, builtin};
use crate::protocol::grant_store::{RestoreContext, Snapshot};
use crate::protocol::registry::Clients;
use crate::protocol::scopes::Catalogue;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://localhost:3000/cb";
const NOW: Timestamp = Timestamp(1_000_000);

fn scopes(value: &str) -> Scopes {
    Catalogue::new(&[]).parse(Provider::Google, &Audience::Provider, value)
}

fn authorization() -> Authorization {
    Authorization {
        client: Arc::new(Client {
            provider: Provider::Google,
            id: "app".into(),
            secret: "secret".into(),
            redirect_uris: vec![CALLBACK.into()],
            name: "App".into(),
            uri: None,
        }),
        person: Arc::new(builtin().remove(0)),
        audience: Audience::Provider,
        scopes: scopes("openid email"),
        nonce: None,
        auth_time: NOW,
        offline: Offline::No,
        misbehaviour: Misbehaviour::None,
    }
}

fn clients() -> Clients {
    let client = |provider| Client { provider, ..(*authorization().client).clone() };
    Clients::new(Provider::ALL.map(client).to_vec()).unwrap()
}

fn offline(misbehaviour: Misbehaviour) -> Authorization {
    Authorization { offline: Offline::WhenNew, misbehaviour, ..authorization() }
}

fn binding() -> Binding {
    Binding {
        redirect_uri: CALLBACK.into(),
        challenge: CodeChallenge::parse(CHALLENGE).unwrap(),
        asked: scopes("openid email"),
    }
}

fn attempt() -> Redemption<'static> {
    Redemption {
        provider: Provider::Google,
        client_id: "app",
        code: "code",
        redirect_uri: CALLBACK,
        verifier: VERIFIER,
        audience: None,
    }
}

fn attempt_of(code: &str) -> Redemption<'_> {
    Redemption { code, ..attempt() }
}

fn tokens(access: &str) -> NewTokens<'_> {
    NewTokens { access, refresh: "refresh" }
}

fn json_snapshot(json: &str) -> Snapshot {
    serde_json::from_str(json).unwrap()
}

fn issued() -> Grants {
    issued_for(authorization())
}

fn issued_for(authorization: Authorization) -> Grants {
    let mut grants = Grants::default();
    grants.issue_code(NOW, "code", authorization, binding());
    grants
}

#[test]
fn a_code_is_bound_to_everything_it_was_issued_for() {
    let good = attempt;
    let other = Audience::Api("http://localhost:3000/api".into());
    let later = |seconds| Timestamp(NOW.0 + seconds);
    for (now, attempt, expected) in [
        (NOW, good(), Ok(())),
        (later(59), good(), Ok(())),
        (later(60), good(), Err(GrantError::Expired)),
        (NOW, Redemption { code: "other", ..good() }, Err(GrantError::Unknown)),
        (NOW, Redemption { client_id: "other", ..good() }, Err(GrantError::ForeignClient)),
        (NOW, Redemption { provider: Provider::Github, ..good() }, Err(GrantError::ForeignClient)),
        (
            NOW,
            Redemption { redirect_uri: "http://localhost:3000/other", ..good() },
            Err(GrantError::RedirectUriMismatch),
        ),
        (NOW, Redemption { verifier: CHALLENGE, ..good() }, Err(GrantError::VerifierMismatch)),
        (NOW, Redemption { verifier: "", ..good() }, Err(GrantError::VerifierMismatch)),
        (NOW, Redemption { audience: Some(&Audience::Provider), ..good() }, Ok(())),
        (NOW, Redemption { audience: Some(&other), ..good() }, Err(GrantError::OtherAudience)),
    ] {
        let outcome = issued().redeem(now, &attempt, &tokens("token")).map(|_| ());
        assert_eq!(outcome, expected, "{attempt:?}");
    }
}

#[test]
fn a_second_use_revokes_what_the_first_one_got() {
    let mut grants = issued();
    grants.issue_code(NOW, "another", authorization(), binding());
    grants.redeem(NOW, &attempt(), &tokens("token")).unwrap();
    let another = Redemption { code: "another", ..attempt() };
    grants.redeem(NOW, &another, &tokens("bystander")).unwrap();
    assert!(grants.access(NOW, Provider::Google, "token").is_some());

    // Long after the code would have expired, but while the token is still good.
    let late = Timestamp(NOW.0 + 3000);
    let replay = grants.redeem(late, &attempt(), &tokens("second"));
    assert_eq!(replay.unwrap_err(), GrantError::Replayed);
    assert!(grants.access(late, Provider::Google, "token").is_none());
    assert!(grants.access(late, Provider::Google, "second").is_none());
    assert!(grants.access(late, Provider::Google, "bystander").is_some());
}

#[test]
fn a_failed_attempt_uses_the_code_up_unless_it_was_a_strangers() {
    for (attempt_first, then) in [
        (Redemption { verifier: CHALLENGE, ..attempt() }, Err(GrantError::Replayed)),
        (Redemption { redirect_uri: "http://x.test", ..attempt() }, Err(GrantError::Replayed)),
        (Redemption { client_id: "other", ..attempt() }, Ok(())),
    ] {
        let mut grants = issued();
        assert!(grants.redeem(NOW, &attempt_first, &tokens("first")).is_err());
        let second = grants.redeem(NOW, &attempt(), &tokens("second")).map(|_| ());
        assert_eq!(second, then, "{attempt_first:?}");
    }
}

#[test]
fn a_strangers_replay_revokes_nothing() {
    let mut grants = issued();
    grants.redeem(NOW, &attempt(), &tokens("token")).unwrap();
    let stranger = Redemption { client_id: "other", ..attempt() };
    assert!(grants.redeem(NOW, &stranger, &tokens("x")).is_err());
    assert!(grants.access(NOW, Provider::Google, "token").is_some());
}

#[test]
fn an_access_token_is_good_for_its_time_at_its_provider() {
    let mut grants = issued();
    grants.redeem(NOW, &attempt(), &tokens("token")).unwrap();
    for (now, provider, token, good) in [
        (NOW.0, Provider::Google, "token", true),
        (NOW.0 + 3599, Provider::Google, "token", true),
        (NOW.0 + 3600, Provider::Google, "token", false),
        (NOW.0, Provider::Github, "token", false),
        (NOW.0, Provider::Google, "code", false),
    ] {
        let access = grants.access(Timestamp(now), provider, token);
        assert_eq!(access.is_some(), good, "{now} {provider} {token}");
    }
}

fn attempt_with(refresh_token: &str) -> Refresh<'_> {
    Refresh {
        provider: Provider::Google,
        client_id: "app",
        refresh_token,
        scope: None,
        audience: None,
    }
}

#[test]
fn a_refresh_token_comes_with_consent_to_something() {
    use Offline::{Always, No, WhenNew};
    for (offline, earlier, given, due) in [
        (No, "", false, false),
        (No, "", true, false),
        (WhenNew, "", false, true),
        (WhenNew, "openid email", false, true),
        (WhenNew, "openid email", true, false),
        (WhenNew, "openid", true, true),
        (Always, "openid email", true, true),
    ] {
        let decided = Authorization { offline, ..authorization() };
        let earlier_scopes = scopes(earlier);
        let outcome = decided.refresh_is_due(&earlier_scopes, given);
        assert_eq!(outcome, due, "{offline:?} {earlier} {given}");
        let silent = Authorization { misbehaviour: Misbehaviour::NoRefreshToken, ..decided };
        assert!(!silent.refresh_is_due(&earlier_scopes, given));
    }
}

#[test]
fn a_refresh_token_is_good_for_its_client_its_scopes_and_its_time() {
    const DAY: u64 = 24 * 60 * 60;
    let good = || attempt_with("refresh");
    let api = Audience::Api("http://localhost:3000/api".into());
    for (days, attempt, expected) in [
        (0, good(), Ok("openid email")),
        (179, good(), Ok("openid email")),
        (180, good(), Err(GrantError::Unknown)),
        (0, Refresh { scope: Some("email"), ..good() }, Ok("email")),
        (0, Refresh { scope: Some("email profile"), ..good() }, Err(GrantError::TooWide)),
        (0, Refresh { client_id: "other", ..good() }, Err(GrantError::ForeignClient)),
        (0, Refresh { provider: Provider::Github, ..good() }, Err(GrantError::ForeignClient)),
        (0, Refresh { audience: Some(&api), ..good() }, Err(GrantError::OtherAudience)),
        (0, attempt_with("token"), Err(GrantError::Unknown)),
        (0, attempt_with("code"), Err(GrantError::Unknown)),
    ] {
        let mut grants = issued_for(offline(Misbehaviour::None));
        assert!(grants.redeem(NOW, &attempt_of("code"), &tokens("token")).unwrap().refresh);
        let now = Timestamp(NOW.0 + days * DAY);
        let outcome =
            grants.refresh(now, &attempt, &NewTokens { access: "new", refresh: "unused" });
        let outcome = outcome.map(|issued| issued.authorization.scopes.to_string());
        assert_eq!(outcome.as_deref().map_err(|e| *e), expected, "{days} {attempt:?}");
        let opens = grants.access(now, Provider::Google, "new").is_some();
        assert_eq!(opens, expected.is_ok());
        // It goes on being as wide as it was.
        if expected.is_ok() {
            let again = grants.refresh(now, &good(), &tokens("newer")).unwrap();
            assert_eq!(again.authorization.scopes.to_string(), "openid email");
        }
    }
}

#[test]
fn a_testers_refresh_token_ends_after_seven_days() {
    const WEEK: u64 = 7 * 24 * 60 * 60;
    let tester = Arc::new(builtin().into_iter().find(|person| person.testing).unwrap());
    for (seconds, good) in [(WEEK - 1, true), (WEEK, false)] {
        let decided = Authorization { person: Arc::clone(&tester), ..offline(Misbehaviour::None) };
        let mut grants = issued_for(decided);
        grants.redeem(NOW, &attempt(), &tokens("token")).unwrap();
        let outcome =
            grants.refresh(Timestamp(NOW.0 + seconds), &attempt_with("refresh"), &tokens("new"));
        assert_eq!(outcome.is_ok(), good, "{seconds}");
    }
}

#[test]
fn a_rotated_refresh_token_is_good_once_more_for_a_minute() {
    // Seconds after the rotation, whether it was tried again before, what comes of it.
    for (seconds, retried, good) in [(60, false, true), (61, false, false), (30, true, false)] {
        let mut grants = issued_for(offline(Misbehaviour::RefreshRotates));
        grants.redeem(NOW, &attempt(), &tokens("token")).unwrap();
        let renew = |grants: &mut Grants, old: &str, new: &str, at: u64| {
            let (access, now) = (format!("access of {new}"), Timestamp(NOW.0 + at));
            let new = NewTokens { access: &access, refresh: new };
            grants.refresh(now, &attempt_with(old), &new).map(|issued| issued.refresh)
        };
        assert_eq!(renew(&mut grants, "refresh", "second", 0), Ok(true));
        if retried {
            assert_eq!(renew(&mut grants, "refresh", "third", 0), Ok(true));
        }
        let late = renew(&mut grants, "refresh", "fourth", seconds);
        assert_eq!(late, if good { Ok(true) } else { Err(GrantError::Replayed) });
        // Its use after that ends everything that goes back to the same code.
        let successor = renew(&mut grants, "second", "fifth", seconds);
        assert_eq!(successor.is_ok(), good, "{seconds} {retried}");
        let opens = grants.access(Timestamp(NOW.0), Provider::Google, "access of second");
        assert_eq!(opens.is_some(), good);
    }
}

#[test]
fn ending_a_consent_ends_its_codes_and_tokens_and_no_others() {
    let ada = offline(Misbehaviour::None);
    let grace = Arc::new(builtin().remove(1));
    let bystander = Authorization { person: grace, ..ada.clone() };
    let mut grants = issued_for(ada);
    grants.issue_code(NOW, "pending", offline(Misbehaviour::None), binding());
    grants.issue_code(NOW, "another", bystander, binding());
    let issued = grants.redeem(NOW, &attempt(), &tokens("token")).unwrap();
    let other = NewTokens { access: "others", refresh: "others refresh" };
    grants.redeem(NOW, &attempt_of("another"), &other).unwrap();

    assert!(grants.revoke(&issued.authorization));
    assert!(grants.access(NOW, Provider::Google, "token").is_none());
    assert!(grants.find(NOW, Provider::Google, "refresh").is_none());
    let pending = grants.redeem(NOW, &attempt_of("pending"), &tokens("late"));
    assert_eq!(pending.unwrap_err(), GrantError::Unknown);
    assert!(grants.access(NOW, Provider::Google, "others").is_some());
    assert!(grants.refresh(NOW, &attempt_with("others refresh"), &tokens("new")).is_ok());
}

#[test]
fn a_revocation_can_fail_twice_and_then_works() {
    let mut grants = issued_for(offline(Misbehaviour::RevocationFails));
    let issued = grants.redeem(NOW, &attempt(), &tokens("token")).unwrap();
    for works in [false, false, true] {
        assert!(grants.find(NOW, Provider::Google, "refresh").is_some());
        assert_eq!(grants.revoke(&issued.authorization), works);
    }
    assert!(grants.find(NOW, Provider::Google, "refresh").is_none());
}

#[test]
fn the_last_decision_about_a_scope_counts() {
    let mut grants =
        issued_for(Authorization { scopes: scopes("openid email"), ..authorization() });
    grants.redeem(NOW, &attempt(), &tokens("token")).unwrap();
    let key = ConsentKey::of(&authorization());
    let nothing = Scopes::default();
    assert_eq!(grants.granted_earlier(&key, &nothing).to_string(), "openid email");
    assert_eq!(grants.granted_earlier(&key, &scopes("email")).to_string(), "openid");

    // Asked for again, and unticked this time; another one comes on top.
    let decided = Authorization { scopes: scopes("profile"), ..authorization() };
    let asked = Binding { asked: scopes("email profile"), ..binding() };
    grants.issue_code(NOW, "another", decided, asked);
    grants.redeem(NOW, &attempt_of("another"), &tokens("second")).unwrap();
    assert_eq!(grants.granted_earlier(&key, &nothing).to_string(), "openid profile");
}

#[test]
fn grants_outlive_the_process_and_hold_no_token() {
    let (clients, people) = (clients(), People::load(None).unwrap());
    let catalogue = Catalogue::new(&[]);
    let context = RestoreContext { clients: &clients, people: &people, catalogue: &catalogue };
    let mut before = issued_for(offline(Misbehaviour::RefreshRotates));
    let secrets = NewTokens { access: "the-access-token", refresh: "the-refresh-token" };
    let issued = before.redeem(NOW, &attempt(), &secrets).unwrap();
    let rotated = NewTokens { access: "another-access-token", refresh: "the-second-token" };
    before.refresh(NOW, &attempt_with("the-refresh-token"), &rotated).unwrap();
    let json = serde_json::to_string(&Snapshot::of(&before, NOW)).unwrap();
    for secret in ["the-access-token", "the-refresh-token", "the-second-token", "code"] {
        assert!(!json.contains(&format!("\"{secret}\"")), "{json}");
    }

    let mut after = Grants::default();
    json_snapshot(&json).restore(&mut after, NOW, &context);
    assert_eq!(Snapshot::of(&after, NOW), Snapshot::of(&before, NOW));
    // It lives an hour: a refresh brings another.
    assert!(after.find(NOW, Provider::Google, "the-access-token").is_none());
    let later = Timestamp(NOW.0 + 61);
    let new = NewTokens { access: "new", refresh: "the-third-token" };
    let renewed = after.refresh(later, &attempt_with("the-second-token"), &new).unwrap();
    assert!(renewed.refresh);
    assert_eq!(renewed.authorization.scopes.to_string(), "openid email");
    let reused = after.refresh(later, &attempt_with("the-refresh-token"), &new);
    assert_eq!(reused.unwrap_err(), GrantError::Replayed);
    let key = ConsentKey::of(&issued.authorization);
    let earlier = after.granted_earlier(&key, &Scopes::default());
    assert_eq!(earlier.to_string(), "openid email");

    // A client that is not registered any more is not restored.
    let nobody = Clients::new(Vec::new()).unwrap();
    let mut without = Grants::default();
    let context = RestoreContext { clients: &nobody, ..context };
    json_snapshot(&json).restore(&mut without, NOW, &context);
    assert_eq!(Snapshot::of(&without, NOW), Snapshot::default());
}

#[test]
fn ephemeral_people_are_stored_nowhere() {
    let mut grants = Grants::default();
    for n in 0..3 {
        let (key, code, refresh) = (format!("passing-{n}"), format!("{n}"), format!("refresh-{n}"));
        let new = NewPerson::parse("Somebody", "a@example.test", true).unwrap();
        let person = Arc::new(Person::ephemeral(&key, new));
        let authorization = Authorization { person, ..offline(Misbehaviour::None) };
        grants.issue_code(NOW, &code, authorization, binding());
        let new = NewTokens { access: &code, refresh: &refresh };
        assert!(grants.redeem(NOW, &attempt_of(&code), &new).unwrap().refresh);
        assert!(grants.find(NOW, Provider::Google, &refresh).is_some());
    }
    assert!(grants.consents.is_empty());
    assert_eq!(Snapshot::of(&grants, NOW), Snapshot::default());
    // It can be revoked all the same.
    let token = grants.find(NOW, Provider::Google, "refresh-0").unwrap();
    assert!(grants.revoke(&token.authorization));
    assert!(grants.find(NOW, Provider::Google, "refresh-0").is_none());
    assert!(grants.find(NOW, Provider::Google, "refresh-1").is_some());
}

#[test]
fn tokens_that_live_long_are_stored_too() {
    let (clients, people) = (clients(), People::load(None).unwrap());
    let catalogue = Catalogue::new(&[]);
    let context = RestoreContext { clients: &clients, people: &people, catalogue: &catalogue };
    let client = Arc::clone(clients.find(Provider::Github, "app").unwrap());
    let mut before = issued_for(Authorization { client, ..authorization() });
    let attempt = Redemption { provider: Provider::Github, ..attempt() };
    before.redeem(NOW, &attempt, &tokens("token")).unwrap();
    let mut after = Grants::default();
    Snapshot::of(&before, NOW).restore(&mut after, NOW, &context);
    assert!(after.access(NOW, Provider::Github, "token").is_some());
}
