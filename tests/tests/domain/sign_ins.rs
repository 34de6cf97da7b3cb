//! Sign-ins: users, methods and rights.

use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::id::InvalidId;
use latchkey_domain::identity::{
    Decision, InvalidSubject, Profile, Subject, may_unlink, resolve_account,
};
use latchkey_domain::refresh::{RefreshTokenState, Verdict, may_rotate};
use latchkey_domain::scope::UnknownScope;
use latchkey_domain::sign_in::{Lifetime, SignInMethod, UnknownMethod};
use latchkey_domain::{DisplayName, Email, Role, Roles, Scopes, Span, Timestamp, UserId};

#[test]
fn audit_kinds_and_actors_round_trip() {
    for kind in Kind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(*kind));
    }
    assert!("unheard_of".parse::<Kind>().is_err());
    for actor in Actor::ALL {
        assert_eq!(actor.to_string().parse(), Ok(*actor));
    }
    assert!("unheard_of".parse::<Actor>().is_err());
}

#[test]
fn user_ids_sort_by_time_and_round_trip() -> Result<(), InvalidId> {
    let earlier = UserId::new(Timestamp::from_millis(1_000), [0xff; 10]);
    let later = UserId::new(Timestamp::from_millis(1_001), [0; 10]);
    assert!(earlier.to_string() < later.to_string());
    assert_eq!(earlier.to_string().parse::<UserId>()?, earlier);
    Ok(())
}

#[test]
fn non_canonical_user_ids_are_rejected() {
    let id = UserId::new(Timestamp::from_millis(1), [0xab; 10]).to_string();
    for wrong in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), String::new()] {
        assert_eq!(wrong.parse::<UserId>(), Err(InvalidId), "{wrong}");
    }
}

#[test]
fn subject_length_and_characters_are_validated() {
    for (text, ok) in [
        ("1", true),
        ("110169484474386276334", true),
        ("", false),
        ("a\0b", false),
        (&"x".repeat(255), true),
        (&"x".repeat(256), false),
    ] {
        assert_eq!(Subject::new(text).is_ok(), ok, "{text:.20}");
    }
    assert_ne!(Subject::new("abc"), Subject::new("ABC"));
}

#[test]
fn account_is_resolved_by_identity_not_email() -> Result<(), InvalidSubject> {
    let ada = UserId::new(Timestamp::from_millis(1), [1; 10]);
    let other = UserId::new(Timestamp::from_millis(2), [2; 10]);
    let profile = |email: Option<&str>, email_verified| {
        Ok(Profile {
            issuer: "https://issuer.test".to_owned(),
            subject: Subject::new("1")?,
            name: DisplayName::first_of([Some("Ada")]),
            email: email.and_then(|email| Email::parse(email).ok()),
            email_verified,
        })
    };
    let address = Some("ada@example.test");
    for (linking, known, email, verified, owner, decision) in [
        // A known identity signs in, whatever its address and the owner of that address.
        (None, Some(ada), address, true, Some(ada), Decision::SignIn(ada)),
        (None, Some(ada), address, true, Some(other), Decision::SignIn(ada)),
        (None, Some(ada), address, false, None, Decision::SignIn(ada)),
        (None, Some(ada), None, false, None, Decision::SignIn(ada)),
        // An unknown one never signs in to an existing account.
        (None, None, address, true, Some(other), Decision::EmailTaken),
        (None, None, address, true, None, Decision::CreateAccount),
        (None, None, address, false, Some(other), Decision::CreateAccount),
        (None, None, address, false, None, Decision::CreateAccount),
        (None, None, None, true, None, Decision::CreateAccount),
        // A signed-in user links an unknown identity, whatever its address.
        (Some(ada), None, address, true, Some(other), Decision::Link(ada)),
        (Some(ada), None, address, true, Some(ada), Decision::Link(ada)),
        (Some(ada), None, None, false, None, Decision::Link(ada)),
        (Some(ada), Some(ada), address, true, Some(ada), Decision::AlreadyLinked),
        (Some(ada), Some(other), address, true, Some(ada), Decision::IdentityTaken),
    ] {
        let profile = profile(email, verified)?;
        assert_eq!(resolve_account(known, &profile, owner, linking), decision);
    }
    Ok(())
}

#[test]
fn last_sign_in_method_cannot_be_removed() {
    for (methods, may) in [(0, false), (1, false), (2, true), (9, true)] {
        assert_eq!(may_unlink(methods), may, "{methods}");
    }
}

#[test]
fn refresh_token_state_decides_rotation() {
    let at = Timestamp::from_seconds;
    for (expires, used, ended, now, verdict) in [
        (100, None, false, 50, Verdict::Rotate),
        (100, None, false, 99, Verdict::Rotate),
        (100, None, false, 100, Verdict::Expired),
        (100, Some(50), false, 50, Verdict::SameSuccessor),
        (100, Some(50), false, 60, Verdict::SameSuccessor),
        (100, Some(50), false, 61, Verdict::EndFamily),
        (100, Some(50), false, 40, Verdict::SameSuccessor),
        (100, Some(50), false, 39, Verdict::EndFamily),
        (100, Some(50), false, 101, Verdict::Expired),
        (100, None, true, 50, Verdict::Ended),
        (100, Some(50), true, 51, Verdict::Ended),
    ] {
        let known = RefreshTokenState { expires_at: at(expires), used_at: used.map(at), ended };
        assert_eq!(may_rotate(known, at(now)), verdict, "{known:?} at {now}");
    }
}

#[test]
fn role_names_are_validated() {
    for (name, ok) in [
        ("admin", true),
        ("read-only-2", true),
        ("", false),
        ("Admin", false),
        ("2nd", false),
        ("a b", false),
        (&"a".repeat(33), false),
    ] {
        assert_eq!(name.parse::<Role>().is_ok(), ok, "{name}");
    }
}

#[test]
fn roles_are_sorted_and_deduplicated() {
    let roles = Roles::from("editor admin admin");
    assert_eq!(roles.to_string(), "admin editor");
    assert!(roles.contains(&Role::admin()));
    assert!(!Roles::from("administrator").contains(&Role::admin()));
}

#[test]
fn scopes_are_deduplicated_and_unknown_ones_rejected() {
    assert_eq!(
        "contacts:read profile profile".parse::<Scopes>().map(|s| s.to_string()),
        Ok("profile contacts:read".to_owned())
    );
    assert_eq!("profile admin".parse::<Scopes>(), Err(UnknownScope));
    assert_eq!(Scopes::parse_known("profile repo").to_string(), "profile");
}

#[test]
fn sign_in_methods_round_trip_as_text() {
    for method in [SignInMethod::Password, SignInMethod::OAuth("google".to_owned())] {
        assert_eq!(method.to_string().parse(), Ok(method));
    }
    for unknown in ["", "passwords", "Password", "oauth", "oauth:", "saml:acme"] {
        assert_eq!(unknown.parse::<SignInMethod>(), Err(UnknownMethod), "{unknown}");
    }
}

#[test]
fn sign_in_ends_at_idle_or_absolute_limit() {
    let life = Lifetime { idle: Span::seconds(10), absolute: Span::seconds(60) };
    let at = Timestamp::from_seconds;
    assert_eq!(life.ends_at(at(0), at(0)), at(10));
    assert_eq!(life.ends_at(at(0), at(45)), at(55));
    assert_eq!(life.ends_at(at(0), at(59)), at(60));
    assert_eq!(life.touch_interval(), Span::millis(2500));
}
