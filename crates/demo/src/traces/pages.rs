//! One's own sign-ins on the wire.

use http::header::CONTENT_DISPOSITION;
use latchkey_domain::TraceId;
use latchkey_domain::sign_in::SignInMethod;
use latchkey_store::traces::{self, Summary};
use latchkey_web::labels::{credential_label, method_label};

use super::curl::Script;
use super::model::Trace;
use super::sequence::{self, Mermaid, MessageKind, called, in_answer, in_request};
use super::steps::Step;
use super::timing::{SideBySide, side_by_side};
use super::{har, view};
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "traces.html")]
pub(crate) struct TracesPage {
    layout: Layout,
    app: App,
    traces: Vec<Summary>,
    side_by_side: SideBySide,
    done: Option<&'static str>,
}

#[derive(Debug, Template)]
#[template(path = "trace.html")]
pub(crate) struct TracePage {
    layout: Layout,
    door: String,
    trace: Trace,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TracesQuery {
    done: Option<String>,
}

pub(crate) async fn page(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TracesQuery>,
) -> HandlerResult<Page<TracesPage>> {
    let traces = traces::of_user(&app.db, caller.user.id, app.clock.now()).await?;
    Ok(Page(TracesPage {
        side_by_side: beside(&app, &caller, &traces).await?,
        layout: Layout::new(&app, Some(&caller)).at("/traces"),
        traces,
        done: query.done.is_some().then_some("Deleted."),
        app,
    }))
}

/// Somebody's latest sign-in through a provider and their latest with a
/// password, on one scale.
pub(crate) async fn latest_side_by_side(app: &App, caller: &Caller) -> HandlerResult<SideBySide> {
    let all = traces::of_user(&app.db, caller.user.id, app.clock.now()).await?;
    beside(app, caller, &all).await
}

async fn beside(app: &App, caller: &Caller, all: &[Summary]) -> HandlerResult<SideBySide> {
    let latest = |is_password: bool| {
        all.iter().find(move |one| (one.method == SignInMethod::Password) == is_password)
    };
    let mut found = [None, None];
    for (place, summary) in found.iter_mut().zip([latest(false), latest(true)]) {
        if let Some(summary) = summary {
            *place = read(app, caller, summary.id).await?;
        }
    }
    let [oauth, password] = found;
    Ok(side_by_side(oauth, password))
}

pub(crate) async fn trace_page(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> HandlerResult<Page<TracePage>> {
    let trace = find(&app, &caller, &id).await?;
    Ok(Page(TracePage {
        layout: Layout::new(&app, Some(&caller)).below("/traces"),
        door: method_label(&app, Some(&trace.door)),
        trace,
    }))
}

pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> HandlerResult<Redirect> {
    let id: TraceId = id.parse().map_err(|_| not_found())?;
    if traces::delete(&app.db, caller.user.id, id).await? {
        Ok(Redirect::to("/traces?done=1"))
    } else {
        Err(not_found())
    }
}

pub(crate) async fn delete_all(State(app): State<App>, caller: Caller) -> HandlerResult<Redirect> {
    traces::delete_all(&app.db, caller.user.id).await?;
    Ok(Redirect::to("/traces?done=1"))
}

/// `GET /traces/{id}/{format}`: what can be taken away.
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller,
    Path((id, format)): Path<(String, String)>,
) -> HandlerResult<Response> {
    let trace = find(&app, &caller, &id).await?;
    Ok(match format.as_str() {
        "har" => {
            let name = format!("attachment; filename=\"latchkey-{}.har\"", trace.id);
            ([(CONTENT_DISPOSITION, name)], Json(har::render(&trace))).into_response()
        }
        "mermaid" => Mermaid::of(&trace).to_string().into_response(),
        "curl" => Script::of(&trace).to_string().into_response(),
        _ => return Err(not_found()),
    })
}

/// The record with this name, if it is theirs. Nobody learns whether somebody
/// else has one of this name.
async fn find(app: &App, caller: &Caller, id: &str) -> HandlerResult<Trace> {
    let id: TraceId = id.parse().map_err(|_| not_found())?;
    read(app, caller, id).await?.ok_or_else(not_found)
}

async fn read(app: &App, caller: &Caller, id: TraceId) -> HandlerResult<Option<Trace>> {
    let record = traces::record(&app.db, caller.user.id, id, app.clock.now()).await?;
    let trace = record.map(|record| serde_json::from_str(&record)).transpose();
    trace.map_err(|error| {
        tracing::error!(%error, "a trace cannot be read");
        AppError::new(catalogue::INTERNAL)
    })
}

fn not_found() -> AppError {
    AppError::new(catalogue::NOT_FOUND)
        .detail("You have no trace with this ID. Traces are deleted after a day.")
        .link("Your traces", "/traces")
}
