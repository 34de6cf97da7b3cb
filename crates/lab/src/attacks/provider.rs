//! What the authorization server has to refuse. The thief even has the app's
//! client id and secret.

use aws_lc_rs::digest;
use http::Method;
use url::Url;

use super::attacks;
use super::judge::Expect::{Challenge, Code, OAuth, SentBack, Stays};
use super::people::allowing;
use super::stage::{LocalProvider, NotRun, Outcome, Stage, base64url, member, random};
use crate::{Answer, Call};

attacks! { Provider:
    "pkce_missing", "No code challenge", "RFC 9700 §2.1.1",
    "crates/idp/src/protocol/authorize.rs", "challenge",
    "A thief takes the code challenge out of the request, so that a code that is caught later needs no verifier.",
    &[SentBack("invalid_request")], pkce_missing;

    "pkce_plain", "A challenge in plain text", "RFC 7636 §7.2",
    "crates/idp/src/protocol/authorize.rs", "challenge",
    "With the method plain, the challenge is the verifier: whoever sees the request can redeem the code.",
    &[SentBack("invalid_request")], pkce_plain;

    "pkce_wrong_verifier", "A code with another verifier", "RFC 7636 §4.6",
    "crates/idp/src/protocol/pkce.rs", "is_met_by",
    "A thief has caught a code, and knows the client’s secret. What is missing is the verifier, which never left the app.",
    &[OAuth(400, "invalid_grant"), OAuth(400, "invalid_grant")], pkce_wrong_verifier;

    "code_reused", "A code that was used", "RFC 6749 §4.1.2",
    "crates/idp/src/protocol/grants/code.rs", "judge",
    "A thief shows a code again that the app has redeemed. It is refused, and the tokens of the first time die, for one of the two was a thief.",
    &[OAuth(400, "invalid_grant"), Challenge(401, "invalid_token")], code_reused;

    "redirect_uri_foreign", "A redirect to the thief", "RFC 9700 §4.1.3",
    "crates/idp/src/protocol/clients.rs", "registered_redirect_uri",
    "The request names the thief’s page as the place to send the code to: in full, below ours, with a trick in the name, or with one character more.",
    &[Stays(400)], redirect_uri_foreign;

    "redirect_uri_swapped", "Another redirect at the token endpoint", "RFC 6749 §4.1.3",
    "crates/idp/src/protocol/grants/code.rs", "judge",
    "A code that was caught on one page is redeemed in the name of another.",
    &[OAuth(400, "invalid_grant")], redirect_uri_swapped;

    "implicit_grant", "A token in the address bar", "RFC 9700 §2.1.2",
    "crates/idp/src/protocol/authorize.rs", "response",
    "The request asks for the token itself instead of a code, so that it ends up in the address bar and the history.",
    &[SentBack("unsupported_response_type")], implicit_grant;

    "client_secret_wrong", "A client with a wrong secret", "RFC 6749 §3.2.1",
    "crates/idp/src/protocol/clients.rs", "authenticate",
    "A thief has a code and the right verifier, and guesses the client’s secret.",
    &[OAuth(401, "invalid_client")], client_secret_wrong;

    "consent_forged", "Somebody else presses Allow", "RFC 6749 §10.12",
    "crates/idp/src/guard.rs", "is_same_origin",
    "A page of the thief posts the consent form in the victim’s name.",
    &[Stays(403)], consent_forged;

    "oauth_start_by_link", "A sign-in that a link begins", "RFC 9700 §4.7.1",
    "crates/web/src/routes.rs", "pages",
    "An image on the thief’s page would start the round trip, and sign the victim in without a click.",
    &[Code(405, "method_not_allowed")], start_by_link;
}

/// An authorization that is the thief's to play with.
struct Ground {
    provider: LocalProvider,
    verifier: String,
    authorize: Url,
}

