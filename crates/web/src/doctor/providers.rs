//! Checks that the providers answer, and compares our clock with theirs.

use http::Response;
use latchkey_auth::http::{Error, Outbound, date};
use latchkey_auth::oauth::{Kind, OpenId, Provider, discovery};
use latchkey_domain::{Clock, Timestamp};
use serde_json::Value;
use url::Url;

use super::report::{Check, Finding};

#[derive(Debug)]
pub(super) struct ProbeResponse {
    what: &'static str,
    url: Url,
    asked_at: Timestamp,
    answered_at: Timestamp,
    answer: Result<Response<Vec<u8>>, Error>,
}

/// Sends a request to every endpoint of every real provider, concurrently.
pub(super) async fn probe<'a>(
    providers: &'a [Provider],
    http: &Outbound,
    clock: &Clock,
) -> Vec<(&'a Provider, Vec<ProbeResponse>)> {
    let real = providers.iter().filter(|provider| !provider.local);
    let started = real.map(|provider| {
        let tasks = endpoints(&provider.kind).into_iter().map(|(what, url)| {
            let (http, clock) = (http.clone(), clock.clone());
            tokio::spawn(async move {
                let asked_at = clock.now();
                let answer = http.get(&url, None).await;
                ProbeResponse { what, url, asked_at, answered_at: clock.now(), answer }
            })
        });
        (provider, tasks.collect::<Vec<_>>())
    });
    let mut probed = Vec::new();
    for (provider, tasks) in started.collect::<Vec<_>>() {
        let mut responses = Vec::new();
        for task in tasks {
            responses.extend(task.await.ok());
        }
        probed.push((provider, responses));
    }
    probed
}

/// In the order of a sign-in.
fn endpoints(kind: &Kind) -> Vec<(&'static str, Url)> {
    match kind {
        Kind::OpenId(OpenId { issuer, .. }) => {
            let address = discovery::metadata_url(issuer).ok();
            address.into_iter().map(|url| ("discovery document", url)).collect()
        }
        Kind::GitHub { web, api } => vec![("sign-in page", web.clone()), ("API", api.clone())],
        Kind::Facebook { web, graph } => {
            vec![("sign-in page", web.clone()), ("Graph API", graph.clone())]
        }
    }
}

pub(super) fn provider_finding(provider: &Provider, responses: &[ProbeResponse]) -> Finding {
    let label = &provider.label;
    let issuer = match &provider.kind {
        Kind::OpenId(OpenId { issuer, .. }) => Some(issuer.as_str()),
        Kind::GitHub { .. } | Kind::Facebook { .. } => None,
    };
    let failed = responses.iter().find_map(|one| Some((one, failure(issuer, one)?)));
    let issuer_as = |name| issuer.map(|issuer| (name, issuer.to_owned()));
    let check = Check::ProviderReachable;
    let Some((response, (reason, what_to_do))) = failed else {
        return check.ok(format!("{label} answers.")).about(label).facts(issuer_as("Issuer"));
    };
    let text = format!("The {} of {label} cannot be used: {reason}.", response.what);
    // The most common mistake is a trailing slash.
    let named = issuer.and_then(|_| named_issuer(response));
    check
        .problem(text, what_to_do)
        .about(label)
        .fact("URL", response.url.as_str())
        .facts(issuer_as("Configured issuer"))
        .facts(named.map(|named| ("Issuer in the document", named)))
}

/// Why sign-ins fail, and what to do.
fn failure(issuer: Option<&str>, response: &ProbeResponse) -> Option<(String, &'static str)> {
    match (&response.answer, issuer) {
        (Err(error), _) => Some((
            error.to_string(),
            "Check the name, the network, the firewall and the certificate; and HTTPS_PROXY, if this network has a proxy.",
        )),
        (Ok(answer), _) if answer.status().is_server_error() => Some((
            format!("it answered {}", answer.status().as_u16()),
            "The provider has an outage. Wait a moment, then run this check again.",
        )),
        (Ok(answer), Some(issuer)) => {
            let error = discovery::read(issuer, answer).err()?;
            let what = match named_issuer(response) {
                Some(named) if named.contains('{') => {
                    "Write your tenant's ID in its …_ISSUER variable."
                }
                Some(named) if named != issuer => {
                    "Set its …_ISSUER variable to exactly what the issuer calls itself: a slash at the end counts."
                }
                Some(_) => "The provider's operator must fix its discovery document.",
                None => {
                    "Set its …_ISSUER variable to the issuer at which its discovery document is."
                }
            };
            Some((error.to_string(), what))
        }
        (Ok(_), None) => None,
    }
}

