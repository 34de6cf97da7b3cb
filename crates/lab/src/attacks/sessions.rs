//! Server sessions and their cookies.

use http::Method;

use super::attack::{Check, attacks, check};
use super::context::{AttackContext, Browser, NotRun, Outcome, new_email, random};
use super::judge::Expect::{self, Code, Has};
use super::script::Client::Visitor;
use super::script::{AS_OWNER, Action, Request, Source, attack, control, form, get, prepare, send};
use crate::sign_in::{Credential, credential_cookie};

const PREVIOUS: Check = check("crates/axum/src/sign_in.rs", "revoke_previous_credentials");

const SIGNED_OUT: &[Expect] = &[Code(401, "sign_in_required")];

attacks! { Sessions:
    "session_fixation", "A session that the thief chose", "OWASP ASVS V7.2.4",
        check("crates/auth/src/session.rs", "create"),
        "The thief plants a session of their own, or a made-up one, in the victim’s browser before the victim signs in, and then uses it.",
        SIGNED_OUT, fixation();
    "session_after_sign_out", "The cookie after signing out", "OWASP ASVS V7.4.1", PREVIOUS,
        "The thief copied the cookie. The victim signs out: the session has to end on the server, too.",
        SIGNED_OUT, send(&[
            COPIED, GOOD_AT_FIRST,
            control("The victim signs out", form("/sign-out", &[]), 303).by(Visitor),
            COPY_AFTERWARDS,
        ]);
    "session_after_sign_in", "The old cookie after a new sign-in", "OWASP ASVS V7.2.4", PREVIOUS,
        "The thief copied the cookie. The victim signs in again: only the new session may work.",
        SIGNED_OUT, send(&[
            COPIED, GOOD_AT_FIRST,
            control("The victim signs in again", form("/sign-in", AS_OWNER), 303).by(Visitor),
            COPY_AFTERWARDS,
        ]);
    "session_ended_elsewhere", "The cookie after “end all others”", "OWASP ASVS V7.4.3",
        check("crates/web/src/pages/account/sign_ins.rs", "end_others"),
        "The victim suspects something and ends all other sign-ins. The thief’s copy is one of them.",
        SIGNED_OUT, ended_elsewhere();
    "session_guessed", "A guessed session", "OWASP ASVS V7.2.3",
        check("crates/store/src/sessions.rs", "find"),
        "The thief tries numbers, the end of a real one cut off, SQL, and nonsense.",
        SIGNED_OUT, guessed();
    "session_stolen_by_script", "A script reads the cookie", "OWASP ASVS V3.3.4",
        check("crates/axum/src/sign_in.rs", "session_layer"),
        "A script that got onto a page takes the cookie along. A browser keeps HttpOnly cookies from scripts.",
        &[Has("set-cookie", "HttpOnly"), Has("set-cookie", "SameSite=Lax")], send(&[
            attack("The session cookie, for scripts", form("/sign-in", AS_OWNER)).by(Visitor),
            attack("and for other sites", form("/sign-in", AS_OWNER)).by(Visitor),
        ]);
    "account_deleted", "The credentials of a deleted account", "OWASP ASVS V7.4.2",
        check("crates/web/src/pages/account/delete.rs", "submit"),
        "The account is deleted. The thief still has a session cookie of it, and a JWT that has minutes to live.",
        &[Code(401, "sign_in_required"), Code(401, "token_revoked")], account_deleted();
}

/// The victim signs in, and the thief copies the cookie.
const COPIED: Action = prepare(form("/sign-in", AS_OWNER), 303)
    .save(&[("session", Source::Cookie(Credential::Session))]);

const WITH_COPY: Request = get("/account").with(&[("cookie", "{{session_cookie}}={{session}}")]);

const GOOD_AT_FIRST: Action = control("The copy is good at first", WITH_COPY, 200);

const COPY_AFTERWARDS: Action = attack("The copy afterwards", WITH_COPY);

fn session(context: &AttackContext, browser: &Browser) -> Outcome<String> {
    let found = credential_cookie(&browser.agent, &context.target.app, Credential::Session);
    found.map(|(_, value)| value).map_err(|error| NotRun::because(error.to_string()))
}

async fn fixation(context: &mut AttackContext) -> Outcome {
    let (owner, thief) = (context.owner().await?, context.thief().await?);
    let own = session(context, &context.signed_in(&thief).await?)?;
    for (note, planted) in [("A made-up session", random()?), ("The thief’s own session", own)] {
        let mut victim = context.browser_with_session(&planted);
        context.sign_in(&mut victim, &owner.email, &owner.password).await?;
        let call = context.get("/account")?;
        context.control(&mut victim, "The victim is signed in", call, 200).await?;
        let mut thief = context.browser_with_session(&planted);
        context.attack_account(&mut thief, note).await?;
    }
    Ok(())
}

async fn ended_elsewhere(context: &mut AttackContext) -> Outcome {
    // An account of its own: the others of this run must not be signed out.
    let account = context.new_account("Elsa Elsewhere", &new_email()?).await?;
    let stolen = session(context, &context.signed_in(&account).await?)?;
    let mut thief = context.browser_with_session(&stolen);
    let call = context.get("/account")?;
    context.control(&mut thief, "The copy is good at first", call, 200).await?;
    let form = context.form("/account/sign-ins/end-others", &[])?;
    let mut victim = account.signed_in_browser();
    context.control(&mut victim, "The victim ends all others", form, 303).await?;
    context.attack_account(&mut thief, "The copy afterwards").await
}

async fn guessed(context: &mut AttackContext) -> Outcome {
    let owner = context.owner().await?;
    let good = session(context, &context.signed_in(&owner).await?)?;
    let call = context.get("/account")?;
    let mut whole = context.browser_with_session(&good);
    context.control(&mut whole, "The session as it is", call, 200).await?;
    let short = good.get(..good.len().saturating_sub(1)).unwrap_or_default();
    for guess in [short, "1", "AAAAAAAAAAAAAAAAAAAAAA", "' OR 1=1 --", &"x".repeat(8000)] {
        let mut thief = context.browser_with_session(guess);
        context.attack_account(&mut thief, "A guess").await?;
    }
    Ok(())
}

async fn account_deleted(context: &mut AttackContext) -> Outcome {
    let account = context.new_account("Dora Deleted", &new_email()?).await?;
    let token = context.access_token(&account).await?;
    let mut browser = account.signed_in_browser();
    let mut thief = context.browser_with_session(&session(context, &browser)?);
    let call = context.get("/account")?;
    context.control(&mut thief, "The copy is good at first", call, 200).await?;
    let me = context.api(Method::GET, "/api/v1/me", &token)?;
    let mut program = context.thiefs_browser();
    context.control(&mut program, "The JWT too", me.clone(), 200).await?;
    context.delete_account(&mut browser).await?;
    context.attack_account(&mut thief, "The session afterwards").await?;
    context.attack(&mut program, "The JWT afterwards", me).await?;
    Ok(())
}
