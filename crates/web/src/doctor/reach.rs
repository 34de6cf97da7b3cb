//! Asking the real providers: are they there, and are they who they should be?

use http::Response;
use latchkey_auth::http::{Error, Outbound};
use latchkey_auth::oauth::discovery;
use latchkey_domain::{Clock, Timestamp};
use tokio::task::JoinSet;
use url::Url;

use super::finding::{Check, Finding};
use crate::settings::{Dialect, ProviderSettings};

/// A question to a provider, and what came back.
#[derive(Debug)]
pub(super) struct Heard {
    order: usize,
    /// What was asked for, for people.
    what: &'static str,
    url: Url,
    pub(super) asked_at: Timestamp,
    pub(super) answered_at: Timestamp,
    pub(super) answer: Result<Response<Vec<u8>>, Error>,
}

/// Asks every real provider at the same time; none takes longer than
/// [`latchkey_auth::http::TIMEOUT`]. Answers keep the order of the providers.
pub(super) async fn ask(
    providers: &[ProviderSettings],
    http: &Outbound,
    clock: &Clock,
) -> Vec<Vec<Heard>> {
    let mut heard: Vec<Vec<Heard>> = providers.iter().map(|_| Vec::new()).collect();
    let mut asking = JoinSet::new();
    for (at, provider) in providers.iter().enumerate().filter(|(_, one)| !one.local) {
        for (order, (what, url)) in questions(&provider.dialect).into_iter().enumerate() {
            let (http, clock) = (http.clone(), clock.clone());
            asking.spawn(async move {
                let asked_at = clock.now();
                let answer = http.get(&url, None).await;
                (at, Heard { order, what, url, asked_at, answered_at: clock.now(), answer })
            });
        }
    }
    while let Some(answered) = asking.join_next().await {
        if let Ok((at, one)) = answered
            && let Some(answers) = heard.get_mut(at)
        {
            answers.push(one);
        }
    }
    heard
}

/// What a provider is asked, in the order in which a sign-in would.
fn questions(dialect: &Dialect) -> Vec<(&'static str, Url)> {
    match dialect {
        Dialect::OpenId { issuer } => {
            let address = discovery::address(issuer).ok();
            address.into_iter().map(|url| ("discovery document", url)).collect()
        }
        Dialect::GitHub { web, api } => {
            vec![("sign-in page", web.clone()), ("API", api.clone())]
        }
        Dialect::Facebook { web, graph } => {
            vec![("sign-in page", web.clone()), ("Graph API", graph.clone())]
        }
    }
}

/// A finding for each provider that was asked.
pub(super) fn findings(providers: &[ProviderSettings], heard: &[Vec<Heard>]) -> Vec<Finding> {
    let asked = providers.iter().zip(heard).filter(|(provider, _)| !provider.local);
    asked.map(|(provider, heard)| judge(provider, heard)).collect()
}

fn judge(provider: &ProviderSettings, heard: &[Heard]) -> Finding {
    let label = &provider.label;
    let issuer = match &provider.dialect {
        Dialect::OpenId { issuer } => Some(issuer.as_str()),
        Dialect::GitHub { .. } | Dialect::Facebook { .. } => None,
    };
    let troubles = heard.iter().filter_map(|one| Some((one, trouble(issuer, one)?)));
    if let Some((one, wrong)) = troubles.min_by_key(|(one, _)| one.order) {
        let finding = format!("The {} of {label} cannot be used: {wrong}.", one.what);
        return with_issuers(
            Finding::problem(Check::ProviderReachable, label, finding)
                .advise(advice(issuer, one))
                .fact("Asked", one.url.as_str()),
            issuer,
            one,
        );
    }
    let sentence = match issuer {
        Some(_) => format!("{label} answers, and its issuer is the configured one."),
        None => format!("{label} answers."),
    };
    let finding = Finding::ok(Check::ProviderReachable, label, sentence);
    match (issuer, heard.first()) {
        (Some(issuer), Some(_)) => finding.fact("Issuer", issuer),
        _ => finding,
    }
}

