//! Actions on the account page, and queries behind it.

use std::time::Duration;

use latchkey_tests::{Browser, Latchkey, Page};
use reqwest::Method;
use url::Url;

use latchkey_tests::accounts::{json_of, signed_in};

/// The local provider's Ada, whose address is verified at Google.
pub(crate) const ADA: &str = "ada@example.test";

/// Subjects of e-mails.
pub(crate) const VERIFY: &str = "Verify your address";
pub(crate) const EXISTS: &str = "You already have an account";
pub(crate) const RESET: &str = "Choose a new password";
pub(crate) const CODE: &str = "Your code";
pub(crate) const CHANGED: &str = "Your password was changed";

/// Another password that is not on the list of common ones.
pub(crate) const OTHER_PASSWORD: &str = "seven herons over the weir";

/// A browser signed in with a provider. `key`: `session` or `jwt`.
pub(crate) async fn came_in(app: &Latchkey, provider: &str, person: &str, key: &str) -> Browser {
    let mut browser = Browser::new();
    let page = come_in(&mut browser, app, provider, person, key).await;
    assert_eq!(page.see_other(), "/account", "{}", page.summary());
    browser
}

/// Signs in with a provider, with any outcome.
pub(crate) async fn come_in(
    browser: &mut Browser,
    app: &Latchkey,
    provider: &str,
    person: &str,
    key: &str,
) -> Page {
    let authorize = browser.start_sign_in_with(app, provider, &[("strategy", key)]).await;
    let callback = browser.consent(&authorize, person).await;
    browser.follow_callback(&callback).await
}

/// Clicks "Link", and returns the URL at the provider.
pub(crate) async fn start_linking(browser: &mut Browser, app: &Latchkey, provider: &str) -> Url {
    let page = browser.post(&app.url(&format!("/account/link/{provider}")), &[]).await;
    Url::parse(&page.see_other()).expect("a whole URL")
}

/// Links a provider, with any outcome.
pub(crate) async fn link(
    browser: &mut Browser,
    app: &Latchkey,
    provider: &str,
    person: &str,
) -> Page {
    let authorize = start_linking(browser, app, provider).await;
    let callback = browser.consent(&authorize, person).await;
    browser.follow_callback(&callback).await
}

