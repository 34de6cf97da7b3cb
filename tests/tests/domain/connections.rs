//! Consequences of the granted scopes.

use latchkey_domain::Timestamp;
use latchkey_domain::connection::decision::{
    CallDenied, granted_scopes, may_call, needs_refresh, retry_delay, scopes_to_request,
};
use latchkey_domain::connection::{BrokenReason, Failure, Family, Offer, ProviderScopes, State};

const CALENDAR: &str = "https://www.googleapis.com/auth/calendar.readonly";

#[test]
fn provider_calls_require_a_granted_scope() {
    let at = Timestamp::from_seconds(1);
    let calendar = Family::Google.offer("calendar").expect("an offer");
    let contacts = Family::Google.offer("contacts").expect("an offer");
    let broken = State::NeedsReconnect { since: at, reason: BrokenReason::Revoked };
    let ending = State::Disconnecting { since: at, tries: 0, next_try_at: at };
    for (state, granted, offer, outcome) in [
        (State::Active, CALENDAR, calendar, Ok(())),
        (State::Active, CALENDAR, contacts, Err(CallDenied::NotGranted)),
        (State::Active, "", calendar, Err(CallDenied::NotGranted)),
        // A longer name with the same prefix is another scope.
        (State::Active, &format!("{CALENDAR}x"), calendar, Err(CallDenied::NotGranted)),
        (broken, CALENDAR, calendar, Err(CallDenied::Reconnect(BrokenReason::Revoked))),
        (broken, "", calendar, Err(CallDenied::Reconnect(BrokenReason::Revoked))),
        (ending, CALENDAR, calendar, Err(CallDenied::Disconnecting)),
    ] {
        assert_eq!(may_call(state, &ProviderScopes::parse(granted), offer), outcome, "{state:?}");
    }
}

#[test]
fn token_is_refreshed_a_minute_before_expiry() {
    let now = Timestamp::from_seconds(1_000);
    for (end, due) in [(None, false), (Some(900), true), (Some(1_060), true), (Some(1_061), false)]
    {
        assert_eq!(needs_refresh(end.map(Timestamp::from_seconds), now), due, "{end:?}");
    }
}

#[test]
fn incremental_authorization_keeps_granted_scopes() {
    let contacts = Family::Google.offer("contacts").expect("an offer");
    let asked = |granted: Option<&str>, chosen: &[&Offer]| {
        let granted = granted.map(ProviderScopes::parse);
        scopes_to_request(Family::Google, granted.as_ref(), chosen).to_string()
    };
    assert_eq!(asked(None, &[]), "email openid profile");
    assert_eq!(
        asked(Some(&format!("openid {CALENDAR}")), &[contacts]),
        format!("email {CALENDAR} https://www.googleapis.com/auth/contacts openid profile")
    );
    assert!(!asked(Some("openid"), &[contacts]).contains(CALENDAR));
}

#[test]
fn missing_scope_in_response_means_granted_as_requested() {
    let asked = ProviderScopes::parse("a b");
    assert_eq!(granted_scopes(&asked, None), asked);
    assert_eq!(
        granted_scopes(&asked, Some(&ProviderScopes::parse("a"))),
        ProviderScopes::parse("a")
    );
    assert_eq!(granted_scopes(&asked, Some(&ProviderScopes::default())), ProviderScopes::default());
}

#[test]
fn retry_delay_doubles_up_to_a_limit() {
    for (tries, seconds) in
        [(0, 30), (1, 30), (2, 60), (3, 120), (10, 15_360), (11, 21_600), (u32::MAX, 21_600)]
    {
        assert_eq!(retry_delay(tries).as_seconds(), seconds, "{tries}");
    }
}

#[test]
fn broken_and_failure_reasons_round_trip() {
    for reason in BrokenReason::ALL {
        assert_eq!(reason.to_string().parse(), Ok(*reason));
    }
    for failure in Failure::ALL {
        assert_eq!(failure.to_string().parse(), Ok(*failure));
    }
    assert!("unheard_of".parse::<BrokenReason>().is_err());
}

#[test]
fn scopes_parse_with_spaces_or_commas() {
    for (text, read) in [
        ("openid email", "email openid"),
        ("repo,user:email", "repo user:email"),
        ("", ""),
        (" , ", ""),
        ("a a a", "a"),
        ("good b\u{e4}d qu\"ote back\\slash", "good"),
        ("a\nb c\0d e", "e"),
    ] {
        assert_eq!(ProviderScopes::parse(text).to_string(), read, "{text:?}");
        assert_eq!(ProviderScopes::parse(read).to_string(), read);
    }
}

#[test]
fn number_and_length_of_scopes_are_limited() {
    let many = (0..10_000).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(ProviderScopes::parse(&many).iter().count(), 100);
    assert_eq!(ProviderScopes::parse(&"x".repeat(257)), ProviderScopes::default());
}
