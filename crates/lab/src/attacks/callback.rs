//! What comes back from a provider through the browser: written by whoever
//! made the link.

use url::Url;

use super::attacks;
use super::judge::Expect::{Code, Says, Without};
use super::people::come_back;
use super::stage::{Outcome, Stage};

attacks! { Callback:
    "state_missing", "No state", "RFC 9700 §4.7",
    "crates/auth/src/oauth/attempt.rs", "belongs",
    "A thief sends somebody a callback with a code of the thief’s own and no state, so that they work in the thief’s account without noticing.",
    &[Code(400, "attempt_unknown"), Code(401, "sign_in_required")], state_missing;

    "state_altered", "An altered state", "RFC 9700 §4.7",
    "crates/auth/src/oauth/attempt.rs", "sent",
    "A thief makes up a state, or changes a character of one, and hopes that only its length is looked at.",
    &[Code(400, "attempt_unknown"), Code(401, "sign_in_required")], state_altered;

    "state_truncated", "A state cut short", "RFC 9700 §4.7",
    "crates/auth/src/oauth/attempt.rs", "sent",
    "Some programs compare as many characters as came. A thief sends one less.",
    &[Code(400, "attempt_unknown"), Code(401, "sign_in_required")], state_truncated;

    "login_csrf", "Somebody else’s callback", "RFC 9700 §4.7.1",
    "crates/auth/src/oauth/attempt.rs", "belongs",
    "A thief begins a sign-in, stops before the last redirect, and has the victim open it. The victim would be signed in as the thief.",
    &[Code(400, "attempt_other_browser"), Code(401, "sign_in_required")], login_csrf;

    "callback_replayed", "The same callback again", "RFC 6749 §10.5",
    "crates/web/src/used.rs", "take",
    "A thief finds the callback in a history or a log, and the cookie of the attempt besides, and opens it a second time.",
    &[Code(400, "attempt_used"), Code(401, "sign_in_required")], callback_replayed;

    "mix_up", "One provider’s answer at another’s callback", "RFC 9700 §4.4",
    "crates/auth/src/oauth/attempt.rs", "belongs",
    "A dishonest provider has the answer of an honest one delivered to its own callback, to get hold of the code.",
    &[Code(400, "attempt_unknown"), Code(401, "sign_in_required")], mix_up;

    "code_and_error", "A code and an error at once", "RFC 6749 §4.1.2.1",
    "crates/auth/src/oauth/response.rs", "judge",
    "An answer is either a code or an error. A thief sends both, and hopes that two parts of the program look at different ones.",
    &[Says(400, "provider_response_invalid", "a code and an error came together")], code_and_error;

    "code_twice", "Two codes", "RFC 6749 §3.1",
    "crates/auth/src/oauth/response.rs", "parse",
    "A thief adds a second code, of their own: one part of a program reads the first, another the last.",
    &[Says(400, "provider_response_invalid", "a parameter came twice")], code_twice;

    "state_twice", "Two states", "RFC 6749 §3.1",
    "crates/auth/src/oauth/attempt.rs", "belongs",
    "A thief adds a second state beside the right one, for programs that compare one and use the other.",
    &[Code(400, "attempt_unknown")], state_twice;

    "iss_wrong", "Another issuer’s name", "RFC 9207 §2.4",
    "crates/auth/src/oauth/response.rs", "judge",
    "The answer says that it comes from another provider than the one that was asked: the mark of a mix-up.",
    &[Says(400, "provider_response_invalid", "another issuer answered")], iss_wrong;

    "iss_missing", "The issuer’s name taken away", "RFC 9207 §2.4",
    "crates/auth/src/oauth/response.rs", "judge",
    "The provider promises to say its name in each answer. A thief takes it away, so that nobody notices who answered.",
    &[Says(400, "provider_response_invalid", "is missing")], iss_missing;

    "code_injected", "Somebody else’s code", "RFC 9700 §4.5, RFC 7636 §1",
    "crates/idp/src/protocol/pkce.rs", "is_met_by",
    "A thief has got hold of the victim’s code, and puts it into a callback of a sign-in of their own, with a good state.",
    &[Code(400, "code_refused"), Code(401, "sign_in_required")], code_injected;

    "attempt_cookie_swapped", "Another attempt’s cookie", "RFC 9700 §4.7, RFC 6265 §8.6",
    "crates/auth/src/oauth/attempt.rs", "open",
    "A thief who can set cookies from a neighbouring host puts the cookie of an attempt of their own under the name of the victim’s.",
    &[Code(400, "attempt_cookie_missing"), Code(401, "sign_in_required")], cookie_swapped;

    "error_with_script", "A script in the error", "RFC 6749 §4.1.2.1, OWASP ASVS V3.2.2",
    "crates/auth/src/oauth/response.rs", "known",
    "What a callback says in error_description was written by whoever made the link. A thief writes a script there.",
    &[Says(502, "provider_refused", "an error that is in no standard"), Without("<script>alert")], error_with_script;
}