impl Ground {
    fn of(stage: &Stage) -> Outcome<Self> {
        let provider = stage.provider()?;
        let verifier = format!("{}{}", random()?, random()?);
        let challenge = base64url(digest::digest(&digest::SHA256, verifier.as_bytes()));
        let mut authorize = provider.google.clone();
        authorize.set_path("/google/authorize");
        authorize
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", &provider.redirect_uri)
            .append_pair("scope", "openid email profile")
            .append_pair("state", &random()?)
            .append_pair("nonce", &random()?)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Self { provider, verifier, authorize })
    }

    /// The request with a parameter changed, or taken away.
    fn asking(&self, name: &str, value: Option<&str>) -> Call {
        let kept = self.authorize.query_pairs().into_owned().filter(|(one, _)| one != name);
        let kept: Vec<_> = kept.collect();
        let mut url = self.authorize.clone();
        url.query_pairs_mut().clear().extend_pairs(kept);
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
        Call::get(url)
    }

    /// A code, as somebody gets it who says yes.
    async fn code(&self, stage: &mut Stage) -> Outcome<String> {
        let passer = stage.passer()?;
        let callback = stage.allow(&self.authorize, &passer, "none").await?;
        let code = callback.query_pairs().find(|(name, _)| name == "code");
        let code = code.map(|(_, code)| code.into_owned());
        code.ok_or_else(|| NotRun::because("The local provider gave no code."))
    }

    /// The token request (RFC 6749 §4.1.3), with these fields in place of the right ones.
    fn redeem(&self, code: &str, instead: &[(&str, &str)]) -> Outcome<Call> {
        let right: [(&str, &str); 6] = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.provider.redirect_uri),
            ("code_verifier", &self.verifier),
            ("client_id", &self.provider.client_id),
            ("client_secret", &self.provider.client_secret),
        ];
        let fields = right.map(|(name, value)| {
            let other = instead.iter().find(|(one, _)| *one == name);
            (name, other.map_or(value, |(_, value)| *value))
        });
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish().into_bytes();
        let call = Call::new(Method::POST, self.at("/google/token")?);
        Ok(Call { body, ..call }.with("content-type", "application/x-www-form-urlencoded"))
    }

    fn at(&self, path: &str) -> Outcome<Url> {
        let url = self.provider.google.join(path);
        url.map_err(|error| NotRun::because(format!("{path} is no path: {error}")))
    }
}

/// Redeems a code of the thief's own, as the app would: the tokens.
pub(super) async fn redeemed(stage: &mut Stage) -> Outcome<Answer> {
    let ground = Ground::of(stage)?;
    let code = ground.code(stage).await?;
    let answer = stage.quietly(&mut stage.browser(), ground.redeem(&code, &[])?).await?;
    if answer.status.as_u16() == 200 {
        return Ok(answer);
    }
    Err(NotRun::because("The local provider did not redeem a code."))
}

async fn asks(stage: &mut Stage, name: &str, value: Option<&str>) -> Outcome {
    let ground = Ground::of(stage)?;
    let mut browser = stage.browser();
    stage.attack(&mut browser, "The altered request", ground.asking(name, value)).await?;
    let whole = Call::get(ground.authorize);
    stage.control(&mut browser, "The request as the app makes it", whole, 200).await?;
    Ok(())
}

async fn pkce_missing(stage: &mut Stage) -> Outcome {
    asks(stage, "code_challenge", None).await
}

async fn pkce_plain(stage: &mut Stage) -> Outcome {
    asks(stage, "code_challenge_method", Some("plain")).await
}

async fn implicit_grant(stage: &mut Stage) -> Outcome {
    asks(stage, "response_type", Some("token")).await
}

async fn pkce_wrong_verifier(stage: &mut Stage) -> Outcome {
    let ground = Ground::of(stage)?;
    let mut thief = stage.thiefs_browser();
    let guess = format!("{}{}", random()?, random()?);
    for (note, verifier) in [("A verifier that is made up", &*guess), ("No verifier", "")] {
        let code = ground.code(stage).await?;
        let call = ground.redeem(&code, &[("code_verifier", verifier)])?;
        stage.attack(&mut thief, note, call).await?;
    }
    let code = ground.code(stage).await?;
    stage.control(&mut thief, "The right one", ground.redeem(&code, &[])?, 200).await?;
    Ok(())
}

