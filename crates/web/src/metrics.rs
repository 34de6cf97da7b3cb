//! Prometheus metrics on `METRICS_ADDR`.

use axum::Router;
use axum::routing::get;
use http::header;
use latchkey_axum::metrics::HostGauges;
use latchkey_store::emails;

use crate::app::App;
use crate::logging;

pub fn router(app: &App) -> Router {
    const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    app.metrics.enable();
    let app = app.clone();
    let text = async move || {
        let emails = emails::waiting(&app.db, app.clock.now()).await.ok();
        let host = HostGauges { emails, log_lines_lost: logging::lines_lost() };
        let text = app.metrics.text(&app.db, &app.hasher, app.clock.uptime(), &host);
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], text)
    };
    Router::new().route("/metrics", get(text))
}
