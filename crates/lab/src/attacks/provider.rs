//! What the authorization server has to refuse. The thief even has the app's
//! client id and secret.

use url::Url;

use super::context::{consent_form, from_other_site, member};
use super::prelude::*;
use crate::agent::{Answer, Call};
use crate::instance::{LocalProvider, at};
use crate::token::random;

/// Long enough for a verifier (RFC 7636 §4.1).
const GUESS: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const CHALLENGE: Check = check("crates/idp/src/protocol/authorize.rs", "challenge");
const CODE: Check = check("crates/idp/src/protocol/grants.rs", "judge");

attacks! { Provider:
    "pkce_missing", "No code challenge", "RFC 9700 §2.1.1", CHALLENGE,
        &[SentBack("invalid_request")], altered_request("code_challenge", None);
    "pkce_plain", "A challenge in plain text", "RFC 7636 §7.2", CHALLENGE,
        &[SentBack("invalid_request")], altered_request("code_challenge_method", Some("plain"));
    "pkce_wrong_verifier", "A code with another verifier", "RFC 7636 §4.6",
        check("crates/idp/src/protocol/pkce.rs", "is_met_by"),
        &[OAuth(400, "invalid_grant"), OAuth(400, "invalid_grant")],
        altered_redemption("code_verifier", &[("A made-up verifier", GUESS), ("No verifier", "")]);
    "code_reused", "A code that was used", "RFC 6749 §4.1.2", CODE,
        &[OAuth(400, "invalid_grant"), Challenge(401, "invalid_token")], code_reused();
    "redirect_uri_foreign", "A redirect to the thief", "RFC 9700 §4.1.3",
        check("crates/idp/src/protocol/registry.rs", "registered_redirect_uri"),
        &[Stays(400)], redirect_uri_foreign();
    "redirect_uri_swapped", "Another redirect at the token endpoint", "RFC 6749 §4.1.3", CODE,
        &[OAuth(400, "invalid_grant")],
        altered_redemption("redirect_uri", &[("With the thief’s redirect URI", "https://evil.test/callback")]);
    "implicit_grant", "A token in the address bar", "RFC 9700 §2.1.2",
        check("crates/idp/src/protocol/authorize.rs", "response"),
        &[SentBack("unsupported_response_type")], altered_request("response_type", Some("token"));
    "client_secret_wrong", "A client with a wrong secret", "RFC 6749 §3.2.1",
        check("crates/idp/src/protocol/registry.rs", "authenticate"),
        &[OAuth(401, "invalid_client")],
        altered_redemption("client_secret", &[("With a guess", GUESS)]);
    "consent_forged", "Another site presses Allow", "RFC 6749 §10.12",
        check("crates/idp/src/guard.rs", "is_same_origin"),
        &[Stays(403)], consent_forged();
    "oauth_start_by_link", "A sign-in that a link begins", "RFC 9700 §4.7.1",
        check("crates/axum/src/routes/mod.rs", "pages"),
        &[Code(405, "method_not_allowed")],
        send(&[attack("A link to the start", get("/auth/google")),
            control("The button on our page", form("/auth/google", &[]), 303)]);
}

/// An authorization that is the thief's to play with.
struct Authorization {
    provider: LocalProvider,
    verifier: String,
    authorize: Url,
}

impl Authorization {
    fn new(context: &AttackContext) -> Result<Self> {
        let provider = context.provider()?;
        let verifier = format!("{}{}", random()?, random()?);
        let authorize = provider.authorization_url(&random()?, &random()?, &verifier);
        Ok(Self { provider, verifier, authorize })
    }

    /// The request with a parameter changed, or taken away.
    fn altered(&self, name: &str, value: Option<&str>) -> Call {
        let pairs = self.authorize.query_pairs().filter(|(one, _)| one != name);
        let mut url = self.authorize.clone();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
        Call::get(url)
    }

    /// A new code, as the consent page sends it.
    async fn code(&self, context: &mut AttackContext) -> Result<String> {
        let user = context.ephemeral_user().await?;
        let callback = context.consent(&self.authorize, &user, "none").await?;
        let code = callback.query_pairs().find(|(name, _)| name == "code");
        let code = code.map(|(_, code)| code.into_owned());
        code.ok_or_else(|| Error::other("The local provider gave no code."))
    }

