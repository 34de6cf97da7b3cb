use super::prelude::*;
use super::queries::{OPAQUE, introspection_response};
use crate::introspection::IntrospectionEndpoint;

experiment! { 23, "proof", within 2 s,
    "The access token proves who signed in",
    "Another app holds a person’s access token, as apps do. We give it to an app that accepts any \
     token for which the API returns a person (“log in with the access token”). We repeat that \
     with a token for another API, and finally use the first one as a cookie on this app’s own \
     pages."
}

const NAIVE: &str = "an app that accepts any token and asks the API whose it is";
const OTHER_API: &str = "the same app, with a token for another API";
const OWN_PAGES: &str = "this app’s pages, with the token as the cookie";
const REFUSED: [&str; 2] = ["401 sign_in_required", "401 token_audience_wrong"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let fixture = context.start(&issuer.options()).await?;
    let mut response = introspection_response(&fixture.tokens().await?.access_token)?;
    issuer.set_answer(response.clone());
    // The naive app signs in the person that the API returns.
    evidence.add_answer(NAIVE, &fixture.me(OPAQUE).await?);
    let mut thief = fixture.agent.fresh();
    let cookie = Credential::Jwt.cookie(fixture.url());
    thief.set_cookie(fixture.url(), &cookie, OPAQUE);
    evidence.add_answer(OWN_PAGES, &fixture.get(&mut thief, "/account").await?);
    response["aud"] = "https://another-api.example".into();
    issuer.set_answer(response);
    evidence.add_answer(OTHER_API, &fixture.me("another-opaque-token").await?);
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let [naive, other_api, own_pages] =
        [NAIVE, OTHER_API, OWN_PAGES].map(|label| evidence.accepted(label, &REFUSED));
    match (naive?, other_api?, own_pages?) {
        (_, _, true) => yes("This app’s own pages accepted it."),
        (true, true, false) => no(
            "It worked for anyone who brought it, whatever it was issued for. That an app holds a \
             token says nothing about who is using the app.",
        ),
        (true, false, false) => no(
            "An app that signs people in by asking whose token it is lets in every app that has \
             one. The token says that its holder may call this API for a person, not that the \
             person is there, and its audience is the API, not the app. Our own pages refused it: \
             an ID token (aud, nonce) and a code with PKCE are what prove a sign-in.",
        ),
        (false, false, false) => unclear("The token was refused everywhere, which proves nothing."),
        (false, true, false) => only_if(
            "its audience is checked",
            "The token for this API was refused, and the one for another API was not.",
        ),
    }
}
