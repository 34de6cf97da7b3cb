//! Claim 14: "It can be passed in a URL".

use std::time::Duration;

use http::Method;

use super::seen::{get, said};
use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::Evidence;
use crate::ground::at;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Call, Place, Result, Wishes};

/// What tokens are called where they are put into URLs.
const NAMES: [&str; 3] = ["access_token", "token", "jwt"];

const PATHS: [&str; 3] = ["/api/v1/me", "/api/v1/contacts", "/account"];

const IN_HEADER: &str = "the same token in the Authorization header";
const BESIDE: &str = "in the URL, beside a good one in the header";
const IN_BODY: &str = "in the form of a page (RFC 6750 §2.2)";
const REFERRER: &str = "Referrer-Policy: what a link to elsewhere tells of the URL";
const REPLAYED: &str = "the URL with the code that ended a sign-in, opened again from the history";

pub(super) const CLAIM: Claim = Claim {
    number: 14,
    slug: "in-a-url",
    sentence: "It can be passed in a URL",
    method: "A good token is put into the query under three names, at the API and at a page. A \
             sign-in that ended through a URL with a code in it (which is how OAuth works) is \
             replayed from the history.",
    honest: "It works nowhere here: refused, with the reason. URLs end up in histories, in \
             Referer headers and in access logs.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let mut evidence = Evidence::default();
        bench.doing("passing tokens in URLs");
        let measured = pass(place.as_ref(), &mut evidence).await;
        closing(vec![place], measured.map(|()| evidence)).await
    })
}

async fn pass(place: &dyn Place, evidence: &mut Evidence) -> Result<()> {
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    let token = doors::tokens(&nobody, place.url(), &email).await?.access_token;
    let good = nobody.stranger().send(doors::me(place.url())?.bearer(&token)).await?;
    evidence.fact(IN_HEADER, said(&good));
    let policy = good.header("referrer-policy").unwrap_or("none: the browser’s own");
    evidence.fact(REFERRER, policy);
    for path in PATHS {
        for name in NAMES {
            let answer =
                get(&mut nobody.stranger(), place.url(), &query(path, name, &token)).await?;
            evidence.fact(label(path, name), said(&answer));
        }
    }
    let both = at(place.url(), &query("/api/v1/me", "access_token", &token))?;
    let both = Call::new(Method::GET, both).bearer(&token);
    evidence.fact(BESIDE, said(&nobody.stranger().send(both).await?));
    let form = Call::form(at(place.url(), "/api/v1/contacts")?, &[("access_token", &token)]);
    evidence.fact(IN_BODY, said(&nobody.stranger().send(form).await?));
    // OAuth itself passes a code in a URL. It works once.
    let mut browser = nobody.stranger();
    let walked = doors::by_oauth(&mut browser, place, "ada", Key::Session).await?;
    if let Some(callback) = walked.last() {
        let again = browser.send(Call::get(callback.url.clone())).await?;
        evidence.fact(REPLAYED, said(&again));
    }
    Ok(())
}

fn query(path: &str, name: &str, token: &str) -> String {
    format!("{path}?{name}={token}")
}

fn label(path: &str, name: &str) -> String {
    format!("GET {path}?{name}=…")
}

fn judge(evidence: &Evidence) -> Verdict {
    let mut tried = Vec::new();
    for path in PATHS {
        for name in NAMES {
            tried.extend(evidence.seen(&label(path, name)));
        }
    }
    tried.extend([BESIDE, IN_BODY].into_iter().filter_map(|label| evidence.seen(label)));
    let (Some(replayed), Some(policy)) = (evidence.seen(REPLAYED), evidence.seen(REFERRER)) else {
        return Verdict::undecided("Not everything was tried.");
    };
    if tried.len() != PATHS.len() * NAMES.len() + 2 || evidence.seen(IN_HEADER) != Some("200") {
        return Verdict::undecided("The token was no good in the header, either.");
    }
    let let_in = tried.iter().filter(|said| said.starts_with('2')).count();
    if let_in > 0 {
        return Verdict::yes(format!("{let_in} of {} ways to pass it were let in.", tried.len()));
    }
    if replayed.starts_with(['2', '3']) {
        return Verdict::yes("A code from the history signed somebody in a second time.");
    }
    // At a page it is as if there were none; at the API the reason is told.
    let at_api = |path: &&&str| path.starts_with("/api/");
    let api = PATHS.iter().filter(at_api).flat_map(|path| NAMES.map(|name| label(path, name)));
    let told = api.chain([BESIDE.to_owned()]);
    let is_told = |label: String| evidence.seen(&label) == Some("400 token_in_url");
    let is_refused = |said: &&str| said.starts_with('4') && !said.starts_with("429");
    if !told.into_iter().all(is_told) || !tried.iter().chain([&replayed]).all(is_refused) {
        return Verdict::undecided("Not everything was refused for what it is: see the answers.");
    }
    Verdict::no(format!(
        "Refused in all {} ways, at the API as token_in_url. The code of OAuth is in a URL, but it \
         works once: from the history it was answered with {replayed}. {} (Referrer-Policy: \
         {policy}).",
        tried.len(),
        told_to_others(policy)
    ))
}

/// What a link to another site tells of the URL that it stands on, by the policy
/// (Referrer Policy §3).
fn told_to_others(policy: &str) -> &'static str {
    match policy {
        "no-referrer" | "same-origin" => "Links to other sites say nothing of our URLs",
        "origin"
        | "strict-origin"
        | "origin-when-cross-origin"
        | "strict-origin-when-cross-origin" => "Links to other sites name our origin, and no more",
        _ => "Links to other sites may tell the whole URL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(header: &str, api: &str, replayed: &str) -> &'static str {
        let mut evidence = Evidence::default();
        evidence.fact(IN_HEADER, header);
        evidence.fact(REFERRER, "same-origin");
        for path in PATHS {
            for name in NAMES {
                evidence.fact(label(path, name), api);
            }
        }
        evidence.fact(BESIDE, "400 token_in_url");
        evidence.fact(IN_BODY, "401 token_missing");
        evidence.fact(REPLAYED, replayed);
        judge(&evidence).word()
    }

    #[test]
    fn what_is_told_to_others_depends_on_the_policy() {
        assert!(told_to_others("same-origin").contains("nothing"));
        assert!(told_to_others("strict-origin-when-cross-origin").contains("origin"));
        for policy in ["unsafe-url", "none: the browser’s own"] {
            assert!(told_to_others(policy).contains("whole URL"), "{policy}");
        }
    }

    #[test]
    fn one_way_that_works_is_enough() {
        assert_eq!(with("200", "400 token_in_url", "400 attempt_used"), "false");
        assert_eq!(with("200", "200", "400 attempt_used"), "true");
        assert_eq!(with("200", "400 token_in_url", "303"), "true");
        // What is no refusal of a token in a URL says nothing about one.
        for said in ["429 too_many_requests", "503 database_unavailable", "401 token_expired"] {
            assert_eq!(with("200", said, "400 attempt_used"), "undecided", "{said}");
        }
        assert_eq!(with("200", "400 token_in_url", "503 x"), "undecided");
        assert_eq!(with("401 token_malformed", "400 token_in_url", "400 x"), "undecided");
    }
}
