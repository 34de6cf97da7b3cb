//! More than one may do, by somebody who is signed in.

use http::Method;
use serde_json::{Value, json};

use super::attacks;
use super::forge::Jwt;
use super::judge::Expect::{Code, Still};
use super::stage::{Browser, NotRun, Outcome, Stage, member};
use crate::Call;

attacks! { Rights:
    "scope_exceeded", "More than the scope", "RFC 6750 §3.1",
    "crates/web/src/caller/mod.rs", "may",
    "A program that may read the calendar helps itself to the contacts.",
    &[Code(403, "insufficient_scope")], scope_exceeded;

    "scope_widened", "A wider scope at the refresh", "RFC 6749 §6",
    "crates/auth/src/refresh.rs", "next_pair",
    "A program that may read the calendar asks for everything when it renews its token.",
    &[Still("\"scope\":\"calendar:read\""), Code(403, "insufficient_scope")], scope_widened;

    "scope_made_up", "A scope that is made up", "RFC 6749 §3.3",
    "crates/web/src/api/token.rs", "wanted",
    "A scope that nobody knows must not be taken for all of them.",
    &[Code(400, "invalid_scope")], scope_made_up;

    "role_missing", "The administrator’s list", "OWASP ASVS V8.2.1",
    "crates/web/src/caller/mod.rs", "is",
    "Somebody without the role opens the list of all people.",
    &[Code(403, "role_required")], role_missing;

    "contact_of_another", "Somebody else’s contact", "OWASP ASVS V8.2.2, API1:2023",
    "crates/web/src/api/contacts.rs", "no_such_contact",
    "The thief knows the number of a contact of the victim’s, and reads it, rewrites it and deletes it with a token of their own.",
    &[Code(404, "not_found"), Code(404, "not_found"), Code(404, "not_found"), Still("Aunt Agatha")], contact_of_another;

    "sign_in_of_another", "Somebody else’s sign-in", "OWASP ASVS V8.2.2",
    "crates/web/src/api/sessions.rs", "end_one",
    "The thief ends a sign-in of the victim’s by its number.",
    &[Code(404, "not_found"), Still("Olive Owner")], sign_in_of_another;

    "trace_of_another", "Somebody else’s recorded sign-in", "OWASP ASVS V8.2.2",
    "crates/demo/src/traces/pages.rs", "find",
    "The thief knows the number of the record of the victim’s sign-in, and opens it to read what went over the wire.",
    &[Code(404, "not_found"), Code(401, "sign_in_required")], trace_of_another;

    "contact_planted", "A contact for somebody else", "OWASP ASVS V8.2.3, API3:2023",
    "crates/web/src/api/contacts.rs", "create",
    "The thief adds a contact and writes into the body whose it is to be. What the body says of its owner is not read.",
    &[Code(404, "not_found")], contact_planted;
}

async fn scope_exceeded(stage: &mut Stage) -> Outcome {
    let thief = stage.thief().await?;
    let token = stage.tokens(&thief, "calendar:read").await?.access;
    let mut program = stage.thiefs_browser();
    let call = stage.api(Method::GET, "/api/v1/calendar/events", &token)?;
    stage.control(&mut program, "What the scope allows", call, 200).await?;
    for path in ["/api/v1/contacts", "/api/v1/me"] {
        let call = stage.api(Method::GET, path, &token)?;
        stage.attack(&mut program, "What it does not", call).await?;
    }
    Ok(())
}

async fn scope_widened(stage: &mut Stage) -> Outcome {
    let thief = stage.thief().await?;
    let tokens = stage.tokens(&thief, "calendar:read").await?;
    let mut program = stage.thiefs_browser();
    let scope = "profile calendar:read contacts:read contacts:write";
    let body = json!({ "refresh_token": tokens.refresh, "scope": scope }).to_string();
    let call = Call::json(Method::POST, stage.url("/api/v1/token/refresh")?, &body);
    let answer = stage.attack(&mut program, "Renewed, with a wider scope", call).await?;
    let token = member(&answer, "access_token")?;
    let call = stage.api(Method::GET, "/api/v1/contacts", &token)?;
    stage.attack(&mut program, "The new token on the contacts", call).await?;
    Ok(())
}

async fn scope_made_up(stage: &mut Stage) -> Outcome {
    let thief = stage.thief().await?;
    let mut program = stage.thiefs_browser();
    for scope in ["everything", "profile admin", ""] {
        let body = json!({ "email": thief.email, "password": thief.password, "scope": scope });
        let url = stage.url("/api/v1/token")?;
        let call = Call::json(Method::POST, url, &body.to_string());
        stage.attack(&mut program, "A token for what nobody knows", call).await?;
    }
    Ok(())
}

