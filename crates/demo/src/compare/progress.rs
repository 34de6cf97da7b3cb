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

/// First for the lines of the claims, then for the answer.
const PLACEHOLDER: &str = "<!-- results -->";

const POLL_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Template)]
#[template(path = "comparing.html")]
struct ComparingPage<'a> {
    layout: Layout,
    claims: &'a [&'static Experiment],
    guesses: &'a Guesses,
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

/// A finished claim.
#[derive(Debug, Template)]
#[template(path = "comparing-line.html")]
struct Line {
    claim: &'static Experiment,
    /// The label and CSS class.
    verdict: (&'static str, &'static str),
    number: usize,
    total: usize,
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
    let guesses = Guesses::of(&headers, &demo.app.cookies);
    let page = ComparingPage { layout, claims: &run.claims, guesses: &guesses }.render();
    let page = page.map_err(|_| AppError::new(catalogue::INTERNAL_ERROR))?;
    let (send, mut chunks) = mpsc::channel(1);
    tokio::spawn(stream(demo, run.claims, guesses, page, send));
    // Compression would buffer the lines.
    let uncompressed = [(header::CONTENT_ENCODING, "identity")];
    let chunks = poll_fn(move |cx| chunks.poll_recv(cx).map(|it| it.map(Ok::<_, Infallible>)));
    Ok((uncompressed, Html(Body::from_stream(chunks))).into_response())
}

/// Sends the parts of the page, with a line for each finished claim and then the answer between
/// them. Stops if the client disconnects.
async fn stream(
    demo: Demo,
    claims: Vec<&'static Experiment>,
    guesses: Guesses,
    page: String,
    send: mpsc::Sender<String>,
) {
    let mut parts = page.split(PLACEHOLDER).map(str::to_owned);
    let mut next_part = || parts.next().unwrap_or_default();
    let view = |claim: &&'static Experiment| ClaimView::of(&demo.comparison, claim, &guesses);
    let mut sent = send.send(next_part()).await;
    let mut done = 0;
    while sent.is_ok() {
        let run = demo.comparison.progress().filter(|run| run.claims == claims);
        let now_done = run.as_ref().map_or(claims.len(), |run| run.done);
        let new = claims.iter().enumerate().skip(done).take(now_done.saturating_sub(done));
        for (index, one) in new.map(|(index, claim)| (index, view(claim))) {
            let verdict =
                one.visible_result().map_or(("Done", ""), |it| verdict_label(&it.outcome));
            let line = Line { claim: one.claim, verdict, number: index + 1, total: claims.len() };
            sent = send.send(line.to_string()).await;
        }
        done = now_done;
        if run.is_none() {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    let answer = match claims[..] {
        [ref one] => view(one).body(),
        _ => Board::of_views(&ClaimView::all(&demo.comparison, &guesses)).to_string(),
    };
    // Fails if the client has disconnected.
    let _ = send.send(next_part() + &answer + &next_part()).await;
}