    /// The token request (RFC 6749 §4.1.3), with these fields in place of the right ones.
    fn token_request(&self, code: &str, instead: &[(&str, &str)]) -> Result<Call> {
        let fields = self.provider.token_request(code, &self.verifier).map(|(name, value)| {
            let other = instead.iter().find(|(one, _)| *one == name);
            (name, other.map_or(value, |(_, value)| *value))
        });
        let mut call = Call::form(at(&self.provider.google, "/google/token")?, &fields);
        // It comes from a program, and not from a browser.
        call.headers.retain(|(name, _)| name == "content-type");
        Ok(call)
    }
}

/// Redeems a code of the thief's own, as the app would: the tokens.
pub(super) async fn redeemed(context: &mut AttackContext) -> Result<Answer> {
    let authorization = Authorization::new(context)?;
    let code = authorization.code(context).await?;
    let call = authorization.token_request(&code, &[])?;
    context.send_unrecorded(&mut context.browser(), call, 200).await
}

async fn altered_request(context: &mut AttackContext, name: &str, value: Option<&str>) -> Result {
    let authorization = Authorization::new(context)?;
    let mut browser = context.browser();
    let altered = authorization.altered(name, value);
    context.attack(&mut browser, "The altered request", altered).await?;
    let whole = Call::get(authorization.authorize);
    context.control(&mut browser, "The request as the app makes it", whole, 200).await?;
    Ok(())
}

/// Codes that are redeemed with something else in one field, and one with the right value.
async fn altered_redemption(
    context: &mut AttackContext,
    field: &str,
    values: &[(&str, &str)],
) -> Result {
    let authorization = Authorization::new(context)?;
    let mut thief = context.thiefs_browser();
    for (note, value) in values {
        let code = authorization.code(context).await?;
        let call = authorization.token_request(&code, &[(field, value)])?;
        context.attack(&mut thief, note, call).await?;
    }
    let code = authorization.code(context).await?;
    let right = authorization.token_request(&code, &[])?;
    context.control(&mut thief, "With the right value", right, 200).await?;
    Ok(())
}

async fn code_reused(context: &mut AttackContext) -> Result {
    let authorization = Authorization::new(context)?;
    let (mut app, mut thief) = (context.browser(), context.thiefs_browser());
    let code = authorization.code(context).await?;
    let first = authorization.token_request(&code, &[])?;
    let tokens = context.control(&mut app, "The first time", first.clone(), 200).await?;
    let access = member(&tokens, "access_token")?;
    let userinfo =
        Call::get(at(&authorization.provider.google, "/google/userinfo")?).bearer(&access);
    context.control(&mut app, "Its token is good", userinfo.clone(), 200).await?;
    context.attack(&mut thief, "The second time", first).await?;
    context.attack(&mut app, "The token of the first time", userinfo).await?;
    Ok(())
}

async fn redirect_uri_foreign(context: &mut AttackContext) -> Result {
    let authorization = Authorization::new(context)?;
    let mut browser = context.browser();
    let own = &authorization.provider.redirect_uri;
    for foreign in [
        "https://evil.test/callback",
        &format!("{own}/../../evil"),
        &format!("{own}?next=https://evil.test"),
        &format!("{own}x"),
        &own.replacen("://", "://evil.test@", 1),
        &own.to_uppercase(),
    ] {
        let call = authorization.altered("redirect_uri", Some(foreign));
        context.attack(&mut browser, "A redirect URI that is not registered", call).await?;
    }
    let whole = Call::get(authorization.authorize.clone());
    context.control(&mut browser, "The one that is", whole, 200).await?;
    Ok(())
}

async fn consent_forged(context: &mut AttackContext) -> Result {
    let authorization = Authorization::new(context)?;
    let own = consent_form(&authorization.authorize, &context.ephemeral_user().await?, "none");
    let mut browser = context.browser();
    let foreign = from_other_site(own.clone());
    context.attack(&mut browser, "The form on the thief’s page", foreign).await?;
    context.control(&mut browser, "The form on its own page", own, 303).await?;
    Ok(())
}
