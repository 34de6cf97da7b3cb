//! Claim 15: "OAuth depends on a third party".

use std::time::Duration;

use http::StatusCode;

use super::seen::{get, said};
use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::Evidence;
use crate::ground::Switch;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Error, Place, Result, Wishes};

const SESSION: &str = "a session that came through OAuth";
const JWT: &str = "a JWT that came through OAuth";
const RENEWED: &str = "that JWT, renewed";
const PASSWORD: &str = "somebody with a password";
const ANEW: &str = "somebody new, through OAuth";
const UNDER_WAY: &str = "somebody who has just consented, and comes back";
const AGAIN: &str = "through OAuth, with the provider back";

pub(super) const CLAIM: Claim = Claim {
    number: 15,
    slug: "third-party",
    sentence: "OAuth depends on a third party",
    method: "Two people come in through the provider, one with each key. Then the provider is \
             stopped: both go on, a third comes with a password, a fourth tries the provider.",
    honest: "Whoever is in stays in, with either key. Nobody new comes in through that door.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let mut evidence = Evidence::default();
        let measured = stop(bench, place.as_ref(), &mut evidence).await;
        closing(vec![place], measured.map(|()| evidence)).await
    })
}

async fn stop(bench: &Bench<'_>, place: &dyn Place, evidence: &mut Evidence) -> Result<()> {
    bench.doing("coming in through the provider");
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    let (mut session, mut jwt) = (nobody.stranger(), nobody.stranger());
    doors::by_oauth(&mut session, place, "ada", Key::Session).await?;
    doors::by_oauth(&mut jwt, place, "grace", Key::Jwt).await?;

    let mut consented = nobody.stranger();
    let callback = doors::as_far_as_consent(&mut consented, place, "alan", Key::Session).await?;

    bench.doing("going on without the provider");
    place.switch(Switch::StopProvider).await?;
    evidence.fact(UNDER_WAY, said(&consented.send(callback).await?));
    evidence.fact(ANEW, come_in(&mut nobody.stranger(), place).await?);
    evidence.fact(SESSION, said(&get(&mut session, place.url(), "/api/v1/me").await?));
    evidence.fact(JWT, said(&get(&mut jwt, place.url(), "/api/v1/me").await?));
    // Without its access token the browser's next page renews it.
    jwt.plant(place.url(), Key::Jwt.cookie(), "");
    evidence.fact(RENEWED, said(&get(&mut jwt, place.url(), "/account").await?));
    let mut typing = nobody.stranger();
    doors::by_password(&mut typing, place.url(), &email, Key::Session).await?;
    evidence.fact(PASSWORD, said(&get(&mut typing, place.url(), "/api/v1/me").await?));

    bench.doing("starting the provider again");
    place.switch(Switch::StartProvider).await?;
    evidence.fact(AGAIN, come_in(&mut nobody.stranger(), place).await?);
    Ok(())
}

/// Tries the door, and says where it ended.
async fn come_in(agent: &mut Agent, place: &dyn Place) -> Result<String> {
    match doors::by_oauth(agent, place, "alan", Key::Session).await {
        Ok(_) => Ok(said(&get(agent, place.url(), "/api/v1/me").await?)),
        // The browser itself was sent there, and found nobody.
        Err(Error::Agent(_)) => Ok("nobody answers at the provider".to_owned()),
        Err(Error::Unexpected { answered, .. }) => Ok(answered),
        Err(other) => Err(other),
    }
}

fn judge(evidence: &Evidence) -> Verdict {
    let ok = StatusCode::OK.as_str();
    let seen: Vec<_> = [SESSION, JWT, RENEWED, PASSWORD, ANEW, UNDER_WAY, AGAIN]
        .into_iter()
        .filter_map(|label| evidence.seen(label))
        .collect();
    let [session, jwt, renewed, password, anew, under_way, again] = seen[..] else {
        return Verdict::undecided("Not everybody tried.");
    };
    if again != ok {
        return Verdict::undecided("Nobody came in with the provider back, either.");
    }
    if anew == ok || under_way.starts_with('3') {
        return Verdict::no("Somebody new came in through OAuth without the provider.");
    }
    if [session, jwt, renewed].iter().any(|said| *said != ok) {
        return Verdict::yes("Without the provider, somebody who was in was out.");
    }
    Verdict::only_if(
        "somebody wants to come in",
        format!(
            "Without the provider nobody new came in through it: {anew}, and whoever came back \
             from there was answered with {under_way}. Whoever was in stayed in, with a session \
             and with a JWT, which was renewed as well; the password’s door {} open.",
            if password == ok { "stayed" } else { "did not stay" }
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_stays_in() {
        let with = |session: &str, anew: &str, again: &str| {
            let mut evidence = Evidence::default();
            for (label, said) in [
                (SESSION, session),
                (JWT, "200"),
                (RENEWED, "200"),
                (PASSWORD, "200"),
                (ANEW, anew),
                (UNDER_WAY, "503 provider_down"),
                (AGAIN, again),
            ] {
                evidence.fact(label, said);
            }
            judge(&evidence).word()
        };
        assert_eq!(with("200", "503 provider_down", "200"), "true if");
        assert_eq!(with("401 token_missing", "503 provider_down", "200"), "true");
        assert_eq!(with("200", "200", "200"), "false");
        assert_eq!(with("200", "503 provider_down", "503 provider_down"), "undecided");
    }
}
