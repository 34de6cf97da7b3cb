//! Other apps' tokens: who is asked about them, and does somebody answer?

use latchkey_auth::http::Outbound;
use latchkey_auth::introspection::{self, Unavailable};
use latchkey_domain::Clock;

use super::Known;
use super::finding::{Check, Finding};
use crate::settings::IntrospectionSettings;

const NAME: &str = "OAUTH_INTROSPECTION_URL";

const FAMILY: [&str; 6] = [
    NAME,
    "OAUTH_INTROSPECTION_CLIENT_ID",
    "OAUTH_INTROSPECTION_CLIENT_SECRET",
    "OAUTH_INTROSPECTION_ISSUER",
    "OAUTH_INTROSPECTION_CACHE",
    "PUBLIC_URL",
];

/// Asks the one that was set, about a token that nobody issued.
pub(super) async fn finding(known: &Known<'_>, http: &Outbound, clock: &Clock) -> Option<Finding> {
    if !known.reads(&FAMILY) {
        return None;
    }
    let settings = known.settings;
    let Some(set) = &settings.introspection else {
        return Some(
            Finding::ok(
                Check::Introspection,
                NAME,
                "Other apps' opaque tokens are refused: nobody is there to be asked about them.",
            )
            .advise("To take them, set OAUTH_INTROSPECTION_URL, _CLIENT_ID and _CLIENT_SECRET."),
        );
    };
    if set.local {
        let sentence = "Other apps' opaque tokens are asked about at the local provider.";
        return Some(with_facts(Finding::ok(Check::Introspection, NAME, sentence), set));
    }
    let heard = introspection::probe(&settings.introspection_config()?, http, clock).await;
    Some(with_facts(judge(set, &heard), set))
}

fn judge(set: &IntrospectionSettings, heard: &Result<bool, Unavailable>) -> Finding {
    let problem = |sentence: String| Finding::problem(Check::Introspection, NAME, sentence);
    match heard {
        Ok(true) => problem(
            "The introspection endpoint vouches for a token that nobody issued.".to_owned(),
        )
        .advise("Set OAUTH_INTROSPECTION_URL to an endpoint that answers about tokens (RFC 7662)."),
        Err(Unavailable::Credentials) => problem(
            "The introspection endpoint does not take these credentials.".to_owned(),
        )
        .advise(
            "Compare OAUTH_INTROSPECTION_CLIENT_ID and _CLIENT_SECRET with what is registered there.",
        ),
        Err(unavailable) => problem(format!("Nothing can be found out about tokens: {unavailable}."))
            .advise("Check the address, the network and the certificate. Until then such tokens get 503."),
        Ok(false) if set.issuer.is_none() => Finding::warning(
            Check::Introspection,
            NAME,
            "It is not known whose subjects the introspection endpoint speaks of.",
        )
        .advise("Set OAUTH_INTROSPECTION_ISSUER, unless every answer has iss, or sub is an id of ours."),
        Ok(false) => Finding::ok(
            Check::Introspection,
            NAME,
            "The introspection endpoint answers, and takes the credentials.",
        ),
    }
}

fn with_facts(finding: Finding, set: &IntrospectionSettings) -> Finding {
    let believed = match set.remembered_for.as_millis() {
        0 => "not at all: every request asks".to_owned(),
        _ => format!("{} at the most", set.remembered_for),
    };
    let finding =
        finding.fact("Asked at", set.url.as_str()).fact("An answer is believed", believed);
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

    use super::super::finding::Level;
    use super::*;

    #[test]
    fn what_was_heard_is_judged() {
        for (heard, issuer, level, says) in [
            (Ok(false), Some("https://as.test"), Level::Ok, "answers"),
            (Ok(false), None, Level::Warning, "whose subjects"),
            (Ok(true), Some("https://as.test"), Level::Problem, "nobody issued"),
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
            let found = with_facts(judge(&set, &heard), &set);
            assert_eq!(found.level, level, "{found:?}");
            assert!(found.finding.contains(says), "{found:?}");
            assert!(!format!("{found:?}").contains("hush"));
        }
    }
}
