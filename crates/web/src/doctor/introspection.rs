//! Introspection of other apps' tokens: does the endpoint answer?

use latchkey_auth::http::Outbound;
use latchkey_auth::introspection::{self, Unavailable};
use latchkey_domain::Clock;

use super::context::Context;
use super::report::{Check, Finding, Level};
use crate::settings::IntrospectionSettings;

const VARIABLES: [&str; 6] = [
    "OAUTH_INTROSPECTION_URL",
    "OAUTH_INTROSPECTION_CLIENT_ID",
    "OAUTH_INTROSPECTION_CLIENT_SECRET",
    "OAUTH_INTROSPECTION_ISSUER",
    "OAUTH_INTROSPECTION_CACHE",
    "PUBLIC_URL",
];

/// Asks the configured endpoint about a token that was never issued.
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
    let config = context.settings.introspection_config()?;
    let answer = introspection::probe(&config, http, clock).await;
    Some(with_facts(judge(set, &answer), set))
}

/// `answer` says whether the made-up token is active.
fn judge(set: &IntrospectionSettings, answer: &Result<bool, Unavailable>) -> Finding {
    let problem = |text: String, what| Check::Introspection.finding(Level::Problem, text, what);
    match answer {
        Ok(true) => problem(
            "The introspection endpoint accepts a token that was never issued.".to_owned(),
            "Set OAUTH_INTROSPECTION_URL to an introspection endpoint (RFC 7662).",
        ),
        Err(Unavailable::Credentials) => problem(
            "The introspection endpoint refuses these credentials.".to_owned(),
            "Compare OAUTH_INTROSPECTION_CLIENT_ID and _CLIENT_SECRET with what is registered there.",
        ),
        Err(unavailable) => problem(
            format!("Tokens cannot be introspected: {unavailable}."),
            "Check the address, the network and the certificate. Until then such tokens get 503.",
        ),
        Ok(false) if set.issuer.is_none() => Check::Introspection.warning(
            "The settings do not name an issuer for introspected tokens.",
            "Set OAUTH_INTROSPECTION_ISSUER, unless every answer has iss or sub is one of our user IDs.",
        ),
        Ok(false) => {
            Check::Introspection.ok("The introspection endpoint answers and takes the credentials.")
        }
    }
}

fn with_facts(finding: Finding, set: &IntrospectionSettings) -> Finding {
    let reused = match set.remembered_for.as_millis() {
        0 => "not at all: every request asks".to_owned(),
        _ => format!("{} at most", set.remembered_for),
    };
    let finding = finding.fact("Asked at", set.url.as_str()).fact("An answer is believed", reused);
    match &set.issuer {
        Some(issuer) => finding.fact("Issuer", issuer),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use latchkey_auth::secret::Secret;
    use latchkey_domain::Span;
    use url::Url;

    use super::*;

    #[test]
    fn answers_are_judged() {
        for (answer, issuer, level, says) in [
            (Ok(false), Some("https://as.test"), Level::Ok, "answers"),
            (Ok(false), None, Level::Warning, "do not name an issuer"),
            (Ok(true), Some("https://as.test"), Level::Problem, "never issued"),
            (Err(Unavailable::Credentials), None, Level::Problem, "credentials"),
            (Err(Unavailable::Late), None, Level::Problem, "did not answer"),
            (Err(Unavailable::InvalidResponse), None, Level::Problem, "no sense"),
        ] {
            let set = IntrospectionSettings {
                url: Url::parse("https://as.test/introspect").expect("a URL"),
                client_id: "api".to_owned(),
                client_secret: Secret::new("hush"),
                issuer: issuer.map(str::to_owned),
                issuer_is_certain: issuer.is_some(),
                remembered_for: Span::seconds(0),
                local: false,
            };
            let found = with_facts(judge(&set, &answer), &set);
            assert_eq!(found.level, level, "{found:?}");
            assert!(found.finding.contains(says), "{found:?}");
            assert!(!format!("{found:?}").contains("hush"));
        }
    }
}
