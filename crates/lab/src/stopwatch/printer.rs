//! A key that another app holds: the Calendar Printer of the local provider, which
//! asks for an opaque token for our API (RFC 8707) and shows it to nobody.

use std::time::Duration;

use http::{Method, StatusCode};

use super::Subject;
use crate::doors::{self, Key, decision, expect, leads_to};
use crate::ground::at;
use crate::{Agent, Call, Error, Place, Result};

const PERSON: &str = "ada";

/// The app's own browser of a person who let it in, and another one through which
/// that person takes it back: what ends is the grant, with all its tokens.
///
/// # Errors
/// When there is no such app there, or it is not let in.
pub(super) async fn printing(
    agent: &Agent,
    place: &dyn Place,
    cached_for: Duration,
) -> Result<Subject> {
    let Some(provider) = place.provider() else {
        return Err(Error::NotHere("another app that asks for access".to_owned()));
    };
    // Whose calendar it is has to be known here.
    doors::by_oauth(&mut agent.stranger(), place, PERSON, Key::Session).await?;
    let (mut holder, mut owner) = (agent.stranger(), agent.stranger());
    for visitor in [&mut holder, &mut owner] {
        let connect = Call::form(at(provider, "/calendar-printer/connect")?, &[]);
        let authorize = leads_to(&expect(visitor.send(connect).await?, StatusCode::SEE_OTHER)?)?;
        visitor.send(Call::get(authorize.clone())).await?;
        let decided = visitor.send(decision(&authorize, PERSON, &|_| true)).await?;
        let callback = leads_to(&expect(decided, StatusCode::SEE_OTHER)?)?;
        expect(visitor.send(Call::get(callback)).await?, StatusCode::SEE_OTHER)?;
    }
    let cookies = |agent: &Agent| agent.cookies_for(provider).unwrap_or_default();
    let forget = Call::form(at(provider, "/calendar-printer/forget")?, &[]);
    let printout = Call::new(Method::GET, at(provider, "/calendar-printer/printout")?);
    let ends = forget.with("cookie", &cookies(&owner));
    let shows = printout.with("cookie", &cookies(&holder));
    Ok(Subject { shows, ..super::introspected(place.url(), "", ends, cached_for)? })
}