async fn code_reused(stage: &mut Stage) -> Outcome {
    let ground = Ground::of(stage)?;
    let (mut app, mut thief) = (stage.browser(), stage.thiefs_browser());
    let code = ground.code(stage).await?;
    let first = ground.redeem(&code, &[])?;
    let tokens = stage.control(&mut app, "The first time", first.clone(), 200).await?;
    let access = member(&tokens, "access_token")?;
    let userinfo = Call::get(ground.at("/google/userinfo")?).bearer(&access);
    stage.control(&mut app, "Its token is good", userinfo.clone(), 200).await?;
    stage.attack(&mut thief, "The second time", first).await?;
    stage.attack(&mut app, "The token of the first time", userinfo).await?;
    Ok(())
}

async fn redirect_uri_foreign(stage: &mut Stage) -> Outcome {
    let ground = Ground::of(stage)?;
    let mut browser = stage.browser();
    let own = &ground.provider.redirect_uri;
    let with_name = own.replacen("://", "://evil.test@", 1);
    for foreign in [
        "https://evil.test/callback",
        &format!("{own}/../../evil"),
        &format!("{own}?next=https://evil.test"),
        &format!("{own}x"),
        &with_name,
        &own.to_uppercase(),
    ] {
        let call = ground.asking("redirect_uri", Some(foreign));
        stage.attack(&mut browser, "A redirect URI that is not registered", call).await?;
    }
    let whole = Call::get(ground.authorize.clone());
    stage.control(&mut browser, "The one that is", whole, 200).await?;
    Ok(())
}

async fn redirect_uri_swapped(stage: &mut Stage) -> Outcome {
    let ground = Ground::of(stage)?;
    let mut thief = stage.thiefs_browser();
    let code = ground.code(stage).await?;
    let call = ground.redeem(&code, &[("redirect_uri", "https://evil.test/callback")])?;
    stage.attack(&mut thief, "With the thief’s redirect URI", call).await?;
    let code = ground.code(stage).await?;
    stage.control(&mut thief, "With the right one", ground.redeem(&code, &[])?, 200).await?;
    Ok(())
}

async fn client_secret_wrong(stage: &mut Stage) -> Outcome {
    let ground = Ground::of(stage)?;
    let mut thief = stage.thiefs_browser();
    let code = ground.code(stage).await?;
    let guess = random()?;
    let call = ground.redeem(&code, &[("client_secret", &guess)])?;
    stage.attack(&mut thief, "With a guess", call).await?;
    stage.control(&mut thief, "With the secret", ground.redeem(&code, &[])?, 200).await?;
    Ok(())
}

async fn consent_forged(stage: &mut Stage) -> Outcome {
    let ground = Ground::of(stage)?;
    let passer = stage.passer()?;
    let mut browser = stage.browser();
    let own = allowing(&ground.authorize, &passer, "none");
    let mut foreign = own.clone();
    foreign.headers.retain(|(name, _)| name != "sec-fetch-site" && name != "origin");
    let foreign = foreign.with("sec-fetch-site", "cross-site").with("origin", "https://evil.test");
    stage.attack(&mut browser, "The form on the thief’s page", foreign).await?;
    stage.control(&mut browser, "The form on its own page", own, 303).await?;
    Ok(())
}

async fn start_by_link(stage: &mut Stage) -> Outcome {
    let mut browser = stage.browser();
    let call = stage.get("/auth/google")?;
    stage.attack(&mut browser, "A link to the start", call).await?;
    let form = stage.form("/auth/google", &[])?;
    stage.control(&mut browser, "The button on our page", form, 303).await?;
    Ok(())
}
