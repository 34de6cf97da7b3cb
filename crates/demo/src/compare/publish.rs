//! Writes the results of a run as static pages, without scripts or external resources.

use std::io;
use std::path::Path;

use askama::Template;
use latchkey_lab::{Outcome, Report};
use serde_json::json;

use super::view::{Board, ClaimBody, Row, condition, verdict_label};

#[derive(Debug, Template)]
#[template(path = "published.html")]
struct Published<'a> {
    title: &'a str,
    report: &'a Report,
    at: &'a str,
    machine: String,
    /// JSON-LD, on the page of a claim.
    review: Option<String>,
    body: String,
}

/// Writes an index, a page for each claim, the samples and the stylesheet.
pub(super) fn write(report: &Report, at: &str, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let page = |name: &str, title: &str, review, body| {
        let machine = latchkey_lab::run::machine();
        let page = Published { title, report, at, machine, review, body }.render();
        std::fs::write(folder.join(format!("{name}.html")), page.map_err(io::Error::other)?)
    };
    let rows = report.claims.iter().map(|it| Row {
        url: format!("{}.html", it.slug),
        number: it.number,
        sentence: it.sentence,
        verdict: verdict_label(it),
        condition: condition(it),
    });
    let (outcomes, rows) = (report.claims.iter().collect(), rows.collect());
    let board = Board { outcomes, rows, hidden: 0 }.to_string();
    page("index", "OAuth or JWT? The measurements", None, board)?;
    for outcome in &report.claims {
        let (instances, at) = (&*report.ground, at.to_owned());
        let review = Some(claim_review(outcome, &at));
        let body = ClaimBody { outcome, instances, at, guess: None }.to_string();
        page(outcome.slug, outcome.sentence, review, body)?;
    }
    std::fs::write(folder.join("run.json"), serde_json::to_vec_pretty(report)?)?;
    std::fs::write(folder.join("app.css"), include_str!("../../../../static/app.css"))
}

/// A <https://schema.org/ClaimReview>.
fn claim_review(outcome: &Outcome, at: &str) -> String {
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
    // Must not end the script element.
    review.to_string().replace('<', "\\u003c")
}