/// What keeps people from signing in there.
fn trouble(issuer: Option<&str>, heard: &Heard) -> Option<String> {
    let answer = match &heard.answer {
        Ok(answer) => answer,
        Err(error) => return Some(error.to_string()),
    };
    match issuer {
        Some(issuer) => match discovery::read(issuer, answer) {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        },
        None if answer.status().is_server_error() => {
            Some(format!("it answered {}", answer.status().as_u16()))
        }
        None => None,
    }
}

fn advice(issuer: Option<&str>, heard: &Heard) -> &'static str {
    match (&heard.answer, issuer) {
        (Ok(answer), _) if answer.status().is_server_error() => {
            "Wait a moment: it is out of order at the moment. Then run latchkey doctor again."
        }
        (Ok(_), Some(_)) => {
            "Set the variable that ends with _ISSUER to what the issuer says of itself, to the letter: a slash at the end counts."
        }
        _ => {
            "Check the name, the network, the firewall and the certificate: Latchkey uses no proxy from the environment."
        }
    }
}

/// What was configured, and what the document says: the commonest slip is one slash.
fn with_issuers(finding: Finding, issuer: Option<&str>, heard: &Heard) -> Finding {
    let Some(issuer) = issuer else { return finding };
    let says = heard.answer.as_ref().ok().and_then(|answer| {
        let document: serde_json::Value = serde_json::from_slice(answer.body()).ok()?;
        document.get("issuer")?.as_str().map(|says| says.chars().take(200).collect::<String>())
    });
    let finding = finding.fact("Configured issuer", issuer);
    match says {
        Some(says) => finding.fact("It says", says),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use latchkey_auth::secret::Secret;

    use super::super::finding::Level;
    use super::*;

    fn provider(dialect: Dialect) -> ProviderSettings {
        ProviderSettings {
            slug: "acme".to_owned(),
            label: "Acme".to_owned(),
            dialect,
            client_id: "id".to_owned(),
            client_secret: Secret::new("hush"),
            scopes: Vec::new(),
            local: false,
        }
    }

    fn heard(url: &str, answer: Result<(u16, &str), Error>) -> Heard {
        let at = Timestamp::from_seconds(0);
        let answer = answer.map(|(status, body)| {
            let mut answer = Response::new(body.as_bytes().to_vec());
            *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            answer
        });
        let url = Url::parse(url).expect("a URL");
        Heard { order: 0, what: "page", url, asked_at: at, answered_at: at, answer }
    }

    const DOCUMENT: &str = r#"{"issuer":"https://op.test","authorization_endpoint":"https://op.test/a",
        "token_endpoint":"https://op.test/t","jwks_uri":"https://op.test/k"}"#;

    #[test]
    fn issuers_are_judged() {
        for (issuer, answer, level, says) in [
            ("https://op.test", Ok((200, DOCUMENT)), Level::Ok, "is the configured one"),
            ("https://op.test/", Ok((200, DOCUMENT)), Level::Problem, "another issuer"),
            ("https://op.test", Ok((404, "")), Level::Problem, "404"),
            ("https://op.test", Ok((503, "")), Level::Problem, "503"),
            ("https://op.test", Ok((200, "<html>")), Level::Problem, "not the JSON"),
            ("https://op.test", Err(Error::Connect), Level::Problem, "no connection"),
            ("https://op.test", Err(Error::Timeout), Level::Problem, "within 8 seconds"),
        ] {
            let provider = provider(Dialect::OpenId { issuer: issuer.to_owned() });
            let found = judge(&provider, &[heard("https://op.test/x", answer)]);
            assert_eq!(found.level, level, "{found:?}");
            assert!(found.finding.contains(says), "{found:?}");
        }
    }

    #[test]
    fn others_only_have_to_answer() {
        let base = Url::parse("https://gh.test").expect("a URL");
        for (web, api, level) in [
            (Ok((200, "")), Ok((200, "")), Level::Ok),
            (Ok((302, "")), Ok((404, "")), Level::Ok),
            (Ok((200, "")), Ok((502, "")), Level::Problem),
            (Err(Error::Connect), Ok((200, "")), Level::Problem),
        ] {
            let provider = provider(Dialect::GitHub { web: base.clone(), api: base.clone() });
            let heard = [heard("https://gh.test/", web), heard("https://gh.test/api", api)];
            assert_eq!(judge(&provider, &heard).level, level);
        }
    }
}