/// The identities with an "Unlink" button: issuer and subject.
pub(crate) async fn linked(browser: &mut Browser, app: &Latchkey) -> Vec<(String, String)> {
    let page = browser.get(&app.url("/account")).await.expect(200);
    let value = |after: &str, name: &str| {
        let (_, rest) = after.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let forms = page.body.split("action=\"/account/unlink\"").skip(1);
    // The password has such a button, too, without an issuer.
    let forms = forms.map(|rest| rest.split("</form>").next().unwrap_or_default());
    forms.filter_map(|form| Some((value(form, "issuer")?, value(form, "subject")?))).collect()
}

/// Clicks "Unlink" for one of the local providers.
pub(crate) async fn unlink(browser: &mut Browser, app: &Latchkey, provider: &str) -> Page {
    let all = linked(browser, app).await;
    let (issuer, subject) =
        all.iter().find(|(issuer, _)| issuer.ends_with(provider)).expect("it is linked").clone();
    browser.post(&app.url("/account/unlink"), &[("issuer", &issuer), ("subject", &subject)]).await
}

/// Types a word to confirm, and deletes the account.
pub(crate) async fn delete(browser: &mut Browser, app: &Latchkey) -> Page {
    browser.post(&app.url("/account/delete"), &[("confirm", "delete")]).await
}

/// Submits a new password, with the current one if there is one.
pub(crate) async fn set_password(
    browser: &mut Browser,
    app: &Latchkey,
    current: &str,
    new: &str,
) -> Page {
    browser.post(&app.url("/account/password"), &[("current", current), ("new", new)]).await
}

/// Submits a form with these headers.
pub(crate) async fn post_with(
    browser: &mut Browser,
    url: &str,
    fields: &[(&str, &str)],
    headers: &[(&str, &str)],
) -> Page {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut all = vec![
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    all.extend(headers);
    browser.send(Method::POST, url, &all, Some(form)).await
}

/// Submits the sign-in form with this password, from this address behind a proxy.
pub(crate) async fn knock_from(app: &Latchkey, address: &str, email: &str, password: &str) -> Page {
    let fields = [("email", email), ("password", password)];
    let headers = [("x-forwarded-for", address)];
    post_with(&mut Browser::new(), &app.url("/sign-in"), &fields, &headers).await
}

/// Requests a reset e-mail.
pub(crate) async fn forgot(app: &Latchkey, email: &str) -> Page {
    Browser::new().post(&app.url("/forgot"), &[("email", email)]).await
}

/// Opens the link of an e-mail and sets a new password.
pub(crate) async fn reset(link: &str, password: &str) -> Page {
    Browser::new().post(link, &[("password", password)]).await
}

/// An e-mail in the outbox.
#[derive(Clone, Debug)]
pub(crate) struct EmailMessage {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) link: String,
}

/// All e-mails, the newest first.
pub(crate) fn emails(app: &Latchkey) -> Vec<EmailMessage> {
    let emails = app.app.mailer.outbox().expect("an outbox");
    emails
        .into_iter()
        .map(|email| EmailMessage {
            to: email.to.to_string(),
            subject: email.subject,
            text: email.text,
            link: email.link.unwrap_or_default(),
        })
        .collect()
}

/// The newest e-mail to this address with this subject; waits for it, as the app sends in the
/// background.
pub(crate) async fn email_to(app: &Latchkey, to: &str, subject: &str) -> EmailMessage {
    for _ in 0..200 {
        let found = emails(app).into_iter().find(|l| l.to == to && l.subject == subject);
        if let Some(email) = found {
            return email;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no e-mail {subject:?} to {to}: {:?}", emails(app));
}

/// The final number of e-mails to this address with this subject.
pub(crate) async fn emails_about(app: &Latchkey, to: &str, subject: &str) -> usize {
    app.background_writes_done().await;
    emails(app).iter().filter(|l| l.to == to && l.subject == subject).count()
}

/// An account with a password and a verified address.
pub(crate) async fn proved(app: &Latchkey, email: &str) {
    latchkey_tests::accounts::sign_up(app, email).await;
    let link = email_to(app, email, VERIFY).await.link;
    let mut person = signed_in(app, email, "session").await;
    assert_eq!(person.post(&link, &[]).await.see_other(), "/account?done=verified");
}

/// The id of the signed-in user, from the API.
pub(crate) async fn id_of(browser: &mut Browser, app: &Latchkey) -> String {
    let page = browser.get(&app.url("/api/v1/me")).await.expect(200);
    json_of(&page)["id"].as_str().expect("an id").to_owned()
}

/// The id of the account that the password signs in to.
pub(crate) async fn id_by_password(app: &Latchkey, email: &str) -> String {
    id_of(&mut signed_in(app, email, "session").await, app).await
}

/// Whether this password signs in to that account.
pub(crate) async fn opens(app: &Latchkey, email: &str, password: &str) -> bool {
    let fields = [("email", email), ("password", password)];
    let page = Browser::new().post(&app.url("/sign-in"), &fields).await;
    assert!(matches!(page.status, 303 | 401), "{}", page.summary());
    page.status == 303
}

/// The active sign-ins, from the API.
pub(crate) async fn sessions(browser: &mut Browser, app: &Latchkey) -> Vec<serde_json::Value> {
    let page = browser.get(&app.url("/api/v1/sessions")).await.expect(200);
    json_of(&page)["items"].as_array().expect("items").clone()
}

/// The id of the current sign-in.
pub(crate) async fn this_one(browser: &mut Browser, app: &Latchkey) -> String {
    let all = sessions(browser, app).await;
    let this = all.iter().find(|one| one["current"] == true).expect("this one");
    this["id"].as_str().expect("an id").to_owned()
}

/// Whether the session or JWT of this browser is accepted.
pub(crate) async fn is_in(browser: &mut Browser, app: &Latchkey) -> bool {
    browser.get(&app.url("/account")).await.status == 200
}

/// Requests a code, and reads it from the e-mail to this address.
pub(crate) async fn code_for(browser: &mut Browser, app: &Latchkey, email: &str) -> String {
    let sent = browser.post(&app.url("/account/proof/send"), &[]).await.see_other();
    let form = browser.get(&app.url(&sent)).await.expect(200);
    assert!(form.body.contains("autocomplete=\"one-time-code\""), "{}", form.summary());
    let email = email_to(app, email, CODE).await;
    let is_code = |word: &&str| {
        word.len() == 9 && word.as_bytes()[4] == b'-' && !word.contains(|c: char| c.is_lowercase())
    };
    email.text.split_whitespace().find(is_code).expect("a code").to_owned()
}

/// Submits a code.
pub(crate) async fn prove(browser: &mut Browser, app: &Latchkey, code: &str) -> Page {
    browser.post(&app.url("/account/proof"), &[("code", code)]).await
}
