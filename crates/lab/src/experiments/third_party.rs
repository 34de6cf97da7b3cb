use super::prelude::*;
use super::queries::{OPAQUE, introspection_response};
use crate::introspection::IntrospectionEndpoint;

experiment! { 15, "third-party", within 3 s,
    "OAuth depends on a third party",
    "Two people sign in through the provider, one with a session and one with a JWT. Then we stop \
     the provider, and the issuer that introspects other apps’ tokens. Both people continue, a \
     third signs in with a password, a fourth tries the provider, another app sends its token, \
     and we read a calendar that is stored at the provider."
}

const CALENDAR: &str = "/connections/google/calendar";

const SESSION: &str = "a session from an OAuth sign-in";
const JWT: &str = "a JWT from an OAuth sign-in";
const REFRESHED: &str = "that JWT, refreshed";
const PASSWORD: &str = "a sign-in with a password";
const NEW: &str = "a new sign-in with OAuth";
const CONSENTED: &str = "a sign-in with OAuth, after the consent";
const OPAQUE_BEFORE: &str = "another app’s token, before";
const OPAQUE_AFTER: &str = "another app’s token";
const CALENDAR_BEFORE: &str = "the calendar at the provider, before";
const CALENDAR_AFTER: &str = "the calendar at the provider";
const NO_PROVIDER: &str = "the provider does not answer";
const RESTARTED: &str = "a sign-in with OAuth, with the provider running again";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let fixture = context.start(&issuer.options()).await?;
    let Fixture { instance, agent, .. } = &fixture;
    issuer.set_answer(introspection_response(&fixture.tokens().await?.access_token)?);
    let (mut session, mut jwt) = (agent.fresh(), agent.fresh());
    sign_in::with_oauth(&mut session, *instance, "ada", Credential::Session).await?;
    sign_in::with_oauth(&mut jwt, *instance, "grace", Credential::Jwt).await?;
    let mut consented = agent.fresh();
    let (_, callback) =
        sign_in::until_consent(&mut consented, *instance, "alan", Credential::Session).await?;

    evidence.add_answer(OPAQUE_BEFORE, &fixture.me(OPAQUE).await?);
    evidence.add_answer(CALENDAR_BEFORE, &connect(&fixture, &mut session).await?);

    instance.disrupt(Disruption::StopProvider).await?;
    drop(issuer);
    evidence.add_answer(OPAQUE_AFTER, &fixture.me(OPAQUE).await?);
    evidence.add_answer(CALENDAR_AFTER, &fixture.get(&mut session, CALENDAR).await?);
    evidence.add_answer(CONSENTED, &consented.send(callback).await?);
    evidence.add_fact(NEW, try_oauth(&fixture).await?);
    for (label, browser) in [(SESSION, &mut session), (JWT, &mut jwt)] {
        evidence.add_answer(label, &fixture.get(browser, "/api/v1/me").await?);
    }
    // Without an access token, the next page refreshes it.
    jwt.set_cookie(instance.url(), &Credential::Jwt.cookie(instance.url()), "");
    evidence.add_answer(REFRESHED, &fixture.get(&mut jwt, "/account").await?);
    let mut browser = fixture.browser(Credential::Session).await?;
    evidence.add_answer(PASSWORD, &fixture.get(&mut browser, "/api/v1/me").await?);

    instance.disrupt(Disruption::StartProvider).await?;
    evidence.add_fact(RESTARTED, try_oauth(&fixture).await?);
    Ok(())
}

/// Authorizes the app to read the calendar at the provider, and reads it.
async fn connect(fixture: &Fixture<'_>, browser: &mut Agent) -> Result<Answer> {
    let start = Call::form(at(fixture.url(), "/connections/google")?, &[("calendar", "on")]);
    let (_, callback) = sign_in::authorize(browser, fixture.instance, start, "ada").await?;
    browser.send(callback).await?;
    fixture.get(browser, CALENDAR).await
}

/// Tries to sign in through the provider, and returns how that ended.
async fn try_oauth(fixture: &Fixture<'_>) -> Result<String> {
    let mut agent = fixture.agent.fresh();
    match sign_in::with_oauth(&mut agent, fixture.instance, "alan", Credential::Session).await {
        Ok(_) => Ok(fixture.get(&mut agent, "/api/v1/me").await?.summary()),
        // The app redirected the browser to the provider.
        Err(Error::Agent(_)) => Ok(NO_PROVIDER.to_owned()),
        Err(Error::Unexpected { response, .. }) => Ok(response),
        Err(other) => Err(other),
    }
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let down = ["503 provider_down", "502 provider_unreachable", NO_PROVIDER];
    let accepted = |label| evidence.accepted(label, &down);
    let opaque_before = evidence.accepted(OPAQUE_BEFORE, &[])?;
    if !(accepted(RESTARTED)? && opaque_before && accepted(CALENDAR_BEFORE)?) {
        return unclear("Not everything worked while the provider was running.");
    }
    let ended = ["401 token_missing", "303", "503 provider_down"];
    let mut existing = true;
    for label in [SESSION, JWT, REFRESHED] {
        existing &= evidence.accepted(label, &ended)?;
    }
    let new = accepted(NEW)?;
    // A callback that completes a sign-in answers with a redirect.
    let consented = evidence.required_fact(CONSENTED)? == "303" || accepted(CONSENTED)?;
    let opaque = evidence.accepted(OPAQUE_AFTER, &["503 introspection_unavailable"])?;
    let calendar =
        evidence.accepted(CALENDAR_AFTER, &["502 service_unavailable", "503 provider_down"])?;
    let password = evidence.accepted(PASSWORD, &["503 provider_down"])?;
    if !existing {
        return yes("Without the provider, an existing sign-in stopped working.");
    }
    let word = |works| if works { "works" } else { "fails" };
    let because = format!(
        "Without the provider, existing sessions and JWTs keep working, and the JWT can be \
         refreshed. A new sign-in with OAuth {}, one after the consent {}, introspecting another \
         app’s token {}, reading the calendar at the provider {}, and a sign-in with a password {}.",
        word(new),
        word(consented),
        word(opaque),
        word(calendar),
        word(password),
    );
    if new && consented && opaque && calendar {
        return no(because);
    }
    let condition = "you sign in there, read data there, or introspect each token there";
    only_if(condition, because)
}
