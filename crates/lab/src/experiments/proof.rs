use super::prelude::*;
use super::queries::{OPAQUE, about_an_app};
use crate::introspection::IntrospectionEndpoint;

experiment! { 23, "proof", within 2 s,
    "The access token proves who signed in",
    "Another app has a person’s access token, as apps do. It is shown to an app that signs in \
     whoever brings a token for which the API names a person, which is what “log in with the \
     access token” means; once more made for another API; and then to the pages of this app, \
     where a browser keeps its own."
}

const NAIVE: &str = "an app that takes any token and asks whose it is";
const BOUND: &str = "the same, with a token that was made for another API";
const HERE: &str = "this app’s pages, with that token in the place of its own";
const REFUSED: [&str; 2] = ["401 sign_in_required", "401 token_audience_wrong"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let fixture = context.start(&issuer.options()).await?;
    context.step("showing the token of another app");
    let mut about = about_an_app(&fixture.tokens().await?.access_token)?;
    issuer.set_answer(about.clone());
    // The naive app: whom the API names is signed in.
    evidence.add_answer(NAIVE, &fixture.me(OPAQUE).await?);
    let mut thief = fixture.agent.fresh();
    let cookie = Credential::Jwt.cookie(fixture.url());
    thief.set_cookie(fixture.url(), &cookie, OPAQUE);
    evidence.add_answer(HERE, &fixture.get(&mut thief, "/account").await?);
    about["aud"] = "https://another-api.example".into();
    issuer.set_answer(about);
    evidence.add_answer(BOUND, &fixture.me("another-opaque-token").await?);
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let [naive, bound, here] = [NAIVE, BOUND, HERE].map(|label| evidence.accepted(label, &REFUSED));
    match (naive?, bound?, here?) {
        (_, _, true) => yes("This app’s own pages opened for it."),
        (true, true, false) => no(
            "It opened for whoever brought it, whatever it was made for: that an app holds it says \
             nothing about who sits in front of it.",
        ),
        (true, false, false) => no(
            "Who signs in by asking whose token it is lets in every app that has one: it says that \
             its holder may call this API for a person, and not that the person is there. Its \
             audience names the API and not the app. Here it opened no page: an ID token (aud, \
             nonce) and a code with PKCE are what prove a sign-in.",
        ),
        (false, false, false) => unclear("The token opened nothing at all, so it shows nothing."),
        (false, true, false) => only_if(
            "its audience is looked at",
            "The token for this API was refused and the one for another was not.",
        ),
    }
}
