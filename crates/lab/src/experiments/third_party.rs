use super::prelude::*;
use super::queries::{OPAQUE, about_an_app};
use crate::introspection::IntrospectionEndpoint;

experiment! { 15, "third-party", within 3 s,
    "OAuth depends on a third party",
    "Two people sign in through the provider, one with each key. Then the provider is stopped, \
     and so is the issuer that is asked about other apps’ tokens: both go on, a third signs in \
     with a password, a fourth tries the provider, another app shows its token, and the calendar \
     is read that lies at the provider."
}

const CALENDAR: &str = "/connections/google/calendar";

const SESSION: &str = "a session from an OAuth sign-in";
const JWT: &str = "a JWT from an OAuth sign-in";
const RENEWED: &str = "that JWT, refreshed";
const PASSWORD: &str = "a sign-in with a password";
const NEW: &str = "a new sign-in through OAuth";
const UNDER_WAY: &str = "a sign-in through OAuth that had just been consented to";
const ASKED_BEFORE: &str = "a token of another app, with the provider running";
const ASKED: &str = "a token of another app, which the provider is asked about";
const CONNECTED_BEFORE: &str = "the calendar at the provider, with it running";
const CONNECTED: &str = "the calendar at the provider";
const NO_PROVIDER: &str = "the provider does not answer";
const AGAIN: &str = "through OAuth, with the provider back";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let fixture = context.start(&issuer.options()).await?;
    let Fixture { instance, agent, .. } = &fixture;
    issuer.set_answer(about_an_app(&fixture.tokens().await?.access_token)?);
    context.step("signing in through the provider");
    let (mut session, mut jwt) = (agent.fresh(), agent.fresh());
    sign_in::with_oauth(&mut session, *instance, "ada", Credential::Session).await?;
    sign_in::with_oauth(&mut jwt, *instance, "grace", Credential::Jwt).await?;
    let mut consented = agent.fresh();
    let (_, callback) =
        sign_in::until_consent(&mut consented, *instance, "alan", Credential::Session).await?;

    evidence.add_answer(ASKED_BEFORE, &fixture.me(OPAQUE).await?);
    evidence.add_answer(CONNECTED_BEFORE, &connect(&fixture, &mut session).await?);

    context.step("going on without the provider");
    instance.disrupt(Disruption::StopProvider).await?;
    drop(issuer);
    evidence.add_answer(ASKED, &fixture.me(OPAQUE).await?);
    evidence.add_answer(CONNECTED, &fixture.get(&mut session, CALENDAR).await?);
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

    context.step("starting the provider again");
    instance.disrupt(Disruption::StartProvider).await?;
    evidence.add_fact(AGAIN, try_oauth(&fixture).await?);
    Ok(())
}

/// Lets the app read the calendar at the provider, and reads it.
async fn connect(fixture: &Fixture<'_>, browser: &mut Agent) -> Result<Answer> {
    let ask = Call::form(at(fixture.url(), "/connections/google")?, &[("calendar", "on")]);
    let authorize = sign_in::redirect_target(&sign_in::expect_status(
        browser.send(ask).await?,
        StatusCode::SEE_OTHER,
    )?)?;
    browser.send(Call::get(authorize.clone())).await?;
    let decided = browser.send(sign_in::consent(&authorize, "ada")).await?;
    let back = Call::new(Method::GET, sign_in::redirect_target(&decided)?);
    browser.send(back.with("sec-fetch-site", "cross-site")).await?;
    fixture.get(browser, CALENDAR).await
}

/// Tries to sign in through the provider; where it ended.
async fn try_oauth(fixture: &Fixture<'_>) -> Result<String> {
    let mut agent = fixture.agent.fresh();
    match sign_in::with_oauth(&mut agent, fixture.instance, "alan", Credential::Session).await {
        Ok(_) => Ok(fixture.get(&mut agent, "/api/v1/me").await?.summary()),
        // The app sent the browser there.
        Err(Error::Agent(_)) => Ok(NO_PROVIDER.to_owned()),
        Err(Error::Unexpected { response, .. }) => Ok(response),
        Err(other) => Err(other),
    }
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let down = ["503 provider_down", "502 provider_unreachable", NO_PROVIDER];
    let opened = |label| evidence.accepted(label, &down);
    if !(opened(AGAIN)? && evidence.accepted(ASKED_BEFORE, &[])? && opened(CONNECTED_BEFORE)?) {
        return unclear("With the provider running, not everything worked.");
    }
    let ended = ["401 token_missing", "303", "503 provider_down"];
    let mut goes_on = true;
    for label in [SESSION, JWT, RENEWED] {
        goes_on &= evidence.accepted(label, &ended)?;
    }
    let new = opened(NEW)?;
    // Coming back from consent, a sign-in that succeeds is a redirect.
    let under_way = evidence.required_fact(UNDER_WAY)?;
    let under_way = under_way == "303" || evidence.accepted(UNDER_WAY, &down)?;
    let asked = evidence.accepted(ASKED, &["503 introspection_unavailable"])?;
    let connected =
        evidence.accepted(CONNECTED, &["502 service_unavailable", "503 provider_down"])?;
    let password = evidence.accepted(PASSWORD, &["503 provider_down"])?;
    if !goes_on {
        return yes("Without the provider, an existing sign-in stopped working.");
    }
    let word = |works| if works { "works" } else { "fails" };
    let because = format!(
        "Without the provider existing sign-ins go on, with a session and with a JWT, which is \
         refreshed as well. A new sign-in through it {}, one that has just been consented to {}, a \
         token that it is asked about {}, reading the calendar over there {}; a sign-in with a \
         password {}.",
        word(new),
        word(under_way),
        word(asked),
        word(connected),
        word(password),
    );
    if new && under_way && asked && connected {
        return no(because);
    }
    let condition = "you sign in there, read there for somebody, or ask it about each token";
    only_if(condition, because)
}
