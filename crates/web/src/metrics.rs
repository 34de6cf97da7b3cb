//! `METRICS_ADDR`: what Prometheus asks for, at a socket of its own.

use axum::Router;
use axum::routing::get;
use http::header;

use crate::app::App;

pub fn router(app: &App) -> Router {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    app.metrics.begin();
    let app = app.clone();
    let text = async move || {
        ([(header::CONTENT_TYPE, KIND)], app.metrics.text(&app.db, &app.hasher, app.clock.uptime()))
    };
    Router::new().route("/metrics", get(text))
}
