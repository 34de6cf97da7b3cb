//! Checks the introspection endpoint for other apps' tokens.

use latchkey_auth::http::Outbound;
use latchkey_auth::introspection::{self, Unavailable};
use latchkey_domain::Clock;

use super::report::{Check, Context, Finding, Level};
use crate::settings::IntrospectionSettings;

const VARIABLES: [&str; 6] = [
    "OAUTH_INTROSPECTION_URL",
    "OAUTH_INTROSPECTION_CLIENT_ID",
    "OAUTH_INTROSPECTION_CLIENT_SECRET",
    "OAUTH_INTROSPECTION_ISSUER",
    "OAUTH_INTROSPECTION_CACHE",
    "PUBLIC_URL",
];

/// Introspects a token that was never issued.
pub(super) async fn finding(
    context: &Context<'_>,
    http: &Outbound,
    clock: &Clock,
) -> Option<Finding> {
    if !context.valid(&VARIABLES) {
        return None;
    }
    let Some(set) = &context.settings.introspection else {
        return Some(Check::Introspection.finding(
            Level::Ok,
            "Other apps' opaque tokens are refused: no introspection endpoint is configured.",
            "To accept them, set OAUTH_INTROSPECTION_URL, _CLIENT_ID and _CLIENT_SECRET.",
        ));
    };
    if set.local {
        let text = "Other apps' opaque tokens are introspected by the local provider.";
        return Some(with_facts(Check::Introspection.ok(text), set));
    }
    let response = introspection::probe(&set.config, http, clock).await;
    Some(with_facts(endpoint_finding(set, &response), set))
}

/// `response`: whether the endpoint says that the token is active.
fn endpoint_finding(set: &IntrospectionSettings, response: &Result<bool, Unavailable>) -> Finding {
    let check = Check::Introspection;
    match response {
        Ok(true) => check.problem(
            "The introspection endpoint accepts a token that was never issued.",
            "Set OAUTH_INTROSPECTION_URL to an introspection endpoint (RFC 7662).",
        ),
        Err(Unavailable::Credentials) => check.problem(
            "The introspection endpoint refuses these credentials.",
            "Compare OAUTH_INTROSPECTION_CLIENT_ID and _CLIENT_SECRET with what is registered there.",
        ),
        Err(unavailable) => check.problem(
            format!("Tokens cannot be introspected: {unavailable}."),
            "Check the address, the network and the certificate. Until then such tokens get 503.",
        ),
        Ok(false) if set.config.issuer.is_none() => check.warning(
            "The settings do not name an issuer for introspected tokens.",
            "Set OAUTH_INTROSPECTION_ISSUER, unless every response has iss, or sub is one of our user IDs.",
        ),
        Ok(false) => check.ok("The introspection endpoint answers and accepts the credentials."),
    }
}

fn with_facts(finding: Finding, set: &IntrospectionSettings) -> Finding {
    let config = &set.config;
    let cached_for = match config.cache_ttl.as_millis() {
        0 => "no: every request is introspected".to_owned(),
        _ => format!("for {} at most", config.cache_ttl),
    };
    finding
        .fact("Endpoint", config.url.as_str())
        .fact("Responses cached", cached_for)
        .facts(config.issuer.iter().map(|issuer| ("Issuer", issuer.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Capabilities, Environment, Settings};

    #[test]
    fn doctor_grades_introspection_responses() {
        for (answer, issuer, level, says) in [
            (Ok(false), Some("https://as.test"), Level::Ok, "answers"),
            (Ok(false), None, Level::Warning, "do not name an issuer"),
            (Ok(true), Some("https://as.test"), Level::Problem, "never issued"),
            (Err(Unavailable::Credentials), None, Level::Problem, "credentials"),
            (Err(Unavailable::Timeout), None, Level::Problem, "did not answer"),
            (Err(Unavailable::InvalidResponse), None, Level::Problem, "invalid response"),
        ] {
            let environment = Environment::from_lines(
                "OAUTH_INTROSPECTION_URL=https://as.test/introspect\n\
                 OAUTH_INTROSPECTION_CLIENT_ID=api\nOAUTH_INTROSPECTION_CLIENT_SECRET=hush\n\
                 OAUTH_INTROSPECTION_CACHE=0",
                "",
            );
            let (settings, _) = Settings::dry_run(&environment, Capabilities::ALL);
            let mut set = settings.introspection.expect("an endpoint");
            set.config.issuer = issuer.map(str::to_owned);
            let found = with_facts(endpoint_finding(&set, &answer), &set);
            assert_eq!(found.level, level, "{found:?}");
            assert!(found.finding.contains(says), "{found:?}");
            assert!(!format!("{found:?}").contains("hush"));
        }
    }
}
