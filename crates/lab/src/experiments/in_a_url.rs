use super::prelude::*;

experiment! { 14, "in-a-url", within 3 s,
    "It can be passed in a URL",
    "A good token is put into the query under three names, at the API and at a page. A sign-in \
     that ended through a URL with a code in it (which is how OAuth works) is tried again by \
     somebody who found it in a history. The app’s log is searched for the token, and the answer \
     for what history and Referer keep of it."
}

/// What tokens are called where they are put into URLs.
const NAMES: [&str; 3] = ["access_token", "token", "jwt"];

const PATHS: [&str; 3] = ["/api/v1/me", "/api/v1/contacts", "/account"];

const IN_HEADER: &str = "the same token in the Authorization header";
const BESIDE: &str = "in the URL, beside a good one in the header";
const IN_BODY: &str = "in the form of a page (RFC 6750 §2.2)";
const HISTORY: &str = "after GET /account?access_token=…, the URL";
const LOGGED: &str = "the token, in the log of the app";
/// How a page and a form refuse who brings nothing that they look at.
const NO_TOKEN: [&str; 2] = ["401 sign_in_required", "401 token_missing"];
const REFERRER: &str = "Referrer-Policy: what a link to elsewhere tells of the URL";
const REPLAYED: &str =
    "the URL with the code that ended a sign-in, opened by somebody who found it in a history";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = match context.start(&InstanceOptions::default().with_log()).await {
        // The log of one that runs already is its owner's.
        Err(Error::Unsupported(_)) => context.start(&InstanceOptions::default()).await?,
        started => started?,
    };
    context.step("passing tokens in URLs");
    let agent = &fixture.agent;
    let token = fixture.tokens().await?.access_token;
    let good = fixture.me(&token).await?;
    evidence.add_fact(IN_HEADER, good.summary());
    let policy = good.header("referrer-policy").unwrap_or("none: the browser’s own");
    evidence.add_fact(REFERRER, policy);
    for (path, name) in ways() {
        let answer = fixture.get(&mut agent.fresh(), &format!("{path}?{name}={token}")).await?;
        evidence.add_fact(label(path, name), answer.summary());
    }
    let page = format!("/account?access_token={token}");
    let moved = fixture.get(&mut agent.fresh(), &page).await?.location();
    let is_kept = moved.is_none_or(|url| url.as_str().contains(&token));
    evidence.add_fact(HISTORY, if is_kept { "still holds it" } else { "holds it no longer" });
    let both = fixture.get_with_token(&token, &format!("/api/v1/me?access_token={token}")).await?;
    evidence.add_fact(BESIDE, both.summary());
    let form = Call::form(at(fixture.url(), "/api/v1/contacts")?, &[("access_token", &token)]);
    evidence.add_fact(IN_BODY, agent.fresh().send(form).await?.summary());
    // OAuth itself passes a code in a URL.
    let (_, exchanges) = fixture.sign_in(SignInMethod::OAuth, Credential::Session).await?;
    if let Some(callback) = exchanges.last() {
        let again = agent.fresh().send(Call::get(callback.url.clone())).await?;
        evidence.add_fact(REPLAYED, again.summary());
    }
    if let Ok(log) = fixture.instance.log() {
        evidence.add_fact(LOGGED, if log.contains(&token) { "is there" } else { "is nowhere" });
    }
    Ok(())
}

fn ways() -> impl Iterator<Item = (&'static str, &'static str)> {
    PATHS.into_iter().flat_map(|path| NAMES.map(|name| (path, name)))
}

fn label(path: &str, name: &str) -> String {
    format!("GET {path}?{name}=…")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    if !evidence.accepted(IN_HEADER, &[])? {
        return unclear("The token failed in the header, too.");
    }
    // A page treats it as no token at all; the API gives the reason.
    let (mut tried, mut let_in) = (0, 0);
    let ways = ways().map(|(path, name)| (label(path, name), path.starts_with("/api/")));
    for (label, at_api) in ways.chain([(BESIDE.to_owned(), true), (IN_BODY.to_owned(), false)]) {
        let refused: &[&str] = if at_api { &["400 token_in_url"] } else { &NO_TOKEN };
        tried += 1;
        let_in += usize::from(evidence.accepted(&label, refused)?);
    }
    let (replayed, policy) = (evidence.required_fact(REPLAYED)?, evidence.required_fact(REFERRER)?);
    if let_in > 0 {
        return yes(format!("{let_in} of {tried} ways to pass it worked."));
    }
    if replayed.starts_with(['2', '3']) {
        return yes("A code from the history signed somebody else in.");
    }
    // It belongs to the browser that asked for it, whose cookie is missing here.
    if replayed != "400 attempt_cookie_missing" {
        return unclear(format!("The code was refused for another reason: {replayed}."));
    }
    let log = evidence.fact(LOGGED).map_or_else(String::new, |said| {
        format!(" In the app’s own log the token {said}; a proxy’s access log has the whole URL.")
    });
    no(format!(
        "It can be (RFC 6750 §2.3) and must not be (RFC 9700 §4.3.2): refused in all {tried} \
         ways. The code of OAuth is in a URL, but works for nobody who finds it there. {} (Referrer-Policy: {policy}). \
         After it, the address bar {}.{log}",
        told_to_others(policy),
        evidence.required_fact(HISTORY)?,
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

    #[test]
    fn what_is_told_to_others_depends_on_the_policy() {
        assert!(told_to_others("same-origin").contains("nothing"));
        assert!(told_to_others("strict-origin-when-cross-origin").contains("origin"));
        for policy in ["unsafe-url", "none: the browser’s own"] {
            assert!(told_to_others(policy).contains("whole URL"), "{policy}");
        }
    }
}
