//! What follows from what was granted, and from the time.

use super::{BrokenReason, Family, Granted, Offer, State};
use crate::{Span, Timestamp};

/// An access token is refreshed this long before it expires, so that it does not
/// expire on the way.
pub const EARLY: Span = Span::seconds(60);

const LONGEST_PAUSE: Span = Span::minutes(6 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallDenied {
    NotGranted,
    Reconnect(BrokenReason),
    Disconnecting,
}

/// May this call be made with what was granted?
pub fn may_call(state: State, granted: &Granted, offer: &Offer) -> Result<(), CallDenied> {
    match state {
        State::Disconnecting { .. } => Err(CallDenied::Disconnecting),
        State::NeedsReconnect { because, .. } => Err(CallDenied::Reconnect(because)),
        State::Living if granted.contains(offer.scope) => Ok(()),
        State::Living => Err(CallDenied::NotGranted),
    }
}

/// Is it time to refresh an access token that expires then? One without an expiry
/// is good until the provider says otherwise.
pub fn is_due(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|end| now.plus(EARLY) >= end)
}

/// What to request: what is needed in any case, what was granted before, so that
/// nothing is lost by asking for more, and what was chosen now. What was requested
/// before and unticked is not requested again.
pub fn to_ask(family: Family, granted: Option<&Granted>, chosen: &[&Offer]) -> Granted {
    let needed = Granted::of(family.needed().iter().copied());
    let chosen = Granted::of(chosen.iter().map(|offer| offer.scope));
    let before = granted.cloned().unwrap_or_default();
    needed.and(&before).and(&chosen)
}

/// What the token response says, else what was requested (RFC 6749 §5.1).
pub fn granted(asked: &Granted, said: Option<&Granted>) -> Granted {
    said.unwrap_or(asked).clone()
}

/// How long to wait after so many failed tries to revoke.
pub fn pause(tries: u32) -> Span {
    let factor = 1_i64 << tries.saturating_sub(1).min(20);
    Span::millis(Span::seconds(30).as_millis() * factor).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALENDAR: &str = "https://www.googleapis.com/auth/calendar.readonly";

    #[test]
    fn calls_are_made_only_with_what_was_granted() {
        let at = Timestamp::from_seconds(1);
        let calendar = Family::Google.offer("calendar").expect("an offer");
        let contacts = Family::Google.offer("contacts").expect("an offer");
        let broken = State::NeedsReconnect { since: at, because: BrokenReason::Revoked };
        let ending = State::Disconnecting { since: at, tries: 0, next_try_at: at };
        for (state, granted, offer, outcome) in [
            (State::Living, CALENDAR, calendar, Ok(())),
            (State::Living, CALENDAR, contacts, Err(CallDenied::NotGranted)),
            (State::Living, "", calendar, Err(CallDenied::NotGranted)),
            // A longer name that begins alike is another scope.
            (State::Living, &format!("{CALENDAR}x"), calendar, Err(CallDenied::NotGranted)),
            (broken, CALENDAR, calendar, Err(CallDenied::Reconnect(BrokenReason::Revoked))),
            (broken, "", calendar, Err(CallDenied::Reconnect(BrokenReason::Revoked))),
            (ending, CALENDAR, calendar, Err(CallDenied::Disconnecting)),
        ] {
            assert_eq!(may_call(state, &Granted::parse(granted), offer), outcome, "{state:?}");
        }
    }

    #[test]
    fn a_token_is_renewed_a_minute_before_its_end() {
        let now = Timestamp::from_seconds(1_000);
        for (end, due) in
            [(None, false), (Some(900), true), (Some(1_060), true), (Some(1_061), false)]
        {
            assert_eq!(is_due(end.map(Timestamp::from_seconds), now), due, "{end:?}");
        }
    }

    #[test]
    fn asking_for_more_keeps_what_there_is_and_does_not_nag() {
        let contacts = Family::Google.offer("contacts").expect("an offer");
        let asked = |granted: Option<&str>, chosen: &[&Offer]| {
            let granted = granted.map(Granted::parse);
            to_ask(Family::Google, granted.as_ref(), chosen).to_string()
        };
        assert_eq!(asked(None, &[]), "email openid profile");
        assert_eq!(
            asked(Some(&format!("openid {CALENDAR}")), &[contacts]),
            format!("email {CALENDAR} https://www.googleapis.com/auth/contacts openid profile")
        );
        assert!(!asked(Some("openid"), &[contacts]).contains(CALENDAR));
    }

    #[test]
    fn what_is_not_said_was_granted_as_asked() {
        let asked = Granted::parse("a b");
        assert_eq!(granted(&asked, None), asked);
        assert_eq!(granted(&asked, Some(&Granted::parse("a"))), Granted::parse("a"));
        assert_eq!(granted(&asked, Some(&Granted::default())), Granted::default());
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        for (tries, seconds) in
            [(0, 30), (1, 30), (2, 60), (3, 120), (10, 15_360), (11, 21_600), (u32::MAX, 21_600)]
        {
            assert_eq!(pause(tries).as_seconds(), seconds, "{tries}");
        }
    }
}
