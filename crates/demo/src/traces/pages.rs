//! The pages under `/traces`.

use http::header::CONTENT_DISPOSITION;
use latchkey_domain::TraceId;
use latchkey_domain::sign_in::SignInMethod;
use latchkey_store::traces::{self, Summary};
use latchkey_web::labels::{credential_label, method_label};

use super::curl::Script;
use super::model::Trace;
use super::sequence::{self, Mermaid, MessageKind, request_line, request_marks, response_marks};
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
        side_by_side: compare_latest(&app, &caller, &traces).await?,
        layout: Layout::new(&app, Some(&caller)).at("/traces"),
        traces,
        done: query.done.is_some().then_some("Deleted."),
        app,
    }))
}

/// The user's latest OAuth and password sign-ins.
pub(crate) async fn latest_side_by_side(app: &App, caller: &Caller) -> HandlerResult<SideBySide> {
    let summaries = traces::of_user(&app.db, caller.user.id, app.clock.now()).await?;
    compare_latest(app, caller, &summaries).await
}

async fn compare_latest(
    app: &App,
    caller: &Caller,
    summaries: &[Summary],
) -> HandlerResult<SideBySide> {
    let is_password = |summary: &&Summary| summary.method == SignInMethod::Password;
    let (mut oauth, mut password) = (None, None);
    if let Some(latest) = summaries.iter().find(|summary| !is_password(summary)) {
        oauth = load(app, caller, latest.id).await?;
    }
    if let Some(latest) = summaries.iter().find(is_password) {
        password = load(app, caller, latest.id).await?;
    }
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
        door: method_label(&app, Some(&trace.method)),
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

/// `GET /traces/{id}/{format}`
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

/// Another user's trace answers 404 as well, so that IDs cannot be probed.
async fn find(app: &App, caller: &Caller, id: &str) -> HandlerResult<Trace> {
    let id: TraceId = id.parse().map_err(|_| not_found())?;
    load(app, caller, id).await?.ok_or_else(not_found)
}

async fn load(app: &App, caller: &Caller, id: TraceId) -> HandlerResult<Option<Trace>> {
    let record = traces::record(&app.db, caller.user.id, id, app.clock.now()).await?;
    let trace = record.map(|record| serde_json::from_str(&record)).transpose();
    trace.map_err(|error| {
        tracing::error!(%error, "a stored trace cannot be parsed");
        AppError::new(catalogue::INTERNAL_ERROR)
    })
}

fn not_found() -> AppError {
    AppError::new(catalogue::NOT_FOUND)
        .detail("You have no trace with this ID. Traces are deleted after a day.")
        .link("Your traces", "/traces")
}