/// Changes the query of a callback.
pub(super) fn altered(
    callback: &Url,
    change: impl Fn(&str, &str) -> Option<String>,
    more: &[(&str, &str)],
) -> Url {
    let kept: Vec<(String, String)> = callback
        .query_pairs()
        .filter_map(|(name, value)| Some((name.to_string(), change(&name, &value)?)))
        .collect();
    let mut altered = callback.clone();
    altered.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(more);
    altered
}

fn without(left_out: &'static str) -> impl Fn(&str, &str) -> Option<String> {
    move |name, value| (name != left_out).then(|| value.to_owned())
}

fn unchanged(_: &str, value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn state(change: impl Fn(&str) -> String) -> impl Fn(&str, &str) -> Option<String> {
    move |name, value| Some(if name == "state" { change(value) } else { value.to_owned() })
}

/// Opens an altered callback, looks whether anybody is signed in, and then opens
/// the one that the provider sent: it has to be good.
async fn with_state(stage: &mut Stage, change: impl Fn(&str, &str) -> Option<String>) -> Outcome {
    let mut browser = stage.browser();
    let callback = stage.waiting(&mut browser, "none").await?;
    let forged = altered(&callback, change, &[]);
    stage.attack(&mut browser, "The altered callback", come_back(forged)).await?;
    stage.attack(&mut browser, "Is anybody signed in?", stage.get("/account")?).await?;
    stage.control(&mut browser, "The callback as it was sent", come_back(callback), 303).await?;
    Ok(())
}

async fn state_missing(stage: &mut Stage) -> Outcome {
    with_state(stage, without("state")).await
}

async fn state_altered(stage: &mut Stage) -> Outcome {
    with_state(
        stage,
        state(|state| {
            let first = if state.starts_with('A') { 'B' } else { 'A' };
            format!("{first}{}", state.get(1..).unwrap_or_default())
        }),
    )
    .await
}

async fn state_truncated(stage: &mut Stage) -> Outcome {
    with_state(
        stage,
        state(|state| {
            let mut short = state.to_owned();
            short.pop();
            short
        }),
    )
    .await
}

async fn login_csrf(stage: &mut Stage) -> Outcome {
    let (mut thief, mut victim) = (stage.thiefs_browser(), stage.browser());
    let callback = stage.waiting(&mut thief, "none").await?;
    let opened = come_back(callback.clone());
    stage.attack(&mut victim, "The victim opens the thief’s callback", opened).await?;
    stage.attack(&mut victim, "Is the victim signed in?", stage.get("/account")?).await?;
    stage.control(&mut thief, "Where it began, it is good", come_back(callback), 303).await?;
    Ok(())
}

async fn callback_replayed(stage: &mut Stage) -> Outcome {
    let mut browser = stage.browser();
    let callback = stage.waiting(&mut browser, "none").await?;
    let mut thief = browser.twin();
    let opened = come_back(callback.clone());
    stage.control(&mut browser, "The first time", opened, 303).await?;
    stage.attack(&mut thief, "The second time, with the cookie", come_back(callback)).await?;
    stage.attack(&mut thief, "Is the thief signed in?", stage.get("/account")?).await?;
    Ok(())
}

async fn mix_up(stage: &mut Stage) -> Outcome {
    let mut browser = stage.browser();
    let callback = stage.waiting(&mut browser, "none").await?;
    let mut other = callback.clone();
    other.set_path("/auth/github/callback");
    stage.attack(&mut browser, "Google’s answer at GitHub’s callback", come_back(other)).await?;
    stage.attack(&mut browser, "Is anybody signed in?", stage.get("/account")?).await?;
    stage.control(&mut browser, "At its own callback", come_back(callback), 303).await?;
    Ok(())
}

/// Opens an altered callback, and beside it a whole one of another attempt.
async fn with_query(
    stage: &mut Stage,
    change: impl Fn(&str, &str) -> Option<String>,
    more: &[(&str, &str)],
) -> Outcome {
    let mut browser = stage.browser();
    let callback = stage.waiting(&mut browser, "none").await?;
    let forged = altered(&callback, change, more);
    stage.attack(&mut browser, "The altered callback", come_back(forged)).await?;
    let good = stage.waiting(&mut browser, "none").await?;
    stage.control(&mut browser, "A callback as it was sent", come_back(good), 303).await?;
    Ok(())
}

async fn code_and_error(stage: &mut Stage) -> Outcome {
    with_query(stage, unchanged, &[("error", "access_denied")]).await
}

async fn code_twice(stage: &mut Stage) -> Outcome {
    with_query(stage, unchanged, &[("code", "the-thiefs-own")]).await
}

async fn state_twice(stage: &mut Stage) -> Outcome {
    with_query(stage, unchanged, &[("state", "the-thiefs-own")]).await
}

async fn iss_missing(stage: &mut Stage) -> Outcome {
    with_query(stage, without("iss"), &[]).await
}

async fn iss_wrong(stage: &mut Stage) -> Outcome {
    let mut browser = stage.browser();
    let forged = stage.waiting(&mut browser, "wrong_response_iss").await?;
    stage.attack(&mut browser, "The answer with another issuer", come_back(forged)).await?;
    let good = stage.waiting(&mut browser, "none").await?;
    stage.control(&mut browser, "The same from the right one", come_back(good), 303).await?;
    Ok(())
}

async fn code_injected(stage: &mut Stage) -> Outcome {
    let (mut victim, mut thief) = (stage.browser(), stage.thiefs_browser());
    let victims = stage.waiting(&mut victim, "none").await?;
    let stolen = victims.query_pairs().find(|(name, _)| name == "code");
    let stolen = stolen.map(|(_, code)| code.into_owned()).unwrap_or_default();
    let own = stage.waiting(&mut thief, "none").await?;
    let forged = altered(
        &own,
        |name, value| Some(if name == "code" { stolen.clone() } else { value.to_owned() }),
        &[],
    );
    let forged = come_back(forged);
    stage.attack(&mut thief, "The thief’s callback with the stolen code", forged).await?;
    stage.attack(&mut thief, "Is the thief signed in?", stage.get("/account")?).await?;
    Ok(())
}

async fn cookie_swapped(stage: &mut Stage) -> Outcome {
    const PREFIX: &str = "latchkey_attempt_";
    let (mut thief, mut victim) = (stage.browser(), stage.browser());
    stage.waiting(&mut thief, "none").await?;
    let victims = stage.waiting(&mut victim, "none").await?;
    let app = stage.url("/")?;
    let attempt = |who: &super::stage::Browser| {
        let carried = who.agent.cookies_for(&app).unwrap_or_default();
        let found = carried.split("; ").find(|cookie| cookie.starts_with(PREFIX));
        let pair = found.and_then(|cookie| cookie.split_once('='));
        pair.map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap_or_default()
    };
    let ((_, planted), (name, own)) = (attempt(&thief), attempt(&victim));
    victim.agent.plant(&app, &name, &planted);
    let opened = come_back(victims.clone());
    stage.attack(&mut victim, "With the thief’s cookie under the name", opened).await?;
    stage.attack(&mut victim, "Is anybody signed in?", stage.get("/account")?).await?;
    victim.agent.plant(&app, &name, &own);
    stage.control(&mut victim, "With the right cookie", come_back(victims), 303).await?;
    Ok(())
}

async fn error_with_script(stage: &mut Stage) -> Outcome {
    const SCRIPT: &str = "<script>alert(1)</script>";
    let mut browser = stage.browser();
    let callback = stage.waiting(&mut browser, "none").await?;
    let more = [("error", SCRIPT), ("error_description", SCRIPT), ("error_uri", SCRIPT)];
    let forged = come_back(altered(&callback, without("code"), &more));
    stage.attack(&mut browser, "An answer with a script for an error", forged.clone()).await?;
    stage.attack(&mut browser, "And once more", forged).await?;
    Ok(())
}
