//! The demo's routes.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use latchkey_domain::Span;
use latchkey_web::app::App;
use latchkey_web::background::Background;
use latchkey_web::links::{Link, Links};
use latchkey_web::routes::{self, Extra};

use crate::development;
use crate::state::Demo;
use crate::traces::{pages as traces, recorder};
use crate::{choose, compare, drill, home, inspector, lab, stopwatch};

/// Links to the demo on the product's pages.
pub const LINKS: Links = Links {
    navigation: &[
        Link::new("Compare", "/compare"),
        Link::new("Traces", "/traces"),
        Link::new("Attacks", "/lab"),
    ],
    footer: &[
        Link::new("Which one should I use?", "/choose"),
        Link::new("Inspector", "/inspector"),
        Link::new("Stopwatch", "/stopwatch"),
        Link::in_development("Storage drill", "/drill"),
    ],
    about: Some("Latchkey answers “OAuth or JWT?” with a running app."),
    sign_ins: Some(Link::new("See them on the wire", "/traces")),
};

const TRACE_CLEANUP_INTERVAL: Span = Span::minutes(10);

fn pages(demo: &Demo) -> Router<Demo> {
    Router::new()
        .route("/traces", get(traces::page))
        .route("/traces/delete-all", post(traces::delete_all))
        .route("/traces/{id}", get(traces::trace_page))
        .route("/traces/{id}/delete", post(traces::delete))
        .route("/traces/{id}/{format}", get(traces::export))
        .route("/compare", get(compare::page))
        .route("/compare/{claim}", get(compare::claim_page))
        .route("/compare/claims/{file}", get(compare::samples))
        .route(
            "/inspector",
            get(inspector::page)
                .post(inspector::submit)
                .layer(DefaultBodyLimit::max(inspector::BODY_LIMIT)),
        )
        .route("/choose", get(choose::page))
        .route("/stopwatch", get(stopwatch::page))
        .route("/lab", get(lab::page))
        .route("/lab/{id}", get(lab::attack_page))
        .merge(development::only(
            demo,
            (None, None),
            Router::new()
                .route("/compare/progress", get(compare::progress))
                .route("/compare/run", post(compare::run))
                .route("/compare/guess", post(compare::guess)),
        ))
        .merge(development::only(
            demo,
            (Some("The stopwatch only runs in development."), None),
            Router::new()
                .route("/stopwatch", post(stopwatch::submit))
                .route("/stopwatch.json", get(stopwatch::samples)),
        ))
        .merge(development::only(
            demo,
            (
                Some("Attacks only run in development, on your own machine."),
                Some(("The list of attacks", "/lab")),
            ),
            Router::new()
                .route("/lab/run", post(lab::run_all))
                .route("/lab/{id}/run", post(lab::run_one)),
        ))
        .merge(development::only(
            demo,
            (
                Some("The drill is vulnerable on purpose, so it only runs in development."),
                Some(("See what it shows", "/compare/storage")),
            ),
            Router::new()
                .route("/drill", get(drill::page))
                .route("/drill/start", post(drill::start))
                .route("/drill/room", get(drill::room))
                .route("/drill/token", post(drill::token))
                .route("/drill/me", get(drill::me).post(drill::change))
                .route("/drill/thief", post(drill::thief))
                .route("/drill/use", post(drill::reuse))
                .route("/drill/sign-out", post(drill::sign_out))
                .route("/drill/end", post(drill::end))
                .route("/static/drill.js", get(drill::script)),
        ))
}

/// The product's routes with the demo's. The trace recorder is the outermost layer, to see
/// exactly what is sent.
pub fn router(demo: &Demo) -> Router {
    if !demo.app.settings.demo {
        return routes::router(&demo.app, Extra::default());
    }
    let home = get(home::page).with_state::<App>(demo.clone());
    let extra = Extra { routes: pages(demo).with_state(demo.clone()), home: Some(home) };
    let router = routes::router(&demo.app, extra);
    if demo.app.settings.traces {
        router.layer(from_fn_with_state(demo.clone(), recorder::record_app))
    } else {
        router
    }
}

pub fn record_provider(demo: &Demo, provider: Router) -> Router {
    if demo.app.settings.traces {
        provider.layer(from_fn_with_state(demo.clone(), recorder::record_provider))
    } else {
        provider
    }
}

pub fn start_jobs(demo: &Demo, jobs: &mut Background) {
    let app = demo.app.clone();
    jobs.every(TRACE_CLEANUP_INTERVAL, move || delete_expired_traces(app.clone()));
}

async fn delete_expired_traces(app: App) {
    if let Err(error) = latchkey_store::traces::forget(&app.db, app.clock.now()).await {
        tracing::warn!(%error, "expired traces could not be deleted");
    }
}
