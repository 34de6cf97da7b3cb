//! What other people's pages make a browser do that is signed in here.

use http::Method;

use super::attacks;
use super::judge::Expect::{Code, Has, Lacks, Still};
use super::stage::{Browser, Outcome, Stage};
use crate::Call;

attacks! { CrossSite:
    "csrf_sign_out", "Signed out by another page", "OWASP ASVS V3.5.1, RFC 6265 §8.2",
    "crates/web/src/middleware/same_site.rs", "is_allowed",
    "A page of the thief posts the sign-out form: a nuisance, and the first half of signing the victim in as somebody else.",
    &[Code(403, "cross_site_request"), Still("Olive Owner")], sign_out;

    "csrf_delete_account", "An account deleted by another page", "OWASP ASVS V3.5.1",
    "crates/web/src/middleware/same_site.rs", "is_allowed",
    "A page of the thief posts the form that deletes the account, with the word that has to be typed.",
    &[Code(403, "cross_site_request"), Still("Olive Owner")], delete_account;

    "csrf_password", "A password set by another page", "OWASP ASVS V3.5.1",
    "crates/web/src/middleware/same_site.rs", "is_allowed",
    "A page of the thief gives the victim a password that the thief knows.",
    &[Code(403, "cross_site_request"), Still("Olive Owner")], password;

    "csrf_link", "The thief’s identity linked by another page", "OWASP ASVS V3.5.1, RFC 9700 §4.7",
    "crates/web/src/middleware/same_site.rs", "is_allowed",
    "A page of the thief posts the form that links a provider, so that the thief’s account there becomes a way in.",
    &[Code(403, "cross_site_request"), Still("Olive Owner")], link;

    "csrf_connection", "A connection by another page", "OWASP ASVS V3.5.1, RFC 6749 §10.12",
    "crates/web/src/middleware/same_site.rs", "is_allowed",
    "A page of the thief posts the form that asks a provider for more than a sign-in, in the victim’s name.",
    &[Code(403, "cross_site_request"), Still("Olive Owner")], connection;

    "csrf_sign_in", "Signed in by another page", "OWASP ASVS V3.5.1",
    "crates/web/src/middleware/same_site.rs", "is_allowed",
    "A page of the thief posts the sign-in form with the thief’s own password: what the victim then writes, the thief reads.",
    &[Code(403, "cross_site_request"), Code(401, "sign_in_required")], sign_in;

    "csrf_api_text", "JSON that says it is text", "OWASP ASVS V3.5.2",
    "crates/web/src/middleware/same_site.rs", "is_allowed",
    "A form can send text/plain without a preflight. The thief’s page sends JSON as that to the API, and the browser adds the cookie.",
    &[Code(403, "cross_site_request")], api_as_text;

    "csrf_api_type", "The same from our own origin", "RFC 9110 §8.3",
    "crates/web/src/api/json.rs", "from_request",
    "The API takes JSON under its own name alone: what says that it is text is not read, wherever it comes from.",
    &[Code(415, "unsupported_media_type")], api_type;

    "csrf_old_browser", "A browser that sends no Sec-Fetch-Site", "OWASP ASVS V3.5.3, RFC 6454 §7",
    "crates/web/src/middleware/same_site.rs", "is_allowed",
    "Older browsers say only Origin: the thief’s, a neighbour’s port, or null from a frame in a sandbox.",
    &[Code(403, "cross_site_request")], old_browser;

    "sign_out_by_link", "Signed out by an image", "RFC 9110 §9.2.1",
    "crates/web/src/routes.rs", "pages",
    "An image whose address is the sign-out page. What changes something is not done by GET.",
    &[Code(405, "method_not_allowed"), Still("Olive Owner")], sign_out_by_link;

    "cors_read", "Another page reads the API", "OWASP ASVS V3.4.2",
    "crates/web/src/middleware/security_headers.rs", "add",
    "A script of the thief asks the API with the victim’s cookies, and would read the answer if it were allowed to.",
    &[Lacks("access-control-allow-origin"), Lacks("access-control-allow-credentials")], cors;

    "clickjacking", "Our page in the thief’s frame", "OWASP ASVS V3.4.6, RFC 9700 §4.16",
    "crates/web/src/middleware/security_headers.rs", "content_security_policy",
    "The thief shows our account page in an invisible frame, and has the victim click where the button is.",
    &[Has("content-security-policy", "frame-ancestors 'none'")], clickjacking;

    "cache_after", "The page from the cache", "OWASP ASVS V14.3.2",
    "crates/web/src/middleware/security_headers.rs", "add",
    "Somebody sits down at the computer after the victim and presses Back.",
    &[Has("cache-control", "no-store")], cached;
}

/// The owner's browser, with a look at the account page that has to succeed.
async fn victim(stage: &mut Stage) -> Outcome<Browser> {
    let mut browser = stage.owner().await?.keeper();
    stage.control(&mut browser, "The victim is signed in", stage.get("/account")?, 200).await?;
    Ok(browser)
}

async fn posted_by_another(stage: &mut Stage, path: &str, fields: &[(&str, &str)]) -> Outcome {
    let mut browser = victim(stage).await?;
    let form = stage.foreign_form(path, fields)?;
    stage.attack(&mut browser, "The form on the thief’s page", form).await?;
    stage.attack(&mut browser, "The victim’s account afterwards", stage.get("/account")?).await?;
    Ok(())
}

