//! Linking and unlinking sign-in methods.

use axum::Extension;
use latchkey_auth::accounts::PendingLink;
use latchkey_auth::oauth::Purpose;
use latchkey_axum::routes::oauth::{link_identity, redirect_to_provider};
use latchkey_domain::{Profile, ReturnTo};
use latchkey_store::accounts::{self, UnlinkOutcome, UnlinkTarget};

use super::forms::done;
use crate::cookies::PENDING_LINK;
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "link.html")]
pub(crate) struct LinkPage {
    layout: Layout,
    label: String,
    profile: Profile,
}

/// `POST /account/link/{provider}`: redirects to the provider, whose identity will be
/// linked to this account.
pub(crate) async fn start(
    State(app): State<App>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    caller: Caller,
) -> HandlerResult<Response> {
    caller.require_recent_auth(&app).await?;
    let return_to = ReturnTo::parse(Some("/account?done=linked"), &app.settings.public_url);
    let purpose = Purpose::Link(caller.user.id);
    redirect_to_provider(&app, &slug, purpose, return_to, &headers).await
}

/// `GET /account/link`: asks whether to link the pending identity.
pub(crate) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> HandlerResult<Page<LinkPage>> {
    let pending = pending(&app, &headers, &caller)?;
    let label = app.provider(&pending.provider).map_or(pending.provider, |p| p.label.clone());
    Ok(Page(LinkPage { layout: Layout::new(&app, Some(&caller)), label, profile: pending.profile }))
}

/// `POST /account/link`
pub(crate) async fn accept(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    client: Client,
    Extension(cookies): Extension<ResponseCookies>,
) -> HandlerResult<Redirect> {
    caller.require_recent_auth(&app).await?;
    let pending = pending(&app, &headers, &caller)?;
    let PendingLink { provider, profile, .. } = &pending;
    link_identity(&app, &caller, provider, profile, &client).await?;
    cookies.add(vec![app.cookies.removal(PENDING_LINK)]);
    Ok(done("linked"))
}

/// The pending identity in this browser's cookie. Only a user who has verified the same
/// e-mail address may link it.
fn pending(app: &App, headers: &HeaderMap, caller: &Caller) -> HandlerResult<PendingLink> {
    let cookie = app.cookies.value(headers, PENDING_LINK);
    let secret = &app.settings.app_secret;
    cookie
        .and_then(|cookie| PendingLink::open(cookie, secret, app.clock.now()))
        .filter(|pending| caller.user.email_verified && pending.profile.email == caller.user.email)
        .ok_or_else(|| AppError::new(catalogue::LINK_LOST).link("Go to your account", "/account"))
}

#[derive(Debug, Deserialize)]
pub(crate) struct UnlinkForm {
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    subject: String,
    way: Option<String>,
}

impl UnlinkForm {
    fn target(&self) -> UnlinkTarget<'_> {
        match self.way.as_deref() {
            Some("password") => UnlinkTarget::Password,
            _ => UnlinkTarget::Identity { issuer: &self.issuer, subject: &self.subject },
        }
    }
}

/// `POST /account/unlink`
pub(crate) async fn unlink(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    StrictForm(form): StrictForm<UnlinkForm>,
) -> HandlerResult<Redirect> {
    caller.require_recent_auth(&app).await?;
    // PostgreSQL rejects NUL in text.
    if [&form.issuer, &form.subject].iter().any(|text| text.contains('\0')) {
        return Err(AppError::new(catalogue::BAD_REQUEST));
    }
    match accounts::unlink(&app.db, caller.user.id, form.target()).await? {
        UnlinkOutcome::Removed => {
            let detail = match form.target() {
                UnlinkTarget::Password => "password",
                UnlinkTarget::Identity { issuer, .. } => issuer,
            };
            audit::record_by_user(&app, Kind::Unlinked, caller.user.id, detail, &client).await;
            Ok(done("unlinked"))
        }
        UnlinkOutcome::LastMethod => {
            Err(AppError::new(catalogue::LAST_WAY_IN).link("Back to your account", "/account"))
        }
        UnlinkOutcome::NotFound => Err(AppError::new(catalogue::NOT_FOUND)
            .detail("That sign-in method is not linked to your account.")
            .link("Back to your account", "/account")),
    }
}
