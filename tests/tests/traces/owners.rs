//! Owners of traces, and their lifetime.

use latchkey_domain::Span;
use latchkey_tests::{Browser, Latchkey, Setup};

use crate::scene::trace_of;

async fn come_in(app: &Latchkey, browser: &mut Browser, person: &str) -> String {
    let to = browser.start_sign_in(app, "google").await;
    let back = browser.consent(&to, person).await;
    trace_of(&browser.follow_callback(&back).await)
}

#[tokio::test]
async fn trace_export_is_visible_only_to_owner() {
    let app = Latchkey::start().await;
    let (mut ada, mut bob) = (Browser::new(), Browser::new());
    let id = come_in(&app, &mut ada, "ada").await;
    come_in(&app, &mut bob, "grace").await;
    let path = app.url(&format!("/traces/{id}/har"));
    let _ = ada.get(&path).await.expect(200);
    let _ = bob.get(&path).await.expect_error(404, "not_found");
    let _ = Browser::new().get(&path).await.expect_error(401, "sign_in_required");
    for other in ["x", "00000000-0000-0000-0000-000000000000", &id.to_uppercase()] {
        let page = ada.get(&app.url(&format!("/traces/{other}/har"))).await;
        let _ = page.expect_error(404, "not_found");
    }
}

#[tokio::test]
async fn trace_expires_after_one_day() {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut ada = Browser::new();
    let id = come_in(&app, &mut ada, "ada").await;
    let path = app.url(&format!("/traces/{id}/har"));
    app.advance(Span::minutes(24 * 60 - 1));
    let _ = ada.get(&path).await.expect(200);
    app.advance(Span::minutes(1));
    let _ = ada.get(&path).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn failed_sign_ins_and_disabled_tracing_record_nothing() {
    let app = Setup::new().set("TRACES", "off").start().await;
    let mut ada = Browser::new();
    let to = ada.start_sign_in(&app, "google").await;
    let back = ada.consent(&to, "ada").await;
    assert_eq!(ada.follow_callback(&back).await.header("x-latchkey-trace"), None);

    let app = Latchkey::start().await;
    let mut ada = Browser::new();
    let to = ada.start_sign_in(&app, "google").await;
    let back = ada.decide(&to, &[("decision", "decline"), ("person", "ada")]).await;
    let page = ada.follow_callback(&back).await;
    assert_eq!((page.status, page.header("x-latchkey-trace")), (400, None));
    let page =
        ada.post(&app.url("/sign-in"), &[("email", "a@b.test"), ("password", "wrong")]).await;
    assert_eq!((page.status, page.header("x-latchkey-trace")), (401, None));
}

#[tokio::test]
async fn public_site_records_traces_only_if_enabled() {
    assert!(!Setup::public().start().await.app.settings.traces);
    let app = Setup::public().set("TRACES", "on").start().await;
    let settings = &app.app.settings;
    assert!(settings.traces && settings.demo);
    let warned = settings.warnings.iter().any(|one| one.to_string().contains("the whole demo"));
    assert!(warned, "{:?}", settings.warnings);
    let app = Setup::public().set("TRACES", "on").set("DEMO", "off").start().await;
    assert!(!app.app.settings.traces && !app.app.settings.warnings.is_empty());
}
