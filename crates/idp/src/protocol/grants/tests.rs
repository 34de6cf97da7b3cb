#![allow(clippy::unwrap_used)]

use super::*;
use crate::people::builtin;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://localhost:3000/cb";
const NOW: Timestamp = Timestamp(1_000_000);

fn authorization() -> Authorization {
    Authorization {
        client: Arc::new(Client {
            provider: Provider::Google,
            id: "app".into(),
            secret: "secret".into(),
            redirect_uris: vec![CALLBACK.into()],
            name: "App".into(),
        }),
        redirect_uri: CALLBACK.into(),
        challenge: CodeChallenge::parse(CHALLENGE).unwrap(),
        nonce: None,
        scopes: Scopes::default(),
        person: Arc::new(builtin::people().remove(0)),
        auth_time: NOW,
        misbehaviour: Misbehaviour::None,
    }
}

fn attempt() -> Redemption<'static> {
    Redemption {
        provider: Provider::Google,
        client_id: "app",
        code: "code",
        redirect_uri: CALLBACK,
        verifier: VERIFIER,
    }
}

fn issued() -> Grants {
    let mut grants = Grants::default();
    grants.issue_code(NOW, "code", authorization());
    grants
}

#[test]
fn a_code_is_bound_to_everything_it_was_issued_for() {
    let good = attempt;
    let later = |seconds| Timestamp(NOW.0 + seconds);
    for (now, attempt, expected) in [
        (NOW, good(), Ok(())),
        (later(59), good(), Ok(())),
        (later(60), good(), Err(RedeemError::Expired)),
        (NOW, Redemption { code: "other", ..good() }, Err(RedeemError::Unknown)),
        (NOW, Redemption { client_id: "other", ..good() }, Err(RedeemError::ForeignClient)),
        (NOW, Redemption { provider: Provider::Github, ..good() }, Err(RedeemError::ForeignClient)),
        (
            NOW,
            Redemption { redirect_uri: "http://localhost:3000/other", ..good() },
            Err(RedeemError::RedirectUriMismatch),
        ),
        (NOW, Redemption { verifier: CHALLENGE, ..good() }, Err(RedeemError::VerifierMismatch)),
        (NOW, Redemption { verifier: "", ..good() }, Err(RedeemError::VerifierMismatch)),
    ] {
        let outcome = issued().redeem(now, &attempt, "token").map(|_| ());
        assert_eq!(outcome, expected, "{attempt:?}");
    }
}

#[test]
fn a_second_use_revokes_what_the_first_one_got() {
    let mut grants = issued();
    grants.issue_code(NOW, "another", authorization());
    grants.redeem(NOW, &attempt(), "token").unwrap();
    let another = Redemption { code: "another", ..attempt() };
    grants.redeem(NOW, &another, "bystander").unwrap();
    assert!(grants.access(NOW, Provider::Google, "token").is_some());

    // Long after the code would have expired, but while the token is still good.
    let late = Timestamp(NOW.0 + 3000);
    let replay = grants.redeem(late, &attempt(), "second");
    assert_eq!(replay.unwrap_err(), RedeemError::Replayed);
    assert!(grants.access(late, Provider::Google, "token").is_none());
    assert!(grants.access(late, Provider::Google, "second").is_none());
    assert!(grants.access(late, Provider::Google, "bystander").is_some());
}

#[test]
fn a_failed_attempt_uses_the_code_up_unless_it_was_a_strangers() {
    for (attempt_first, then) in [
        (Redemption { verifier: CHALLENGE, ..attempt() }, Err(RedeemError::Replayed)),
        (Redemption { redirect_uri: "http://x.test", ..attempt() }, Err(RedeemError::Replayed)),
        (Redemption { client_id: "other", ..attempt() }, Ok(())),
    ] {
        let mut grants = issued();
        assert!(grants.redeem(NOW, &attempt_first, "first").is_err());
        let second = grants.redeem(NOW, &attempt(), "second").map(|_| ());
        assert_eq!(second, then, "{attempt_first:?}");
    }
}

#[test]
fn a_strangers_replay_revokes_nothing() {
    let mut grants = issued();
    grants.redeem(NOW, &attempt(), "token").unwrap();
    let stranger = Redemption { client_id: "other", ..attempt() };
    assert!(grants.redeem(NOW, &stranger, "x").is_err());
    assert!(grants.access(NOW, Provider::Google, "token").is_some());
}

#[test]
fn an_access_token_is_good_for_its_time_at_its_provider() {
    let mut grants = issued();
    grants.redeem(NOW, &attempt(), "token").unwrap();
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
