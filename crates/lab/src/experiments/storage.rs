use super::prelude::*;

experiment! { 13, "storage", within 3 s,
    "A token is safer in a cookie than in localStorage",
    "We do over HTTP what a script on a page can do. The token in the API’s response is readable, \
     so we copy it and send it from elsewhere. We check whether the cookies are HttpOnly. Then we \
     send a request like a script of the same origin, with the cookie that it cannot read; the \
     same like another site; and one after the page is closed, with what the script could copy."
}

const LOCAL_STORAGE: &str = "localStorage";
const COPIED: &str = "what a script can copy";
const SAME_ORIGIN: &str = "a request by a script of the same origin";
const VISIBLE: &str = "the cookie’s value in responses to the script";
const CROSS_SITE: &str = "a request from another site";
const AFTERWARDS: &str = "what the script copied, sent after the page is closed";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    // A page that puts a token into localStorage has received it as readable text.
    let token = fixture.tokens().await?.access_token;
    evidence.add_fact(label(COPIED, LOCAL_STORAGE), "the token");
    evidence.add_answer(label(AFTERWARDS, LOCAL_STORAGE), &fixture.me(&token).await?);
    for credential in Credential::ALL {
        let (mut browser, answers) = fixture.sign_in(SignInMethod::Password, credential).await?;
        let mut add = |name, value: &str| evidence.add_fact(label(name, cookie(credential)), value);
        let readable = readable_cookies(&answers);
        let names: Vec<_> = readable.iter().map(|(name, _)| *name).collect();
        let copied = if names.is_empty() { "nothing: HttpOnly" } else { &names.join(", ") };
        add(COPIED, copied);
        let same_origin = browser.send(create_contact(&fixture, "same-origin")?).await?;
        add(SAME_ORIGIN, &same_origin.summary());
        let page = fixture.get(&mut browser, "/account").await?;
        let (_, value) = credential_cookie(&browser, fixture.url(), credential)?;
        let visible = page.text().contains(&value) || same_origin.text().contains(&value);
        add(VISIBLE, if visible { "shown" } else { "not shown" });
        // A browser would withhold the cookie here (SameSite=Lax), but the app must refuse the
        // request by itself.
        let cross_site = browser.send(create_contact(&fixture, "cross-site")?).await?;
        add(CROSS_SITE, &cross_site.summary());
        let mut thief = fixture.agent.fresh();
        for (name, value) in readable {
            thief.set_cookie(fixture.url(), name, value);
        }
        add(AFTERWARDS, &fixture.get(&mut thief, "/api/v1/me").await?.summary());
    }
    Ok(())
}

fn label(name: &str, place: &str) -> String {
    format!("{place}, {name}")
}

const fn cookie(credential: Credential) -> &'static str {
    match credential {
        Credential::Session => "session cookie",
        Credential::Jwt => "JWT cookie",
    }
}

/// A request that changes data, with this `Sec-Fetch-Site`.
fn create_contact(fixture: &Fixture<'_>, site: &str) -> Result<Call> {
    let url = at(fixture.url(), "/api/v1/contacts")?;
    let call = Call::json(Method::POST, url, r#"{"name":"Created by a script"}"#);
    Ok(call.with("sec-fetch-site", site))
}

/// Cookies without `HttpOnly`, which scripts can read (RFC 6265 §5.3).
fn readable_cookies(answers: &[Answer]) -> Vec<(&str, &str)> {
    let headers = answers.iter().flat_map(|answer| answer.headers.get_all("set-cookie"));
    let is_readable = |line: &&str| {
        !line.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("httponly"))
    };
    let readable = headers.filter_map(|line| line.to_str().ok()).filter(is_readable);
    readable.filter_map(|line| line.split(';').next()?.split_once('=')).collect()
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let refused = ["401 token_missing", "403 cross_site_request"];
    let (mut copied, mut cross_site, mut same_origin) = (false, false, true);
    for credential in Credential::ALL {
        let label = |name| label(name, cookie(credential));
        let accepted = |name| evidence.accepted(&label(name), &refused);
        copied |= !evidence.required_fact(&label(COPIED))?.starts_with("nothing")
            || evidence.required_fact(&label(VISIBLE))? != "not shown";
        copied |= accepted(AFTERWARDS)?;
        cross_site |= accepted(CROSS_SITE)?;
        same_origin &= accepted(SAME_ORIGIN)?;
    }
    if copied {
        return no("A script can copy the cookie, so it is no better than localStorage.");
    }
    if cross_site {
        return no("Another site could use the cookie.");
    }
    if !evidence.accepted(&label(AFTERWARDS, LOCAL_STORAGE), &refused)? || !same_origin {
        return unclear("A thief gained nothing, so there was nothing to compare.");
    }
    only_if(
        "the cookie is HttpOnly",
        "A script can copy what it can read, and use it anywhere until it expires. It cannot read \
         an HttpOnly cookie, but it can use it while the page is open; afterwards it has nothing. \
         No storage is safe from a script on the page.",
    )
}
