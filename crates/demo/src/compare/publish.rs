//! A run as a site of files: no server, no script, nothing that is fetched from elsewhere.

use std::io;
use std::path::Path;

use askama::Template;
use latchkey_lab::{Outcome, Report};
use serde_json::json;

use super::view::{Board, ClaimBody, word};

#[derive(Debug, Template)]
#[template(path = "published.html")]
struct Published<'a> {
    title: &'a str,
    report: &'a Report,
    at: &'a str,
    machine: String,
    /// The review as schema.org knows it, on the page of a claim.
    review: Option<String>,
    body: String,
}

/// Writes a page for the run and one for each claim, the samples, and the stylesheet.
pub(super) fn write(report: &Report, at: &str, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let page = |name: &str, title: &str, review, body| {
        let machine = latchkey_lab::run::machine();
        let page = Published { title, report, at, machine, review, body }.render();
        std::fs::write(folder.join(format!("{name}.html")), page.map_err(io::Error::other)?)
    };
    let row = |it: &Outcome| (format!("{}.html", it.slug), it.number, it.sentence, word(it));
    let rows = report.claims.iter().map(row).collect();
    let board = Board::of(report.claims.iter().collect(), rows).to_string();
    page("index", "OAuth or JWT? What was measured", None, board)?;
    for outcome in &report.claims {
        let (ground, at) = (&*report.ground, at.to_owned());
        let review = Some(review(outcome, &at));
        let body = ClaimBody { outcome, ground, at, guessed: None }.to_string();
        page(outcome.slug, outcome.sentence, review, body)?;
    }
    std::fs::write(folder.join("run.json"), serde_json::to_vec_pretty(report)?)?;
    std::fs::write(folder.join("app.css"), include_str!("../../../../static/app.css"))
}

/// <https://schema.org/ClaimReview>, as it may stand in a page.
fn review(outcome: &Outcome, at: &str) -> String {
    let review = json!({
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "claimReviewed": outcome.sentence,
        "datePublished": at,
        "author": { "@type": "Organization", "name": "Latchkey" },
        "itemReviewed": { "@type": "Claim", "name": outcome.sentence },
        "reviewRating": { "@type": "Rating", "alternateName": outcome.in_words() },
        "reviewBody": outcome.because(),
    });
    // Nothing in it may end the element that it stands in.
    review.to_string().replace('<', "\\u003c")
}
