//! `GET /compare/progress`: a page that is sent while it is measured, and that ends with the
//! answer. A browser needs neither a script nor a second request for that.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Html;
use futures_util::stream::poll_fn;
use http::{HeaderMap, header};
use latchkey_lab::experiments::Experiment;
use tokio::sync::mpsc;

use super::guesses::Guesses;
use super::view::{Board, ClaimView, word};
use crate::prelude::*;

const HERE: &str = "<!-- the answer -->";

const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, Template)]
#[template(path = "comparing.html")]
struct ComparingPage {
    layout: Layout,
    claims: usize,
}

pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<Caller>,
    headers: HeaderMap,
) -> HandlerResult<Response> {
    let Some(run) = demo.comparison.progress() else {
        return Ok(Redirect::to("/compare").into_response());
    };
    let layout = Layout::new(&demo.app, caller.as_ref()).below("/compare");
    let page = ComparingPage { layout, claims: run.claims.len() }.render();
    let page = page.map_err(|_| AppError::new(catalogue::INTERNAL_ERROR))?;
    let (send, mut pieces) = mpsc::channel(1);
    let guesses = Guesses::of(&headers, &demo.app.cookies);
    tokio::spawn(follow(demo, run.claims, guesses, page, send));
    // What is compressed is held back until there is enough of it.
    let as_it_is = [(header::CONTENT_ENCODING, "identity")];
    let pieces = poll_fn(move |cx| pieces.poll_recv(cx).map(|it| it.map(Ok::<_, Infallible>)));
    Ok((as_it_is, Html(Body::from_stream(pieces))).into_response())
}

/// Sends the page up to where the answer goes, a line for each claim that is done, the answer
/// and the rest. It ends early when nobody reads on.
async fn follow(
    demo: Demo,
    claims: Vec<&'static Experiment>,
    guesses: Guesses,
    page: String,
    send: mpsc::Sender<String>,
) {
    let (before, after) = page.split_once(HERE).unwrap_or((&page, ""));
    let view = |claim: &&'static Experiment| ClaimView::of(&demo.comparison, claim, &guesses);
    let mut sent = send.send(format!("{before}<ol class=\"steps\" role=\"list\">\n")).await;
    let mut done = 0;
    while sent.is_ok() {
        let run = demo.comparison.progress().filter(|run| run.claims == claims);
        let so_far = run.as_ref().map_or(claims.len(), |run| run.done);
        for one in claims.iter().skip(done).take(so_far.saturating_sub(done)).map(view) {
            let (said, class) = one.shown().map_or(("Done", ""), |it| word(&it.outcome));
            let line = format!(
                "<li><p>{} <span class=\"verdict {class}\">{said}</span></p></li>\n",
                one.claim.sentence
            );
            sent = send.send(line).await;
        }
        done = so_far;
        if run.is_none() {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let answer = match claims[..] {
        [ref one] => match view(one) {
            one if one.shown().is_some() => one.body(),
            one => format!("<p><a href=\"/compare/{}\">Guess first</a></p>", one.claim.slug),
        },
        _ => Board::at(&ClaimView::all(&demo.comparison, &guesses)).to_string(),
    };
    // Whoever has left does not miss it.
    let _ = send.send(format!("</ol>\n{answer}{after}")).await;
}
