//! Parses the inspector's page.

use latchkey_tests::jws::base64url;
use latchkey_tests::{Browser, Latchkey, Page};

pub(crate) async fn inspect(app: &Latchkey, fields: &[(&str, &str)]) -> Page {
    Browser::new().post(&app.url("/inspector"), fields).await
}

/// Shown for a token that is only decoded.
pub(crate) async fn decoded(app: &Latchkey, token: &str) -> Page {
    inspect(app, &[("token", token), ("by", "nothing")]).await.expect(200)
}

/// A token of these texts, with this many zero bytes as signature.
pub(crate) fn unsigned(header: &str, claims: &str, signature: usize) -> String {
    format!("{}.{}.{}", base64url(header), base64url(claims), base64url(vec![0; signature]))
}

fn between<'h>(html: &'h str, before: &str, after: &str) -> Option<&'h str> {
    Some(html.split_once(before)?.1.split_once(after)?.0)
}

fn plain(html: &str) -> String {
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(html.to_owned(), |text, (escaped, c)| text.replace(escaped, c))
}

#[track_caller]
fn lists(page: &Page) -> Vec<&str> {
    let list = between(&page.body, "<ul class=\"lamps\"", "</ul>").expect("lamps");
    list.split("<li ").skip(1).collect()
}

/// The three results: format, signature, claims.
#[track_caller]
pub(crate) fn lamps(page: &Page) -> [&'static str; 3] {
    let lamps: Vec<_> = lists(page).into_iter().map(lamp).collect();
    lamps.try_into().expect("three lamps")
}

#[track_caller]
pub(crate) fn lamp(html: &str) -> &'static str {
    match html {
        lamp if lamp.contains("verdict--true\">Yes") => "yes",
        lamp if lamp.contains("verdict--false\">No") => "no",
        lamp if lamp.contains("verdict--none\">Not checked") => "not asked",
        lamp => panic!("no lamp: {lamp}"),
    }
}

/// The explanations of one of the three results.
#[track_caller]
pub(crate) fn said(page: &Page, lamp: usize) -> Vec<String> {
    let sentences = lists(page)[lamp].split("<p>").skip(2);
    sentences.map(|one| plain(one.split("</p>").next().expect("its end"))).collect()
}

/// The token in the form.
#[track_caller]
pub(crate) fn token(page: &Page) -> String {
    let area = between(&page.body, "<textarea id=\"token\"", "</textarea>").expect("a form");
    plain(area.split_once('>').expect("its start").1)
}

/// The text that was removed around the token.
pub(crate) fn removed(page: &Page) -> Vec<String> {
    let list = between(&page.body, "Removed before decoding: ", ".</p>");
    list.into_iter().flat_map(|list| list.split("; ")).map(plain).collect()
}

/// The parts of the token with their names.
#[track_caller]
pub(crate) fn parts(page: &Page) -> Vec<(String, String)> {
    let token = between(&page.body, "token--split\">", "</p>").expect("the parts");
    let parts = token.split("<span class=\"vh\">").skip(1);
    let part = |html: &str| {
        let (place, rest) = html.split_once(": ").expect("its place");
        (place.to_owned(), plain(between(rest, "<bdi dir=\"ltr\">", "</bdi>").expect("its text")))
    };
    parts.map(part).collect()
}

/// A header parameter or a claim.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Its explanation.
    pub(crate) html: String,
}

pub(crate) fn members(page: &Page, section: &str) -> Vec<Member> {
    let heading = format!("<h2 id=\"{section}\">");
    let rows = between(&page.body, &heading, "<details").into_iter();
    let rows = rows.flat_map(|html| html.split("<th role=\"rowheader\"").skip(1));
    let member = |html: &str| Member {
        name: plain(between(html, "<code>", "</code>").expect("a name")),
        value: plain(between(html, "<bdi class=\"mono\" dir=\"ltr\">", "</bdi>").expect("a value")),
        html: plain(html),
    };
    rows.map(member).collect()
}
