//! Actions on the connections page.

use latchkey_domain::{Span, UserId};
use latchkey_store::Db;
use latchkey_tests::accounts::{sign_up, signed_in};
use latchkey_tests::issuer::Rotation;
pub(crate) use latchkey_tests::until;
use latchkey_tests::{Browser, Database, Issuer, Latchkey, Page, Setup};
use url::Url;

/// The path of the connection to the test issuer.
pub(crate) const PROFILE: &str = "/connections/acme/profile";

/// The lifetime of its access tokens in seconds.
pub(crate) const LIFETIME: u32 = 3600;

/// A signed-in user without connections.
pub(crate) async fn somebody(app: &Latchkey, email: &str) -> Browser {
    sign_up(app, email).await;
    signed_in(app, email, "session").await
}

/// Clicks "Connect", and returns the URL at the provider.
pub(crate) async fn start_sign_in(
    browser: &mut Browser,
    app: &Latchkey,
    provider: &str,
    services: &[&str],
) -> Url {
    let fields: Vec<_> = services.iter().map(|service| (*service, "yes")).collect();
    let page = browser.post(&app.url(&format!("/connections/{provider}")), &fields).await;
    Url::parse(&page.see_other()).expect("a whole URL")
}

/// Connects the test issuer.
pub(crate) async fn connect(browser: &mut Browser, app: &Latchkey, issuer: &Issuer) {
    let authorize = start_sign_in(browser, app, "acme", &["profile"]).await;
    let callback = issuer.approve(&authorize);
    let page = browser.follow_callback(&callback).await;
    assert_eq!(page.see_other(), "/connections?done=connected&at=acme#acme");
}

/// An issuer with refresh tokens.
pub(crate) async fn issuer(rotation: Rotation) -> Issuer {
    let issuer = Issuer::start().await;
    issuer.issue_refresh_tokens(rotation, LIFETIME.into());
    issuer
}

/// An app with a frozen clock and this issuer.
pub(crate) async fn standing(issuer: &Issuer) -> Latchkey {
    Setup::new().with_issuer(issuer).with_frozen_clock().start().await
}

/// Advances the clock by the lifetime of an access token, so that the current one has expired.
pub(crate) fn advance_by_token_lifetime(app: &Latchkey) {
    app.advance(Span::seconds(LIFETIME));
}

/// The connections page.
pub(crate) async fn overview(browser: &mut Browser, app: &Latchkey) -> Page {
    browser.get(&app.url("/connections")).await.expect(200)
}

/// Uses the connection to the test issuer.
pub(crate) async fn profile(browser: &mut Browser, app: &Latchkey) -> Page {
    browser.get(&app.url(PROFILE)).await
}

/// Clicks "Disconnect", and returns the message.
pub(crate) async fn disconnect(browser: &mut Browser, app: &Latchkey, provider: &str) -> String {
    let page = browser.post(&app.url(&format!("/connections/{provider}/disconnect")), &[]).await;
    let to = page.see_other();
    to.split(['=', '&']).nth(1).unwrap_or_default().to_owned()
}

/// The id of this browser's user.
pub(crate) async fn id_of(browser: &mut Browser, app: &Latchkey) -> UserId {
    browser.account(app).await.expect("somebody").id.parse().expect("an id")
}

/// Runs a query for one number.
pub(crate) async fn count(db: &Db, statement: &'static str) -> i64 {
    latchkey_tests::number(db, statement).await
}

/// Sets the time of the next try of every revocation to long ago.
pub(crate) async fn make_revocation_due(database: &Database) {
    database.execute("UPDATE connections SET next_try_at = 1").await;
}