fn named_issuer(response: &ProbeResponse) -> Option<String> {
    let document: Value = serde_json::from_slice(response.answer.as_ref().ok()?.body()).ok()?;
    Some(document.get("issuer")?.as_str()?.chars().take(200).collect())
}

/// Milliseconds of clock skew that deserve a warning.
const WARN_SKEW: i64 = 30_000;

/// Milliseconds of clock skew above which valid tokens are refused.
const MAX_SKEW: i64 = 60_000;

/// Compares our clock with the `Date` of the fastest response, which is the most precise.
pub(super) fn clock<'a>(responses: impl Iterator<Item = &'a ProbeResponse>) -> Finding {
    let measured = responses.filter_map(|one| {
        let took = one.answered_at.since(one.asked_at).as_millis();
        let theirs = date(one.answer.as_ref().ok()?.headers())?;
        Some((took, skew(one.asked_at, one.answered_at, theirs)))
    });
    clock_finding(measured.min_by_key(|(took, _)| *took).map(|(_, skew)| skew))
}

/// Milliseconds by which our clock is ahead. We assume that the response was made halfway
/// through the request; `Date` is rounded down by half a second on average.
fn skew(asked_at: Timestamp, answered_at: Timestamp, theirs: Timestamp) -> i64 {
    let ours = i64::midpoint(asked_at.as_millis(), answered_at.as_millis());
    ours.saturating_sub(theirs.as_millis().saturating_add(500))
}

fn clock_finding(skew: Option<i64>) -> Finding {
    let Some(skew) = skew else {
        return Check::Clock.ok("The clock was not compared: no real provider told its time.");
    };
    let finding = skew_finding(Check::Clock, skew, "a provider's", WARN_SKEW);
    finding.fact("Tolerance", "60 seconds")
}

