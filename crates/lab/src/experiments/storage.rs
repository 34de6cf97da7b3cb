//! Claim 13: "Store it in localStorage or in a cookie".

use super::prelude::*;

const ELSEWHERE: &str = "localStorage: the copied token, sent from elsewhere";
const RIDDEN: &str = "cookie: a request that a script of the same origin makes";
const CROSS_SITE: &str = "cookie: the same request from another site";
const PAGE: &str = "cookie: its value in what the script is answered";
const COPIED: &str = "cookie: what of it a script can copy";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 13,
    slug: "storage",
    sentence: "Store it in localStorage or in a cookie",
    method: "What a script on a page can do, done over HTTP: the token in the API’s answer is \
             readable, so it is copied and sent from elsewhere. The cookies are checked for \
             HttpOnly; then a request is sent as a script of the same origin sends it, with the \
             cookie that it cannot read, and once more as another site would.",
    honest: "Both are true: what is in localStorage is stolen; an HttpOnly cookie is ridden.",
    budget: Duration::from_secs(3),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.doing("acting as a script on the page");
    // What a page would put into localStorage came to it as readable text.
    let token = fixture.tokens().await?.access_token;
    evidence.add_fact(ELSEWHERE, fixture.get_with(&token, "/api/v1/me").await?.summary());
    for credential in Credential::ALL {
        let (mut browser, answers) = fixture.sign_in(SignInMethod::Password, credential).await?;
        let mut add = |label: &str, value: &str| evidence.add_fact(of(label, credential), value);
        add(COPIED, &readable_cookies(&answers));
        let ridden = browser.send(write(&fixture, "same-origin")?).await?;
        add(RIDDEN, &ridden.summary());
        let page = fixture.get(&mut browser, "/account").await?;
        let (_, value) = credential_cookie(&browser, fixture.url(), credential)?;
        let shown = page.text().contains(&value) || ridden.text().contains(&value);
        add(PAGE, if shown { "shown" } else { "not shown" });
        // A browser leaves the cookie out here (SameSite=Lax). It is sent all the
        // same: the app has to refuse it by itself.
        let cross = browser.send(write(&fixture, "cross-site")?).await?;
        add(CROSS_SITE, &cross.summary());
    }
    Ok(())
}

fn of(label: &str, credential: Credential) -> String {
    format!("{label}, {}", credential.name())
}

/// A request that changes something, from a page of this site.
fn write(fixture: &Fixture<'_>, site: &str) -> Result<Call> {
    let url = at(fixture.url(), "/api/v1/contacts")?;
    let call = Call::json(Method::POST, url, r#"{"name":"The work of a script"}"#);
    Ok(call.with("sec-fetch-site", site))
}

/// The cookies that a script can read: those without `HttpOnly` (RFC 6265 §5.3).
fn readable_cookies(answers: &[Answer]) -> String {
    let set = answers.iter().flat_map(|answer| answer.headers.get_all("set-cookie"));
    let lines: Vec<_> = set.filter_map(|line| line.to_str().ok()).collect();
    let hidden = |line: &&str| {
        line.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("httponly"))
    };
    if lines.is_empty() {
        return "no cookie was set".to_owned();
    }
    let readable: Vec<_> = lines
        .iter()
        .filter(|line| !hidden(line))
        .filter_map(|line| line.split('=').next())
        .collect();
    if readable.is_empty() { "nothing: HttpOnly".to_owned() } else { readable.join(", ") }
}

fn judge(evidence: &Evidence) -> Verdict {
    let both = |label: &str| {
        let labels = Credential::ALL.map(|credential| of(label, credential));
        evidence.all_facts([&labels[0], &labels[1]])
    };
    let (Some(elsewhere), Some(copied), Some(ridden), Some(cross), Some(page)) =
        (evidence.fact(ELSEWHERE), both(COPIED), both(RIDDEN), both(CROSS_SITE), both(PAGE))
    else {
        return Verdict::undecided("The token or one of the cookies was not tried.");
    };
    let all = |facts: [&str; 2], what: &str| facts.iter().all(|fact| fact.starts_with(what));
    if !all(copied, "nothing") || !all(page, "not shown") {
        return Verdict::no("A script can copy the cookie, so that it is no better.");
    }
    if !all(cross, "403") {
        return Verdict::no("Another site could act with the cookie.");
    }
    if elsewhere != "200" || !all(ridden, "201") {
        return Verdict::undecided("A thief gained nothing, so there was nothing to compare.");
    }
    Verdict::only_if(
        "it is an HttpOnly cookie, and only your own scripts ever run on the page",
        "What a script can read is taken away and works anywhere for as long as it lives. An \
         HttpOnly cookie is not read, but ridden: the script acts with it for as long as the page \
         is open. No place to store it is safe from a script on the page.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(copied: &str, ridden: &str, cross: &str) -> &'static str {
        let mut evidence = Evidence::of([(ELSEWHERE, "200")]);
        for credential in Credential::ALL {
            for (label, value) in
                [(COPIED, copied), (RIDDEN, ridden), (CROSS_SITE, cross), (PAGE, "not shown")]
            {
                evidence.add_fact(of(label, credential), value);
            }
        }
        judge(&evidence).word()
    }

    #[test]
    fn both_are_true() {
        assert_eq!(with("nothing: HttpOnly", "201", "403 cross_site"), "true if");
        assert_eq!(with("latchkey_token", "201", "403 cross_site"), "false");
        assert_eq!(with("nothing: HttpOnly", "201", "201"), "false");
        assert_eq!(with("nothing: HttpOnly", "403 cross_site", "403 cross_site"), "undecided");
    }
}
