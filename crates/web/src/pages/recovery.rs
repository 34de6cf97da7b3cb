//! Resetting a password, and verifying an e-mail address.

use axum::Extension;
use latchkey_domain::Email;
use latchkey_domain::password::{Password, check};
use latchkey_store::email_tokens::{self, Purpose, Recipient};
use latchkey_store::{accounts, hash};

use crate::cookies::TOKEN;
use crate::prelude::*;
use crate::recovery;

#[derive(Debug, Template)]
#[template(path = "forgot.html")]
pub(crate) struct ForgotPage {
    layout: Layout,
    sent: bool,
}

#[derive(Debug, Template)]
#[template(path = "reset.html")]
pub(crate) struct ResetPage {
    layout: Layout,
    token: String,
    error: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "verify.html")]
pub(crate) struct VerifyPage {
    layout: Layout,
    token: String,
    email: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ForgotForm {
    #[serde(default)]
    email: String,
}

/// `GET /forgot`
pub(crate) async fn forgot_page(
    State(app): State<App>,
    caller: Option<Caller>,
) -> Page<ForgotPage> {
    Page(ForgotPage { layout: Layout::new(&app, caller.as_ref()), sent: false })
}

/// `POST /forgot`: the same response for every address.
pub(crate) async fn forgot(
    State(app): State<App>,
    caller: Option<Caller>,
    client: Client,
    StrictForm(form): StrictForm<ForgotForm>,
) -> HandlerResult<Page<ForgotPage>> {
    app.limits.check_email(&client)?;
    if let Ok(email) = Email::parse(&form.email) {
        recovery::forgot(&app, email, client);
    }
    Ok(Page(ForgotPage { layout: Layout::new(&app, caller.as_ref()), sent: true }))
}

/// `GET /reset/{token}`. Does not use the link up: mail scanners open it first.
pub(crate) async fn reset_page(
    State(app): State<App>,
    Path(token): Path<String>,
) -> HandlerResult<Page<ResetPage>> {
    find(&app, &token, Purpose::Reset).await?;
    Ok(Page(ResetPage { layout: Layout::anonymous(&app), token, error: None }))
}

#[derive(Deserialize)]
pub(crate) struct ResetForm {
    #[serde(default)]
    password: String,
}

/// `POST /reset/{token}`: sets the password and revokes every sign-in.
pub(crate) async fn reset(
    State(app): State<App>,
    Path(token): Path<String>,
    client: Client,
    StrictForm(form): StrictForm<ResetForm>,
) -> HandlerResult<Response> {
    app.limits.check(&client)?;
    let found = find(&app, &token, Purpose::Reset).await?;
    let weak = || AppError::new(catalogue::WEAK_PASSWORD);
    if let Err(error) = check(&form.password, &[found.email.as_str()]) {
        let (layout, error) = (Layout::anonymous(&app), Some(error.to_string()));
        return Err(with_page(weak(), &ResetPage { layout, token, error }));
    }
    let hash = app.hasher.hash(&Password::new(form.password).map_err(|_| weak())?).await?;
    let now = app.clock.now();
    let reset = match accounts::reset_password(&app.db, &hash::sha256_hex(&token), &hash, now).await
    {
        Ok(reset) => reset.ok_or_else(link_spent)?,
        Err(latchkey_store::Error::Exists) => return Err(link_spent()),
        Err(error) => return Err(error.into()),
    };
    let recipient = reset.recipient;
    reset.ended.into_iter().for_each(|sign_in| app.mark_revoked(sign_in));
    audit::record_by_user(&app, Kind::PasswordReset, recipient.user_id, "", &client).await;
    recovery::send_password_changed(&app, recipient.user_id, recipient.email).await;
    Ok(Redirect::to("/sign-in?welcome=reset").into_response())
}

/// `GET /verify/{token}`. Only for the account's owner: somebody else may have signed
/// up with the reader's address, and the reader must not verify it for them.
pub(crate) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
) -> HandlerResult<Page<VerifyPage>> {
    let email =
        require_owner(&caller, find(&app, &token, Purpose::Verify).await?)?.email.to_string();
    Ok(Page(VerifyPage { layout: Layout::new(&app, Some(&caller)), token, email }))
}

/// `POST /verify/{token}`
pub(crate) async fn verify(
    State(app): State<App>,
    caller: Caller,
    Extension(cookies): Extension<ResponseCookies>,
    Path(token): Path<String>,
    client: Client,
) -> HandlerResult<Redirect> {
    require_owner(&caller, find(&app, &token, Purpose::Verify).await?)?;
    let now = app.clock.now();
    let consumed =
        email_tokens::consume(&app.db, &hash::sha256_hex(&token), Purpose::Verify, now).await?;
    let recipient = require_owner(&caller, consumed.ok_or_else(link_spent)?)?;
    if !accounts::verify_email(&app.db, recipient.user_id, &recipient.email, now).await? {
        return Err(AppError::new(catalogue::EMAIL_TAKEN)
            .detail("Another account has verified this address in the meantime."));
    }
    // The JWT says that the address is unverified: the next request refreshes it.
    cookies.add(vec![app.cookies.removal(TOKEN)]);
    audit::record_by_user(&app, Kind::EmailVerified, recipient.user_id, "", &client).await;
    Ok(Redirect::to("/account?done=verified"))
}

/// Does not use the link up.
async fn find(app: &App, token: &str, purpose: Purpose) -> HandlerResult<Recipient> {
    let found =
        email_tokens::find(&app.db, &hash::sha256_hex(token), purpose, app.clock.now()).await?;
    found.ok_or_else(link_spent)
}

fn require_owner(caller: &Caller, recipient: Recipient) -> HandlerResult<Recipient> {
    if recipient.user_id == caller.user.id { Ok(recipient) } else { Err(link_spent()) }
}

fn link_spent() -> AppError {
    AppError::new(catalogue::LINK_SPENT).link("Request a new e-mail", "/forgot")
}