async fn role_missing(stage: &mut Stage) -> Outcome {
    let thief = stage.thief().await?;
    let token = stage.access_token(&thief).await?;
    let mut program = stage.thiefs_browser();
    let call = stage.api(Method::GET, "/api/v1/me", &token)?;
    stage.control(&mut program, "What everybody may", call, 200).await?;
    let call = stage.api(Method::GET, "/api/v1/admin/users", &token)?;
    stage.attack(&mut program, "What administrators may", call).await?;
    Ok(())
}

/// A contact of the owner's: where it is, and a program that may see it.
async fn contact(stage: &mut Stage) -> Outcome<(String, Browser, String)> {
    let owner = stage.owner().await?;
    let token = stage.access_token(&owner).await?;
    let mut program = stage.browser();
    let url = stage.url("/api/v1/contacts")?;
    let call = Call::json(Method::POST, url, r#"{"name":"Aunt Agatha"}"#).bearer(&token);
    let made = stage.control(&mut program, "The victim adds a contact", call, 201).await?;
    let place = made.header("location").map(str::to_owned);
    let place = place.ok_or_else(|| NotRun::because("The contact has no address."))?;
    Ok((place, program, token))
}

async fn contact_of_another(stage: &mut Stage) -> Outcome {
    let (place, mut owners, token) = contact(stage).await?;
    let thief = stage.thief().await?;
    let thiefs = stage.access_token(&thief).await?;
    let mut program = stage.thiefs_browser();
    for (note, method) in
        [("Read it", Method::GET), ("Rewrite it", Method::PUT), ("Delete it", Method::DELETE)]
    {
        let body = if method == Method::PUT { r#"{"name":"Rewritten"}"# } else { "" };
        let call = Call::json(method, stage.url(&place)?, body).bearer(&thiefs);
        stage.attack(&mut program, note, call).await?;
    }
    let call = stage.api(Method::GET, &place, &token)?;
    stage.attack(&mut owners, "The victim’s contact afterwards", call).await?;
    Ok(())
}

async fn contact_planted(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let owners = stage.access_token(&owner).await?;
    let sub = Jwt::read(&owners)?.claims["sub"].as_str().unwrap_or_default().to_owned();
    let thief = stage.thief().await?;
    let thiefs = stage.access_token(&thief).await?;
    let mut program = stage.thiefs_browser();
    let body = json!({ "name": "Planted", "user_id": sub, "owner": sub }).to_string();
    let url = stage.url("/api/v1/contacts")?;
    let call = Call::json(Method::POST, url, &body).bearer(&thiefs);
    let made = stage.quietly(&mut program, call).await?;
    let place = made.header("location").map(str::to_owned);
    let place = place.ok_or_else(|| NotRun::because("The contact has no address."))?;
    let call = stage.api(Method::GET, &place, &thiefs)?;
    stage.control(&mut program, "It is the thief’s own", call, 200).await?;
    let call = stage.api(Method::GET, &place, &owners)?;
    stage.attack(&mut stage.browser(), "Is it among the victim’s?", call).await?;
    Ok(())
}

async fn sign_in_of_another(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let mut browser = owner.keeper();
    let call = stage.get("/api/v1/sessions")?;
    let listed = stage.control(&mut browser, "The victim’s sign-ins", call, 200).await?;
    let listed: Value = serde_json::from_slice(&listed.body).unwrap_or_default();
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    let current = items.iter().find(|one| one["current"] == true).or(items.first());
    let id = current.and_then(|one| one["id"].as_str()).map(str::to_owned);
    let id = id.ok_or_else(|| NotRun::because("No sign-in is listed."))?;
    let thief = stage.thief().await?;
    let token = stage.access_token(&thief).await?;
    let mut program = stage.thiefs_browser();
    let call = stage.api(Method::DELETE, &format!("/api/v1/sessions/{id}"), &token)?;
    stage.attack(&mut program, "The thief ends it", call).await?;
    stage.attack(&mut browser, "The victim afterwards", stage.get("/account")?).await?;
    Ok(())
}

async fn trace_of_another(stage: &mut Stage) -> Outcome {
    let (owner, own) = (stage.owner().await?, stage.thief().await?);
    let mut victim = stage.browser();
    let fields = [("email", &*owner.email), ("password", &*owner.password)];
    let form = stage.form("/sign-in", &fields)?;
    let signed_in = stage.quietly(&mut victim, form).await?;
    let trace = signed_in.header("x-latchkey-trace").map(str::to_owned);
    let trace = trace.ok_or_else(|| NotRun::because("Sign-ins are not recorded here: TRACES."))?;
    let path = format!("/traces/{trace}/har");
    stage.control(&mut victim, "The victim’s own", stage.get(&path)?, 200).await?;
    let mut thief = own.keeper();
    stage.attack(&mut thief, "The thief opens it", stage.get(&path)?).await?;
    stage.attack(&mut stage.browser(), "So does a stranger", stage.get(&path)?).await?;
    Ok(())
}
