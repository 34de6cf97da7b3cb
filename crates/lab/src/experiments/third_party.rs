//! Claim 15: "OAuth depends on a third party".

use super::prelude::*;

const SESSION: &str = "a session from an OAuth sign-in";
const JWT: &str = "a JWT from an OAuth sign-in";
const RENEWED: &str = "that JWT, refreshed";
const PASSWORD: &str = "a sign-in with a password";
const NEW: &str = "a new sign-in through OAuth";
const UNDER_WAY: &str = "a sign-in through OAuth that had just been consented to";
const AGAIN: &str = "through OAuth, with the provider back";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 15,
    slug: "third-party",
    sentence: "OAuth depends on a third party",
    method: "Two people sign in through the provider, one with each key. Then the provider is \
             stopped: both go on, a third signs in with a password, a fourth tries the provider.",
    honest: "If you are signed in, you stay signed in, with either key. New sign-ins through the \
             provider fail.",
    budget: Duration::from_secs(3),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let Fixture { instance, agent, .. } = &fixture;
    context.doing("signing in through the provider");
    let (mut session, mut jwt) = (agent.fresh(), agent.fresh());
    sign_in::with_oauth(&mut session, *instance, "ada", Credential::Session).await?;
    sign_in::with_oauth(&mut jwt, *instance, "grace", Credential::Jwt).await?;
    let mut consented = agent.fresh();
    let (_, callback) =
        sign_in::until_consent(&mut consented, *instance, "alan", Credential::Session, &|_| true)
            .await?;

    context.doing("going on without the provider");
    instance.disrupt(Disruption::StopProvider).await?;
    evidence.add_fact(UNDER_WAY, consented.send(callback).await?.summary());
    evidence.add_fact(NEW, try_oauth(&fixture).await?);
    for (label, browser) in [(SESSION, &mut session), (JWT, &mut jwt)] {
        evidence.add_fact(label, fixture.get(browser, "/api/v1/me").await?.summary());
    }
    // Without its access token the browser's next page refreshes it.
    jwt.set_cookie(instance.url(), &Credential::Jwt.cookie(instance.url()), "");
    evidence.add_fact(RENEWED, fixture.get(&mut jwt, "/account").await?.summary());
    let mut browser = fixture.browser(Credential::Session).await?;
    evidence.add_fact(PASSWORD, fixture.get(&mut browser, "/api/v1/me").await?.summary());

    context.doing("starting the provider again");
    instance.disrupt(Disruption::StartProvider).await?;
    evidence.add_fact(AGAIN, try_oauth(&fixture).await?);
    Ok(())
}

/// Tries to sign in through the provider; where it ended.
async fn try_oauth(fixture: &Fixture<'_>) -> Result<String> {
    let mut agent = fixture.agent.fresh();
    match sign_in::with_oauth(&mut agent, fixture.instance, "alan", Credential::Session).await {
        Ok(_) => Ok(fixture.get(&mut agent, "/api/v1/me").await?.summary()),
        // The app sent the browser there.
        Err(Error::Agent(_)) => Ok("the provider does not answer".to_owned()),
        Err(Error::Unexpected { answered, .. }) => Ok(answered),
        Err(other) => Err(other),
    }
}

fn judge(evidence: &Evidence) -> Verdict {
    let labels = [SESSION, JWT, RENEWED, PASSWORD, NEW, UNDER_WAY, AGAIN];
    let Some([session, jwt, renewed, password, new, under_way, again]) = evidence.all_facts(labels)
    else {
        return Verdict::undecided("One of the sign-ins was not tried.");
    };
    if again != "200" {
        return Verdict::undecided("With the provider back, OAuth sign-ins failed too.");
    }
    if new == "200" || under_way.starts_with('3') {
        return Verdict::no("A new OAuth sign-in succeeded without the provider.");
    }
    if [session, jwt, renewed].iter().any(|said| *said != "200") {
        return Verdict::yes("Without the provider, an existing sign-in stopped working.");
    }
    Verdict::only_if(
        "you want to sign in",
        format!(
            "Without the provider a new OAuth sign-in failed: {new}; one that came back from \
             consent was answered with {under_way}. Existing sign-ins went on, with a session \
             and with a JWT, which was refreshed as well; the password’s door {} open.",
            if password == "200" { "stayed" } else { "did not stay" }
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_sign_ins_go_on() {
        let with = |session: &str, new: &str, again: &str| {
            let evidence = Evidence::of([
                (SESSION, session),
                (JWT, "200"),
                (RENEWED, "200"),
                (PASSWORD, "200"),
                (NEW, new),
                (UNDER_WAY, "503 provider_down"),
                (AGAIN, again),
            ]);
            judge(&evidence).word()
        };
        assert_eq!(with("200", "503 provider_down", "200"), "true if");
        assert_eq!(with("401 token_missing", "503 provider_down", "200"), "true");
        assert_eq!(with("200", "200", "200"), "false");
        assert_eq!(with("200", "503 provider_down", "503 provider_down"), "undecided");
    }
}
