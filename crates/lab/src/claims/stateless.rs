//! Claim 6: "A JWT is stateless: any server can check it".

use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;

use super::seen::{bearing, get, said};
use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::Evidence;
use crate::ground::at;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Call, Error, Place, Result, Wishes, token};

const OUTSIDE: &str = "a verifier of nobody’s here, with the published keys alone";
const ACCESS: &str = "access token, at a server with another database";
const QUERIES: &str = "queries that it cost there";
const REFRESH: &str = "refresh token, at a server with another database";
const SESSION: &str = "session, at a server with another database";
const AT_HOME: &str = "refresh token, where it was issued";

pub(super) const CLAIM: Claim = Claim {
    number: 6,
    slug: "stateless",
    sentence: "A JWT is stateless: any server can check it",
    method: "Two servers have the same signing key and nothing else in common: two databases, two \
             secrets. What the first one issued is shown to the second. That the public half is \
             enough is shown by a verifier of the lab’s own, which has read \
             /.well-known/jwks.json and shares no code with the app.",
    honest: "True of the access token. The refresh token is state, like a session.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let key = signing_key()?;
        let one = bench.start(&Wishes::none().set("JWT_PRIVATE_KEY", &key)).await?;
        let issuer = one.url().origin().ascii_serialization();
        let wishes = Wishes::none()
            .set("JWT_PRIVATE_KEY", &key)
            .set("JWT_ISSUER", &issuer)
            .set("JWT_AUDIENCE", &format!("{issuer}/api"));
        let other = match bench.start(&wishes).await {
            Ok(other) => other,
            Err(error) => return closing(vec![one], Err(error)).await,
        };
        let measured = at_both(bench, one.as_ref(), other.as_ref()).await;
        closing(vec![one, other], measured).await
    })
}

/// A new key, as `JWT_PRIVATE_KEY` takes it (PKCS #8).
fn signing_key() -> Result<String> {
    let failed = |_| Error::Ground("there is no randomness for a key".to_owned());
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let der = pair.to_pkcs8v1().map_err(failed)?;
    let base64 = STANDARD.encode(der.as_ref());
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----"))
}

async fn at_both(bench: &Bench<'_>, one: &dyn Place, other: &dyn Place) -> Result<Evidence> {
    bench.doing("signing in at one server");
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, one.url()).await?;
    let tokens = doors::tokens(&nobody, one.url(), &email).await?;
    let mut browser = nobody.stranger();
    doors::by_password(&mut browser, one.url(), &email, Key::Session).await?;

    bench.doing("showing it to another server");
    let mut evidence = Evidence::default();
    let keys = get(&mut nobody.stranger(), one.url(), "/.well-known/jwks.json").await?;
    let keys = serde_json::from_slice(&keys.body).unwrap_or_default();
    let verified = token::is_signed_by(&tokens.access_token, &keys)?;
    evidence.fact(OUTSIDE, if verified { "verified" } else { "not verified" });
    let answer = bearing(&nobody, other.url(), "/api/v1/me", &tokens.access_token).await?;
    evidence.fact(ACCESS, said(&answer));
    if let Ok((queries, _)) = doors::server_timing(&answer) {
        evidence.sample(QUERIES, "queries", queries);
    }
    // The jar ignores ports, as jars do: the second server gets the same cookie.
    evidence.fact(SESSION, said(&get(&mut browser, other.url(), "/api/v1/me").await?));
    let document = serde_json::json!({ "refresh_token": tokens.refresh_token }).to_string();
    for (label, place) in [(REFRESH, other), (AT_HOME, one)] {
        let url = at(place.url(), "/api/v1/token/refresh")?;
        let answer = nobody.stranger().send(Call::json(Method::POST, url, &document)).await?;
        evidence.fact(label, said(&answer));
    }
    Ok(evidence)
}

fn judge(evidence: &Evidence) -> Verdict {
    let seen = |label| evidence.seen(label);
    let (Some(outside), Some(access), Some(refresh), Some(session)) =
        (seen(OUTSIDE), seen(ACCESS), seen(REFRESH), seen(SESSION))
    else {
        return Verdict::undecided("Not everything was shown to both servers.");
    };
    if seen(AT_HOME) != Some("200") {
        return Verdict::undecided("The refresh token was no good where it was issued, either.");
    }
    if access != "200" || outside != "verified" {
        return Verdict::no(format!("The other server answered the access token with {access}."));
    }
    if refresh == "200" {
        return Verdict::yes("The other server took the access token and the refresh token.");
    }
    let queries = evidence.median(QUERIES, "queries").unwrap_or_default();
    Verdict::only_if(
        "only the access token is meant",
        format!(
            "A server with another database took it with {queries} queries, and the published \
             keys alone are enough to check it. The refresh token is a row in a database: \
             {refresh}, as with the session: {session}."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refresh_token_is_state() {
        let with = |outside: &str, access: &str, refresh: &str, at_home: &str| {
            let mut evidence = Evidence::default();
            evidence.fact(OUTSIDE, outside);
            evidence.fact(ACCESS, access);
            evidence.fact(SESSION, "401 token_missing");
            evidence.fact(REFRESH, refresh);
            evidence.fact(AT_HOME, at_home);
            judge(&evidence).word()
        };
        let unknown = "400 refresh_token_unknown";
        assert_eq!(with("verified", "200", unknown, "200"), "true if");
        assert_eq!(with("verified", "200", "200", "200"), "true");
        assert_eq!(with("verified", "401 token_key_unknown", unknown, "200"), "false");
        assert_eq!(with("not verified", "200", unknown, "200"), "false");
        assert_eq!(with("verified", "200", unknown, unknown), "undecided");
    }
}
