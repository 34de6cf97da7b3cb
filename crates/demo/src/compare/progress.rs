//! `GET /compare/progress`: streams the page while a run is in progress, and ends with its results.
//! It needs no script and no second request.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Html;
use futures_util::stream::poll_fn;
use http::{HeaderMap, header};
use latchkey_lab::experiments::Experiment;
use tokio::sync::mpsc;

use super::guesses::Guesses;
use super::view::{Board, ClaimView, verdict_label};
use crate::prelude::*;

const ANSWER_PLACEHOLDER: &str = "<!-- the answer -->";

const POLL_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Template)]
#[template(path = "comparing.html")]
struct ComparingPage<'a> {
    layout: Layout,
    claims: &'a [&'static Experiment],
}

impl ComparingPage<'_> {
    /// It stays true when the run has ended.
    fn title(&self) -> String {
        match self.claims {
            [one] => format!("“{}”", one.sentence),
            _ => "Measurement".to_owned(),
        }
    }
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
    let page = ComparingPage { layout, claims: &run.claims }.render();
    let page = page.map_err(|_| AppError::new(catalogue::INTERNAL_ERROR))?;
    let (send, mut chunks) = mpsc::channel(1);
    let guesses = Guesses::of(&headers, &demo.app.cookies);
    tokio::spawn(stream(demo, run.claims, guesses, page, send));
    // Compression would buffer the lines.
    let uncompressed = [(header::CONTENT_ENCODING, "identity")];
    let chunks = poll_fn(move |cx| chunks.poll_recv(cx).map(|it| it.map(Ok::<_, Infallible>)));
    Ok((uncompressed, Html(Body::from_stream(chunks))).into_response())
}

/// Sends the page up to the placeholder, a line for each finished claim, the results and the rest
/// of the page. Stops if the client disconnects.
async fn stream(
    demo: Demo,
    claims: Vec<&'static Experiment>,
    guesses: Guesses,
    page: String,
    send: mpsc::Sender<String>,
) {
    let (before, after) = page.split_once(ANSWER_PLACEHOLDER).unwrap_or((&page, ""));
    let view = |claim: &&'static Experiment| ClaimView::of(&demo.comparison, claim, &guesses);
    let mut sent = send.send(format!("{before}<ol class=\"steps running\" role=\"list\">\n")).await;
    let mut done = 0;
    while sent.is_ok() {
        let run = demo.comparison.progress().filter(|run| run.claims == claims);
        let now_done = run.as_ref().map_or(claims.len(), |run| run.done);
        let new = claims.iter().enumerate().skip(done).take(now_done.saturating_sub(done));
        for (index, one) in new.map(|(index, claim)| (index, view(claim))) {
            let result = one.visible_result();
            let (label, class) = result.map_or(("Done", ""), |it| verdict_label(&it.outcome));
            let line = format!(
                "<li><p><a href=\"/compare/{}\">{}</a> <span class=\"verdict {class}\">{label}</span> \
                 <small>{} of {}</small></p></li>\n",
                one.claim.slug,
                one.claim.sentence,
                index + 1,
                claims.len(),
            );
            sent = send.send(line).await;
        }
        done = now_done;
        if run.is_none() {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    let answer = match claims[..] {
        [ref one] => match view(one) {
            one if one.visible_result().is_some() => one.body(),
            one => format!("<p><a href=\"/compare/{}\">Guess first</a></p>", one.claim.slug),
        },
        _ => Board::of_views(&ClaimView::all(&demo.comparison, &guesses)).to_string(),
    };
    // Fails if the client has disconnected.
    let _ = send.send(format!("</ol>\n<div class=\"finished stack\">{answer}</div>{after}")).await;
}
