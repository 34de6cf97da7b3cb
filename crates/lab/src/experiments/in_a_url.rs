use super::prelude::*;

experiment! { 14, "in-a-url", within 3 s,
    "A token can be passed in a URL",
    "We put a valid token into the query under three names, at the API and at a page. OAuth \
     itself passes a code in a URL: we open the callback URL of a completed sign-in again, like \
     someone who finds it in the history. We search the app’s log for the token, and read from \
     the responses what the history and the Referer reveal."
}

/// Query parameters.
const NAMES: [&str; 3] = ["access_token", "token", "jwt"];

const PATHS: [&str; 3] = ["/api/v1/me", "/api/v1/contacts", "/account"];

const IN_HEADER: &str = "the same token in the Authorization header";
const IN_BOTH: &str = "in the URL, with a valid one in the header";
const IN_BODY: &str = "in a form body (RFC 6750 §2.2)";
const HISTORY: &str = "URL in the address bar after GET /account?access_token=…";
const LOGGED: &str = "token in the app’s log";
/// Pages and forms ignore a token in the wrong place.
const NO_TOKEN: [&str; 2] = ["401 sign_in_required", "401 token_missing"];
const REFERRER: &str = "Referrer-Policy";
const REPLAYED: &str = "callback URL with a used code, opened by someone else";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = match context.start(&InstanceOptions::default().with_log()).await {
        // We cannot read the log of an instance that is already running.
        Err(Error::Unsupported(_)) => context.start(&InstanceOptions::default()).await?,
        started => started?,
    };
    let agent = &fixture.agent;
    let token = fixture.tokens().await?.access_token;
    let in_header = fixture.me(&token).await?;
    evidence.add_answer(IN_HEADER, &in_header);
    let policy = in_header.header("referrer-policy").unwrap_or("none: the browser’s default");
    evidence.add_fact(REFERRER, policy);
    for (path, name) in parameters() {
        let answer = fixture.get(&mut agent.fresh(), &format!("{path}?{name}={token}")).await?;
        evidence.add_answer(label(path, name), &answer);
    }
    let page = format!("/account?access_token={token}");
    let redirect = fixture.get(&mut agent.fresh(), &page).await?.location();
    let remains = redirect.is_none_or(|url| url.as_str().contains(&token));
    evidence.add_fact(HISTORY, if remains { "still contains it" } else { "no longer contains it" });
    let in_both =
        fixture.get_with_token(&token, &format!("/api/v1/me?access_token={token}")).await?;
    evidence.add_answer(IN_BOTH, &in_both);
    let form = Call::form(at(fixture.url(), "/api/v1/contacts")?, &[("access_token", &token)]);
    evidence.add_answer(IN_BODY, &agent.fresh().send(form).await?);
    let (_, answers) = fixture.sign_in(SignInMethod::OAuth, Credential::Session).await?;
    if let Some(callback) = answers.last() {
        let replayed = agent.fresh().send(Call::get(callback.url.clone())).await?;
        evidence.add_answer(REPLAYED, &replayed);
    }
    if let Ok(log) = fixture.instance.log() {
        evidence.add_fact(LOGGED, if log.contains(&token) { "found" } else { "not found" });
    }
    Ok(())
}

fn parameters() -> impl Iterator<Item = (&'static str, &'static str)> {
    PATHS.into_iter().flat_map(|path| NAMES.map(|name| (path, name)))
}

fn label(path: &str, name: &str) -> String {
    format!("GET {path}?{name}=…")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    if !evidence.accepted(IN_HEADER, &[])? {
        return unclear("The token failed even in the header.");
    }
    // Pages ignore the token; the API says why it refuses it.
    let (mut tried, mut accepted) = (0, 0);
    let parameters =
        parameters().map(|(path, name)| (label(path, name), path.starts_with("/api/")));
    let others = [(IN_BOTH.to_owned(), true), (IN_BODY.to_owned(), false)];
    for (label, at_api) in parameters.chain(others) {
        let refused: &[&str] = if at_api { &["400 token_in_url"] } else { &NO_TOKEN };
        tried += 1;
        accepted += usize::from(evidence.accepted(&label, refused)?);
    }
    let (replayed, policy) = (evidence.required_fact(REPLAYED)?, evidence.required_fact(REFERRER)?);
    if accepted > 0 {
        return yes(format!("{accepted} of {tried} ways to pass it worked."));
    }
    if replayed.starts_with(['2', '3']) {
        return yes("A code from the history signed someone else in.");
    }
    // The code is bound to the browser that requested it, by a cookie.
    if replayed != "400 attempt_cookie_missing" {
        return unclear(format!("The code was refused for another reason: {replayed}."));
    }
    let log = evidence.fact(LOGGED).map_or_else(String::new, |found| {
        format!(" The token was {found} in the app’s log; a proxy’s access log has the whole URL.")
    });
    no(format!(
        "It can be (RFC 6750 §2.3), but must not be (RFC 9700 §4.3.2): all {tried} ways were \
         refused. OAuth passes a code in a URL, but the code is useless to anyone who finds it \
         there. {} (Referrer-Policy: {policy}). Afterwards, the URL in the address bar {}.{log}",
        revealed_by_links(policy),
        evidence.required_fact(HISTORY)?,
    ))
}

/// What the `Referer` of links to other sites reveals (Referrer Policy §3).
fn revealed_by_links(policy: &str) -> &'static str {
    match policy {
        "no-referrer" | "same-origin" => "Links to other sites reveal nothing about our URLs",
        "origin"
        | "strict-origin"
        | "origin-when-cross-origin"
        | "strict-origin-when-cross-origin" => "Links to other sites only reveal our origin",
        _ => "Links to other sites may reveal the whole URL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_exposure_depends_on_referrer_policy() {
        assert!(revealed_by_links("same-origin").contains("nothing"));
        assert!(revealed_by_links("strict-origin-when-cross-origin").contains("origin"));
        for policy in ["unsafe-url", "none: the browser’s default"] {
            assert!(revealed_by_links(policy).contains("whole URL"), "{policy}");
        }
    }
}