async fn sign_out(stage: &mut Stage) -> Outcome {
    posted_by_another(stage, "/sign-out", &[]).await
}

async fn delete_account(stage: &mut Stage) -> Outcome {
    posted_by_another(stage, "/account/delete", &[("confirm", "delete")]).await
}

async fn password(stage: &mut Stage) -> Outcome {
    let current = stage.owner().await?.password;
    let fields = [("current", &*current), ("new", "what the thief knows as well")];
    posted_by_another(stage, "/account/password", &fields).await
}

async fn link(stage: &mut Stage) -> Outcome {
    posted_by_another(stage, "/account/link/google", &[]).await
}

async fn connection(stage: &mut Stage) -> Outcome {
    posted_by_another(stage, "/connections/google", &[("scope", "calendar")]).await
}

async fn sign_in(stage: &mut Stage) -> Outcome {
    let thief = stage.thief().await?;
    let fields = [("email", &*thief.email), ("password", &*thief.password)];
    let mut victim = stage.browser();
    let form = stage.foreign_form("/sign-in", &fields)?;
    stage.attack(&mut victim, "The form on the thief’s page", form).await?;
    stage.attack(&mut victim, "Is the victim signed in?", stage.get("/account")?).await?;
    let own = stage.form("/sign-in", &fields)?;
    stage.control(&mut victim, "The form on our page", own, 303).await?;
    Ok(())
}

const CONTACT: &str = r#"{"name":"Put there by the thief"}"#;

fn contact(stage: &Stage, kind: &str) -> Outcome<Call> {
    let call = Call::new(Method::POST, stage.url("/api/v1/contacts")?);
    Ok(Call { body: CONTACT.into(), ..call }.with("content-type", kind))
}

async fn api_as_text(stage: &mut Stage) -> Outcome {
    let mut browser = victim(stage).await?;
    for kind in ["text/plain", "application/json"] {
        let call = contact(stage, kind)?.with("sec-fetch-site", "cross-site");
        let call = call.with("origin", "https://evil.test");
        stage.attack(&mut browser, "JSON from the thief’s page", call).await?;
    }
    Ok(())
}

async fn api_type(stage: &mut Stage) -> Outcome {
    let mut browser = victim(stage).await?;
    let call = contact(stage, "text/plain")?.with("sec-fetch-site", "same-origin");
    stage.attack(&mut browser, "JSON as text", call).await?;
    let call = contact(stage, "application/json")?.with("sec-fetch-site", "same-origin");
    stage.control(&mut browser, "JSON as JSON", call, 201).await?;
    Ok(())
}

async fn old_browser(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let mut browser = stage.signed_in(&owner, "session").await?;
    let mut neighbour = stage.url("/")?;
    // There is always another port; which one does not matter.
    let port = if neighbour.port() == Some(3001) { 3002 } else { 3001 };
    let moved = neighbour.set_port(Some(port)).is_ok();
    let neighbour = neighbour.origin().ascii_serialization();
    let origins = ["https://evil.test", "null", &neighbour];
    for origin in origins.into_iter().take(if moved { 3 } else { 2 }) {
        let mut call = stage.form("/sign-out", &[])?;
        call.headers.retain(|(name, _)| name != "sec-fetch-site" && name != "origin");
        stage
            .attack(&mut browser, "Sign-out, with Origin alone", call.with("origin", origin))
            .await?;
    }
    let mut own = stage.form("/sign-out", &[])?;
    own.headers.retain(|(name, _)| name != "sec-fetch-site");
    stage.control(&mut browser, "With our own Origin", own, 303).await?;
    Ok(())
}

async fn sign_out_by_link(stage: &mut Stage) -> Outcome {
    let mut browser = victim(stage).await?;
    let call = Call::new(Method::GET, stage.url("/sign-out")?).with("sec-fetch-site", "cross-site");
    stage.attack(&mut browser, "An image on the thief’s page", call).await?;
    stage.attack(&mut browser, "The victim’s account afterwards", stage.get("/account")?).await?;
    Ok(())
}

async fn cors(stage: &mut Stage) -> Outcome {
    let mut browser = victim(stage).await?;
    let me = stage.url("/api/v1/me")?;
    let ask = |method| {
        Call::new(method, me.clone())
            .with("sec-fetch-site", "cross-site")
            .with("origin", "https://evil.test")
    };
    stage.attack(&mut browser, "The thief’s script asks", ask(Method::GET)).await?;
    let preflight = ask(Method::OPTIONS).with("access-control-request-method", "GET");
    stage.attack(&mut browser, "The preflight", preflight).await?;
    Ok(())
}

async fn clickjacking(stage: &mut Stage) -> Outcome {
    let mut browser = victim(stage).await?;
    stage.attack(&mut browser, "The page in a frame", stage.get("/account")?).await?;
    Ok(())
}

async fn cached(stage: &mut Stage) -> Outcome {
    let mut browser = victim(stage).await?;
    stage.attack(&mut browser, "What may be kept?", stage.get("/account")?).await?;
    Ok(())
}
