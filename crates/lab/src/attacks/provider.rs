//! What the authorization server must refuse, even to a thief with the app's client credentials.

use url::Url;

use super::context::{consent_form, from_other_site, member};
use super::prelude::*;
use crate::agent::{Answer, Call};
use crate::instance::{LocalProvider, at};
use crate::token::random;

/// Long enough for a verifier (RFC 7636 §4.1).
const GUESS: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const CHALLENGE: Check = check("crates/idp/src/protocol/authorize.rs", "challenge");
const CODE: Check = check("crates/idp/src/protocol/grants.rs", "validate");

attacks! { Provider:
    "pkce_missing", "Missing code challenge", "RFC 9700 §2.1.1", CHALLENGE,
        &[ErrorRedirect("invalid_request")], altered_request("code_challenge", None);
    "pkce_plain", "Plain code challenge", "RFC 7636 §7.2", CHALLENGE,
        &[ErrorRedirect("invalid_request")], altered_request("code_challenge_method", Some("plain"));
    "pkce_wrong_verifier", "Wrong code verifier", "RFC 7636 §4.6",
        check("crates/idp/src/protocol/pkce.rs", "verify"),
        &[OAuthError(400, "invalid_grant"), OAuthError(400, "invalid_grant")],
        altered_redemption("code_verifier", &[("A made-up verifier", GUESS), ("No verifier", "")]);
    "code_reused", "Authorization code used twice", "RFC 6749 §4.1.2", CODE,
        &[OAuthError(400, "invalid_grant"), Challenge(401, "invalid_token")], code_reused();
    "redirect_uri_foreign", "Unregistered redirect URI", "RFC 9700 §4.1.3",
        check("crates/idp/src/protocol/registry.rs", "registered_redirect_uri"),
        &[NoRedirect(400)], redirect_uri_foreign();
    "redirect_uri_swapped", "Different redirect URI at the token endpoint", "RFC 6749 §4.1.3", CODE,
        &[OAuthError(400, "invalid_grant")],
        altered_redemption("redirect_uri", &[("The thief’s redirect URI", "https://evil.test/callback")]);
    "implicit_grant", "Implicit grant", "RFC 9700 §2.1.2",
        check("crates/idp/src/protocol/authorize.rs", "response"),
        &[ErrorRedirect("unsupported_response_type")], altered_request("response_type", Some("token"));
    "client_secret_wrong", "Wrong client secret", "RFC 6749 §3.2.1",
        check("crates/idp/src/protocol/registry.rs", "authenticate"),
        &[OAuthError(401, "invalid_client")],
        altered_redemption("client_secret", &[("A guessed secret", GUESS)]);
    "consent_forged", "Consent form sent by another site", "RFC 6749 §10.12",
        check("crates/idp/src/guard.rs", "is_same_origin"),
        &[NoRedirect(403)], consent_forged();
    "oauth_start_by_link", "Sign-in started by a link", "RFC 9700 §4.7.1",
        check("crates/axum/src/routes/mod.rs", "pages"),
        &[Code(405, "method_not_allowed")],
        send(&[attack("A link to the start of the sign-in", get("/auth/google")),
            control("The button on the sign-in page", form("/auth/google", &[]), 303)]);
}

/// An authorization request of the thief, in the name of the app.
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

    /// The request with a parameter changed or removed.
    fn altered(&self, name: &str, value: Option<&str>) -> Call {
        let pairs = self.authorize.query_pairs().filter(|(one, _)| one != name);
        let mut url = self.authorize.clone();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
        Call::get(url)
    }

    async fn code(&self, context: &mut AttackContext) -> Result<String> {
        let user = context.ephemeral_user().await?;
        let callback = context.consent(&self.authorize, &user, "none").await?;
        let code = callback.query_pairs().find(|(name, _)| name == "code");
        let code = code.map(|(_, code)| code.into_owned());
        code.ok_or_else(|| Error::other("The local provider gave no code."))
    }

    /// The token request (RFC 6749 §4.1.3), with these fields replaced.
    fn token_request(&self, code: &str, replaced: &[(&str, &str)]) -> Result<Call> {
        let fields = self.provider.token_request(code, &self.verifier).map(|(name, value)| {
            let other = replaced.iter().find(|(one, _)| *one == name);
            (name, other.map_or(value, |(_, value)| *value))
        });
        let mut call = Call::form(at(&self.provider.google, "/google/token")?, &fields);
        // Sent by a server, not by a browser.
        call.headers.retain(|(name, _)| name == "content-type");
        Ok(call)
    }
}

/// Redeems a code of the thief, as the app would.
pub(super) async fn redeem_code(context: &mut AttackContext) -> Result<Answer> {
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
    let unaltered = Call::get(authorization.authorize);
    context.control(&mut browser, "The unaltered request", unaltered, 200).await?;
    Ok(())
}

/// Redeems codes with a wrong value in one field, then one with the correct value.
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
    let correct = authorization.token_request(&code, &[])?;
    context.control(&mut thief, "The correct value", correct, 200).await?;
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
    context.control(&mut app, "Its access token works", userinfo.clone(), 200).await?;
    context.attack(&mut thief, "The second time", first).await?;
    context.attack(&mut app, "The access token from the first time", userinfo).await?;
    Ok(())
}

async fn redirect_uri_foreign(context: &mut AttackContext) -> Result {
    let authorization = Authorization::new(context)?;
    let mut browser = context.browser();
    let registered = &authorization.provider.redirect_uri;
    for foreign in [
        "https://evil.test/callback",
        &format!("{registered}/../../evil"),
        &format!("{registered}?next=https://evil.test"),
        &format!("{registered}x"),
        &registered.replacen("://", "://evil.test@", 1),
        &registered.to_uppercase(),
    ] {
        let call = authorization.altered("redirect_uri", Some(foreign));
        context.attack(&mut browser, "An unregistered redirect URI", call).await?;
    }
    let unaltered = Call::get(authorization.authorize.clone());
    context.control(&mut browser, "The registered one", unaltered, 200).await?;
    Ok(())
}

async fn consent_forged(context: &mut AttackContext) -> Result {
    let authorization = Authorization::new(context)?;
    let own = consent_form(&authorization.authorize, &context.ephemeral_user().await?, "none");
    let mut browser = context.browser();
    let foreign = from_other_site(own.clone());
    context.attack(&mut browser, "The form, sent from the thief’s page", foreign).await?;
    context.control(&mut browser, "The form, sent from the consent page", own, 303).await?;
    Ok(())
}
