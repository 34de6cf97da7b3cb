#![allow(clippy::unwrap_used)]

use super::*;

const API: &str = "http://localhost:3000/api";
const ISSUER: &str = "http://127.0.0.1:3001/google";

fn catalogue() -> Catalogue {
    let scope = |name: &str| (name.to_owned(), format!("Do {name}"));
    let api = |audience: &str, scopes: &[&str]| Api {
        name: "Latchkey".into(),
        audience: audience.into(),
        scopes: scopes.iter().map(|name| scope(name)).collect(),
        id: "api".into(),
        secret: "secret".into(),
        metadata_url: format!("{audience}/metadata").parse().unwrap(),
    };
    Catalogue::new(&[
        api(API, &["profile", "calendar:read", "contacts:read"]),
        api("https://other.test", &["print"]),
    ])
}

fn parse(provider: Provider, value: &str) -> Scopes {
    catalogue().parse(provider, &Audience::Provider, value)
}

#[test]
fn unknown_scopes_are_ignored() {
    for (provider, asked, known) in [
        (Provider::Google, "profile openid drive calendar:read", "openid profile"),
        (Provider::Google, "openid,email", ""),
        (Provider::Google, "OPENID email email", "email"),
        (Provider::Github, "user:email,read:user gist", "read:user user:email"),
        (Provider::Github, "repo", "repo"),
        (Provider::Facebook, "email,public_profile", "public_profile email"),
        (Provider::Github, "", ""),
    ] {
        assert_eq!(parse(provider, asked).to_string(), known, "{asked}");
    }
}

#[test]
fn a_grant_is_what_was_asked_and_ticked_and_what_is_required() {
    for (asked, ticked, granted) in [
        ("openid email profile", "profile", "openid profile"),
        ("openid email", "", "openid"),
        ("openid", "openid email", "openid"),
        ("email profile", "", ""),
    ] {
        let outcome = parse(Provider::Google, asked).granted(Provider::Google, ticked);
        assert_eq!(outcome.to_string(), granted, "{asked} / {ticked}");
    }
}

#[test]
fn a_refresh_may_narrow_and_never_widen() {
    let granted = parse(Provider::Google, "openid email profile");
    for (asked, expected) in [
        ("openid", Some("openid")),
        ("profile  email", Some("email profile")),
        ("openid email profile", Some("openid email profile")),
        (CALENDAR, None),
        ("openid drive", None),
        (" ", None),
    ] {
        let narrowed = granted.narrowed(asked).map(|scopes| scopes.to_string());
        assert_eq!(narrowed.as_deref(), expected, "{asked}");
    }
}

#[test]
fn sets_are_added_and_taken_away() {
    let (a, b) =
        (parse(Provider::Google, "openid email"), parse(Provider::Google, "email profile"));
    assert_eq!(a.with(&b).to_string(), "openid email profile");
    assert_eq!(a.without(&b).to_string(), "openid");
}

#[test]
fn a_request_is_about_one_audience() {
    let api = || Some(Audience::Api(API.into()));
    let provider = || Some(Audience::Provider);
    for (resource, asked, expected, scopes) in [
        (None, "openid profile", provider(), "openid profile"),
        (Some(ISSUER), "openid calendar:read", provider(), "openid"),
        (Some(API), "openid profile email calendar:read", api(), "openid profile calendar:read"),
        (Some(API), CALENDAR, api(), ""),
        // A scope that only one of them knows says whom the request is about.
        (None, "calendar:read profile", api(), "profile calendar:read"),
        (None, "nonsense", provider(), ""),
        (
            Some("https://other.test"),
            "print profile",
            Some(Audience::Api("https://other.test".into())),
            "print",
        ),
        (Some("http://localhost:3000/api/"), "calendar:read", None, ""),
        (Some("http://localhost:3000"), "calendar:read", None, ""),
    ] {
        let catalogue = catalogue();
        let audience = catalogue.audience(Provider::Google, Some(ISSUER), resource, asked);
        assert_eq!(audience, expected, "{resource:?} {asked}");
        if let Some(audience) = audience {
            let parsed = catalogue.parse(Provider::Google, &audience, asked);
            assert_eq!(parsed.to_string(), scopes, "{resource:?} {asked}");
        }
    }
}

#[test]
fn each_name_is_listed_once() {
    let catalogue = catalogue();
    let names = catalogue.names();
    assert_eq!(names.iter().filter(|name| **name == "profile").count(), 1);
    assert!(names.contains(&"calendar:read") && names.contains(&"print"));
}
