//! Claim 14: "It can be passed in a URL".

use super::prelude::*;

/// What tokens are called where they are put into URLs.
const NAMES: [&str; 3] = ["access_token", "token", "jwt"];

const PATHS: [&str; 3] = ["/api/v1/me", "/api/v1/contacts", "/account"];

const IN_HEADER: &str = "the same token in the Authorization header";
const BESIDE: &str = "in the URL, beside a good one in the header";
const IN_BODY: &str = "in the form of a page (RFC 6750 §2.2)";
const REFERRER: &str = "Referrer-Policy: what a link to elsewhere tells of the URL";
const REPLAYED: &str =
    "the URL with the code that ended a sign-in, opened by somebody who found it in a history";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 14,
    slug: "in-a-url",
    sentence: "It can be passed in a URL",
    method: "A good token is put into the query under three names, at the API and at a page. A \
             sign-in that ended through a URL with a code in it (which is how OAuth works) is \
             replayed from the history.",
    honest: "It works nowhere here: refused, with the reason. URLs end up in histories, in \
             Referer headers and in access logs.",
    budget: Duration::from_secs(3),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.doing("passing tokens in URLs");
    let agent = &fixture.agent;
    let token = fixture.tokens().await?.access_token;
    let good = fixture.get_with(&token, "/api/v1/me").await?;
    evidence.add_fact(IN_HEADER, good.summary());
    let policy = good.header("referrer-policy").unwrap_or("none: the browser’s own");
    evidence.add_fact(REFERRER, policy);
    for (path, name) in ways() {
        let answer = fixture.get(&mut agent.fresh(), &format!("{path}?{name}={token}")).await?;
        evidence.add_fact(label(path, name), answer.summary());
    }
    let both = fixture.get_with(&token, &format!("/api/v1/me?access_token={token}")).await?;
    evidence.add_fact(BESIDE, both.summary());
    let form = Call::form(at(fixture.url(), "/api/v1/contacts")?, &[("access_token", &token)]);
    evidence.add_fact(IN_BODY, agent.fresh().send(form).await?.summary());
    // OAuth itself passes a code in a URL. It works once.
    let (_, exchanges) = fixture.sign_in(SignInMethod::OAuth, Credential::Session).await?;
    if let Some(callback) = exchanges.last() {
        let again = agent.fresh().send(Call::get(callback.url.clone())).await?;
        evidence.add_fact(REPLAYED, again.summary());
    }
    Ok(())
}

fn ways() -> impl Iterator<Item = (&'static str, &'static str)> {
    PATHS.into_iter().flat_map(|path| NAMES.map(|name| (path, name)))
}

fn label(path: &str, name: &str) -> String {
    format!("GET {path}?{name}=…")
}

fn judge(evidence: &Evidence) -> Verdict {
    let labels: Vec<_> = ways().map(|(path, name)| label(path, name)).collect();
    let labels = labels.iter().map(String::as_str).chain([BESIDE, IN_BODY]);
    let tried: Vec<_> = labels.filter_map(|label| evidence.fact(label)).collect();
    let Some([replayed, policy]) = evidence.all_facts([REPLAYED, REFERRER]) else {
        return Verdict::undecided("Not everything was tried.");
    };
    if tried.len() != ways().count() + 2 || evidence.fact(IN_HEADER) != Some("200") {
        return Verdict::undecided("The token failed in the header, too.");
    }
    let let_in = tried.iter().filter(|said| said.starts_with('2')).count();
    if let_in > 0 {
        return Verdict::yes(format!("{let_in} of {} ways to pass it worked.", tried.len()));
    }
    if replayed.starts_with(['2', '3']) {
        return Verdict::yes("A code from the history signed in a second time.");
    }
    // A page treats it as no token at all; the API gives the reason.
    let at_api = ways().filter(|(path, _)| path.starts_with("/api/"));
    let mut told = at_api.map(|(path, name)| label(path, name)).chain([BESIDE.to_owned()]);
    let is_told = |label: String| evidence.fact(&label) == Some("400 token_in_url");
    let is_refused = |said: &&str| said.starts_with('4') && !said.starts_with("429");
    if !told.all(is_told) || !tried.iter().chain([&replayed]).all(is_refused) {
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

/// What a link to another site tells of the URL of its page, by the policy
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
        let mut evidence = Evidence::of([
            (IN_HEADER, header),
            (REFERRER, "same-origin"),
            (BESIDE, "400 token_in_url"),
            (IN_BODY, "401 token_missing"),
            (REPLAYED, replayed),
        ]);
        ways().for_each(|(path, name)| evidence.add_fact(label(path, name), api));
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
        // Another refusal says nothing about a token in a URL.
        for said in ["429 too_many_requests", "503 database_unavailable", "401 token_expired"] {
            assert_eq!(with("200", said, "400 attempt_used"), "undecided", "{said}");
        }
        assert_eq!(with("200", "400 token_in_url", "503 x"), "undecided");
        assert_eq!(with("401 token_malformed", "400 token_in_url", "400 x"), "undecided");
    }
}