/// `skew`: milliseconds by which our clock is ahead of the `reference`.
pub(super) fn skew_finding(check: Check, skew: i64, reference: &str, warn_above: i64) -> Finding {
    let seconds = (skew.abs() + 500) / 1000;
    let side = if skew > 0 { "ahead of" } else { "behind" };
    let text = format!("The clock is {seconds} seconds {side} {reference}.");
    let what_to_do = "Synchronize this machine's clock over the network (NTP).";
    match skew.abs() {
        off if off > MAX_SKEW => check.problem(text, what_to_do),
        off if off > warn_above => check.warning(text, what_to_do),
        off if off < 2_000 => check.ok(format!("The clock agrees with {reference}.")),
        _ => check.ok(text),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};

    use super::*;
    use crate::doctor::report::Level;
    use crate::settings::{Capabilities, Environment, Settings};

    fn acme(kind: Kind) -> Provider {
        let lines = "PUBLIC_URL=https://app.test\nOIDC_ACME_ISSUER=https://op.test\n\
                     OIDC_ACME_CLIENT_ID=id\nOIDC_ACME_CLIENT_SECRET=hush";
        let environment = Environment::from_lines(lines, "");
        let (settings, _) = Settings::dry_run(&environment, Capabilities::ALL);
        Provider { kind, ..settings.providers[0].clone() }
    }

    fn response(answer: Result<(u16, &str), Error>) -> ProbeResponse {
        let at = Timestamp::from_seconds(0);
        let answer = answer.map(|(status, body)| {
            let mut answer = Response::new(body.as_bytes().to_vec());
            *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            answer
        });
        let url = Url::parse("https://op.test/x").expect("a URL");
        ProbeResponse { what: "page", url, asked_at: at, answered_at: at, answer }
    }

    const DOCUMENT: &str = r#"{"issuer":"https://op.test","authorization_endpoint":"https://op.test/a",
        "token_endpoint":"https://op.test/t","jwks_uri":"https://op.test/k"}"#;

    const TENANTS: &str = r#"{"issuer":"https://op.test/{tenantid}/v2.0",
        "authorization_endpoint":"https://op.test/a","token_endpoint":"https://op.test/t",
        "jwks_uri":"https://op.test/k"}"#;

    #[test]
    fn doctor_explains_issuer_discovery_failures() {
        let foreign = DOCUMENT.replace("https://op.test/", "http://elsewhere.test/");
        for (issuer, answer, says, to_do) in [
            ("https://op.test", Ok((200, DOCUMENT)), "answers", ""),
            ("https://op.test/", Ok((200, DOCUMENT)), "another issuer", "a slash"),
            ("https://op.test", Ok((404, "")), "404", "at which its discovery"),
            ("https://op.test", Ok((302, "")), "redirects", "at which its discovery"),
            ("https://op.test", Ok((200, TENANTS)), "your tenant's ID", "your tenant's ID"),
            ("https://op.test", Ok((200, &*foreign)), "", "operator must fix"),
            ("https://op.test", Ok((503, "")), "503", "Wait a moment"),
            (
                "https://op.test",
                Ok((200, "<html>")),
                "not the expected JSON",
                "at which its discovery",
            ),
            ("https://op.test", Err(Error::Connect), "connection failed", "the firewall"),
            ("https://op.test", Err(Error::Timeout), "within 8 seconds", "the firewall"),
        ] {
            let provider = acme(Kind::open_id(issuer.to_owned()));
            let found = provider_finding(&provider, &[response(answer)]);
            let level = if to_do.is_empty() { Level::Ok } else { Level::Problem };
            assert_eq!(found.level, level, "{found:?}");
            assert!(found.finding.contains(says), "{found:?}");
            assert!(found.what_to_do.as_deref().unwrap_or_default().contains(to_do), "{found:?}");
        }
    }

    #[test]
    fn github_provider_only_needs_reachable_urls() {
        let base = Url::parse("https://gh.test").expect("a URL");
        for (web, api, level) in [
            (Ok((200, "")), Ok((200, "")), Level::Ok),
            (Ok((302, "")), Ok((404, "")), Level::Ok),
            (Ok((200, "")), Ok((502, "")), Level::Problem),
            (Err(Error::Connect), Ok((200, "")), Level::Problem),
        ] {
            let provider = acme(Kind::GitHub { web: base.clone(), api: base.clone() });
            let found = provider_finding(&provider, &[response(web), response(api)]);
            assert_eq!(found.level, level, "{found:?}");
        }
    }

    #[test]
    fn clock_skew_is_graded_in_both_directions() {
        for (skew, level) in [
            (None, Level::Ok),
            (Some(0), Level::Ok),
            (Some(30_000), Level::Ok),
            (Some(30_001), Level::Warning),
            (Some(-45_000), Level::Warning),
            (Some(60_001), Level::Problem),
            (Some(-3_600_000), Level::Problem),
        ] {
            assert_eq!(clock_finding(skew).level, level, "{skew:?}");
        }
        assert!(clock_finding(Some(-61_000)).finding.contains("61 seconds behind"));
    }

    #[test]
    fn clock_skew_is_computed_from_date_header() {
        let mut headers = HeaderMap::new();
        let value = http::HeaderValue::from_static("Mon, 23 Nov 2026 16:12:00 GMT");
        headers.insert(header::DATE, value);
        let theirs = date(&headers).expect("a date");
        assert_eq!(theirs, Timestamp::from_seconds(1_795_450_320));
        let asked = Timestamp::from_millis(theirs.as_millis() + 40_000);
        let answered = Timestamp::from_millis(theirs.as_millis() + 41_000);
        assert_eq!(skew(asked, answered, theirs), 40_000);
        headers.insert(header::DATE, http::HeaderValue::from_static("yesterday"));
        assert_eq!(date(&headers), None);
    }
}
