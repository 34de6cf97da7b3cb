//! The demonstration's addresses, and how they are put beside the product's.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use latchkey_domain::Span;
use latchkey_web::app::App;
use latchkey_web::background::Background;
use latchkey_web::layout::{Link, Links};
use latchkey_web::routes::{self, Extra};

use crate::state::Demo;
use crate::traces::{export, pages as traces, recorder};
use crate::{choose, compare, drill, home, inspector, lab, stopwatch};

/// Where the product's pages lead to the demonstration.
pub const LINKS: Links = Links {
    navigation: &[
        Link::new("Compare", "/compare"),
        Link::new("Traces", "/traces"),
        Link::new("Inspector", "/inspector"),
        Link::new("Attacks", "/lab"),
    ],
    footer: &[
        Link::new("Which one should I use?", "/choose"),
        Link::new("Stopwatch", "/stopwatch"),
        Link::new("Storage drill", "/drill"),
    ],
    about: Some("Latchkey answers “OAuth or JWT?” with a running app."),
    sign_ins: Some(Link::new("See them on the wire", "/traces")),
};

/// How often what has expired is swept away.
const SWEEP_EVERY: Span = Span::minutes(10);

/// How often sign-ins that nobody completes are let go.
const RELEASE_EVERY: Span = Span::minutes(1);

fn pages() -> Router<Demo> {
    Router::new()
        .route("/traces", get(traces::list))
        .route("/traces/delete-all", post(traces::delete_all))
        .route("/traces/{id}", get(traces::show))
        .route("/traces/{id}/delete", post(traces::delete))
        .route("/traces/{id}/har", get(export::har))
        .route("/traces/{id}/mermaid", get(export::mermaid))
        .route("/traces/{id}/curl", get(export::curl))
        .route("/compare", get(compare::show))
        .route("/compare/progress", get(compare::progress))
        .route("/compare/run", post(compare::run))
        .route("/compare/guess", post(compare::guess))
        .route("/compare/claims/{file}", get(compare::samples))
        .route(
            "/inspector",
            get(inspector::show)
                .post(inspector::act)
                .layer(DefaultBodyLimit::max(inspector::BODY_LIMIT)),
        )
        .route("/choose", get(choose::show))
        .route("/drill", get(drill::show))
        .route("/drill/start", post(drill::start))
        .route("/drill/room", get(drill::room))
        .route("/drill/token", post(drill::token))
        .route("/drill/me", get(drill::me).post(drill::change))
        .route("/drill/thief", post(drill::thief))
        .route("/drill/use", post(drill::reuse))
        .route("/drill/sign-out", post(drill::sign_out))
        .route("/drill/end", post(drill::end))
        .route("/static/drill.js", get(drill::script))
        .route("/stopwatch", get(stopwatch::show).post(stopwatch::start))
        .route("/stopwatch.json", get(stopwatch::samples))
        .route("/lab", get(lab::index))
        .route("/lab/run", post(lab::run_all))
        .route("/lab/{id}", get(lab::show))
        .route("/lab/{id}/run", post(lab::run_one))
}

/// The product with the demonstration in it. What is recorded of a sign-in is
/// recorded outermost, so that it is what was sent.
pub fn router(demo: &Demo) -> Router {
    let home = get(home::page).with_state::<App>(demo.clone());
    let extra = Extra { routes: pages().with_state(demo.clone()), home: Some(home) };
    let router = routes::router(&demo.app, extra);
    if demo.app.settings.traces {
        router.layer(from_fn_with_state(demo.clone(), recorder::at_app))
    } else {
        router
    }
}

/// The local provider, with its part of sign-ins recorded.
pub fn record_provider(demo: &Demo, provider: Router) -> Router {
    if demo.app.settings.traces {
        provider.layer(from_fn_with_state(demo.clone(), recorder::at_provider))
    } else {
        provider
    }
}

/// Starts what goes on beside the requests.
pub fn start_jobs(demo: &Demo, jobs: &mut Background) {
    let app = demo.app.clone();
    jobs.every(SWEEP_EVERY, move || sweep(app.clone()));
    let demo = demo.clone();
    jobs.every(RELEASE_EVERY, move || {
        demo.waiting.tidy();
        std::future::ready(())
    });
}

async fn sweep(app: App) {
    if let Err(error) = latchkey_store::traces::forget(&app.db, app.clock.now()).await {
        tracing::warn!(%error, "expired traces could not be swept away");
    }
}
