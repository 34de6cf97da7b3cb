//! Claim 13: "Store it in localStorage or in a cookie".

use std::time::Duration;

use http::Method;

use super::seen::{bearing, get, said};
use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::Evidence;
use crate::ground::at;
use crate::verdict::Verdict;
use crate::{Agent, Answer, Bench, Call, Place, Result, Wishes};

const ELSEWHERE: &str = "localStorage: the copied token, shown from elsewhere";
const RIDDEN: &str = "cookie: a request that a script of the same origin makes";
const CROSS_SITE: &str = "cookie: the same request from another site";
const PAGE: &str = "cookie: its value in what the script is answered";
const COPIED: &str = "cookie: what of it a script can copy";

pub(super) const CLAIM: Claim = Claim {
    number: 13,
    slug: "storage",
    sentence: "Store it in localStorage or in a cookie",
    method: "What a script on a page can do, done over HTTP: the token that the API answers with \
             is readable, so it is copied and shown from elsewhere. The cookies are looked at \
             for HttpOnly; then a request is sent as a script of the same origin sends it, with \
             the cookie that it cannot read, and once more as another site would.",
    honest: "Both truths: what is in localStorage is stolen; an HttpOnly cookie is ridden.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let mut evidence = Evidence::default();
        bench.doing("acting as a script on the page");
        let measured = inject(place.as_ref(), &mut evidence).await;
        closing(vec![place], measured.map(|()| evidence)).await
    })
}

async fn inject(place: &dyn Place, evidence: &mut Evidence) -> Result<()> {
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    // What a page would put into localStorage came to it as readable text.
    let tokens = doors::tokens(&nobody, place.url(), &email).await?;
    let elsewhere = bearing(&nobody, place.url(), "/api/v1/me", &tokens.access_token).await?;
    evidence.fact(ELSEWHERE, said(&elsewhere));

    for key in Key::ALL {
        let mut browser = nobody.stranger();
        let answers = doors::by_password(&mut browser, place.url(), &email, key).await?;
        let in_words = |name: &str| format!("{name}, {}", key.name());
        evidence.fact(in_words(COPIED), readable_cookies(&answers));
        let ridden = browser.send(write(place, "same-origin")?).await?;
        evidence.fact(in_words(RIDDEN), said(&ridden));
        let page = get(&mut browser, place.url(), "/account").await?;
        let (_, value) = doors::carried(&browser, place.url(), key)?;
        let shown = page.text().contains(&value) || ridden.text().contains(&value);
        evidence.fact(in_words(PAGE), if shown { "shown" } else { "not shown" });
        // A browser leaves the cookie away here (SameSite=Lax). It is sent all the
        // same: the app has to refuse it by itself.
        let cross = browser.send(write(place, "cross-site")?).await?;
        evidence.fact(in_words(CROSS_SITE), said(&cross));
    }
    Ok(())
}

/// A request that changes something, from a page of this site.
fn write(place: &dyn Place, site: &str) -> Result<Call> {
    let url = at(place.url(), "/api/v1/contacts")?;
    let call = Call::json(Method::POST, url, r#"{"name":"Somebody’s work"}"#);
    Ok(call.with("sec-fetch-site", site))
}

/// The cookies of ours that a script can read: those without `HttpOnly`
/// (RFC 6265 §5.3).
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
    let Some(elsewhere) = evidence.seen(ELSEWHERE) else {
        return Verdict::undecided("Nothing was copied.");
    };
    let of = |label: &str| -> Vec<&str> {
        let labels = Key::ALL.map(|key| format!("{label}, {}", key.name()));
        labels.iter().filter_map(|label| evidence.seen(label)).collect()
    };
    let (copied, ridden, cross, page) = (of(COPIED), of(RIDDEN), of(CROSS_SITE), of(PAGE));
    if [&copied, &ridden, &cross, &page].iter().any(|seen| seen.len() != Key::ALL.len()) {
        return Verdict::undecided("Not both cookies were tried.");
    }
    let all = |seen: &[&str], what: &str| seen.iter().all(|one| one.starts_with(what));
    if !all(&copied, "nothing") || !all(&page, "not shown") {
        return Verdict::no("A script can copy the cookie, so that it is no better.");
    }
    if !all(&cross, "403") {
        return Verdict::no("Another site could act with the cookie.");
    }
    if elsewhere != "200" || !all(&ridden, "201") {
        return Verdict::undecided("A thief gained nothing, so there was nothing to compare.");
    }
    Verdict::only_if(
        "it is an HttpOnly cookie, and no script of somebody else’s ever runs on the page",
        "What a script can read is taken away and works anywhere for as long as it lives. An \
         HttpOnly cookie is not read, but ridden: the script acts with it for as long as the page \
         is open. No place to store it is safe from a script on the page.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(copied: &str, ridden: &str, cross: &str) -> &'static str {
        let mut evidence = Evidence::default();
        evidence.fact(ELSEWHERE, "200");
        for key in Key::ALL {
            for (label, value) in
                [(COPIED, copied), (RIDDEN, ridden), (CROSS_SITE, cross), (PAGE, "not shown")]
            {
                evidence.fact(format!("{label}, {}", key.name()), value);
            }
        }
        judge(&evidence).word()
    }

    #[test]
    fn both_truths() {
        assert_eq!(with("nothing: HttpOnly", "201", "403 cross_site"), "true if");
        assert_eq!(with("latchkey_token", "201", "403 cross_site"), "false");
        assert_eq!(with("nothing: HttpOnly", "201", "201"), "false");
        assert_eq!(with("nothing: HttpOnly", "403 cross_site", "403 cross_site"), "undecided");
    }
}
