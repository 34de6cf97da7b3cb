//! JWTs: whether their life, their issuer and their algorithm make sense together.

use latchkey_auth::tokens::Algorithm;
use latchkey_domain::Span;
use url::Url;

use super::Known;
use super::finding::{Check, Finding};
use crate::settings::{JwtSettings, Revocation, Settings};

/// For so long, somebody who copied a JWT may be let in.
const LONG_LIFE: Span = Span::minutes(15);

pub(super) fn findings(known: &Known<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let jwt = &known.settings.jwt;
    if known.reads(&["JWT_ACCESS_TTL", "JWT_REFRESH_TTL", "JWT_REVOCATION"]) {
        findings.push(life(jwt));
    }
    if known.reads(&["JWT_ISSUER", "JWT_AUDIENCE", "PUBLIC_URL"]) {
        findings.push(issuer(known.settings));
    }
    if known.reads(&["JWT_ALGORITHM", "JWT_PRIVATE_KEY"]) {
        findings.push(algorithm(jwt));
    }
    findings
}

fn life(jwt: &JwtSettings) -> Finding {
    const NAME: &str = "JWT_ACCESS_TTL";
    let ttl = jwt.access_ttl;
    let finding = if ttl > LONG_LIFE {
        let end = match jwt.revocation {
            Revocation::Expiry => "and nothing ends it sooner",
            Revocation::Watch => "wherever JWT_REVOCATION=watch does not reach it",
        };
        Finding::warning(
            Check::JwtLife,
            NAME,
            format!("A JWT lives for {ttl}: whoever has copied it has as long, {end}."),
        )
        .advise("Set JWT_ACCESS_TTL to 15m or less: it is renewed on the way, and nobody notices.")
    } else {
        Finding::ok(Check::JwtLife, NAME, format!("A JWT lives for {ttl}."))
    };
    finding.fact("Renewed for", jwt.refresh_ttl.to_string()).fact(
        "Ended by",
        match jwt.revocation {
            Revocation::Expiry => "its expiry alone",
            Revocation::Watch => "its expiry, or the end of its sign-in",
        },
    )
}

fn issuer(settings: &Settings) -> Finding {
    const NAME: &str = "JWT_ISSUER";
    let (issuer, audience) = (&settings.jwt.issuer, &settings.jwt.audience);
    let origin = Url::parse(issuer).ok().map(|url| url.origin().ascii_serialization());
    let finding = match origin {
        Some(origin) if origin == settings.origin() => {
            Finding::ok(Check::JwtIssuer, NAME, "JWTs are issued under PUBLIC_URL.")
        }
        Some(_) => Finding::warning(
            Check::JwtIssuer,
            NAME,
            "JWT_ISSUER is not under PUBLIC_URL: whoever looks for the keys there does not find them.",
        )
        .advise("Leave JWT_ISSUER out, or serve the keys at that address as well."),
        None => Finding::warning(
            Check::JwtIssuer,
            NAME,
            "JWT_ISSUER is not a URL: others cannot find the keys by it.",
        )
        .advise("Leave JWT_ISSUER out, or write a URL."),
    };
    finding
        .fact("Issuer", issuer.as_str())
        .fact("Audience", audience.as_str())
        .fact("Keys at", settings.absolute("/.well-known/jwks.json"))
}

fn algorithm(jwt: &JwtSettings) -> Finding {
    const NAME: &str = "JWT_ALGORITHM";
    let sentence = match jwt.algorithm {
        Algorithm::Hs256 => {
            "JWTs are signed with HS256: only Latchkey can verify them, for the key is secret."
                .to_owned()
        }
        algorithm => {
            format!("JWTs are signed with {algorithm}: anybody can verify them, nobody make them.")
        }
    };
    let key =
        if jwt.private_key.is_some() { "your own, from JWT_PRIVATE_KEY" } else { "made here" };
    Finding::ok(Check::JwtAlgorithm, NAME, sentence).fact("Key", key)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::settings::{Capabilities, Environment};

    #[test]
    fn jwts_are_judged() {
        for (variables, warned) in [
            (&[][..], &[][..]),
            (&[("JWT_ACCESS_TTL", "15m")], &[]),
            (&[("JWT_ACCESS_TTL", "1h")], &["JWT_ACCESS_TTL"]),
            (&[("JWT_ACCESS_TTL", "1h"), ("JWT_REVOCATION", "watch")], &["JWT_ACCESS_TTL"]),
            (&[("JWT_ISSUER", "https://other.test")], &["JWT_ISSUER"]),
            (&[("JWT_ISSUER", "latchkey")], &["JWT_ISSUER"]),
            (&[("JWT_ISSUER", "http://localhost:3000/")], &[]),
            (&[("JWT_ALGORITHM", "HS256")], &[]),
            // What cannot be read is not judged.
            (&[("JWT_ACCESS_TTL", "2h"), ("JWT_REFRESH_TTL", "1h")], &[]),
        ] {
            let (settings, broken) =
                Settings::look(&Environment::of(variables.iter().copied(), ""), Capabilities::ALL);
            let found = findings(&Known { settings: &settings, broken: &broken });
            let found = found.iter().filter(|one| one.level > Level::Ok);
            let found: Vec<_> = found.map(|one| one.subject.as_str()).collect();
            assert_eq!(found, warned, "{variables:?}");
        }
    }
}
