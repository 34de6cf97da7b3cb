//! Server sessions and the cookies that carry them.

use super::attacks;
use super::judge::Expect::{Code, Has};
use super::stage::{Browser, NotRun, Outcome, Stage, random};
use crate::Call;

const COOKIE: &str = "latchkey_session";

attacks! { Sessions:
    "session_fixation", "A session that the thief chose", "OWASP ASVS V7.2.4",
    "crates/auth/src/session.rs", "establish",
    "The thief plants a session of their own, or a made-up one, in the victim’s browser before the victim signs in, and then uses it.",
    &[Code(401, "sign_in_required")], fixation;

    "session_after_sign_out", "The cookie after signing out", "OWASP ASVS V7.4.1",
    "crates/web/src/sign_in.rs", "end_what_was_carried",
    "The thief copied the cookie. The victim signs out: it has to be over on the server, too.",
    &[Code(401, "sign_in_required")], after_sign_out;

    "session_after_sign_in", "The old cookie after a new sign-in", "OWASP ASVS V7.2.4",
    "crates/web/src/sign_in.rs", "end_what_was_carried",
    "The thief copied the cookie. The victim signs in again over it: only the new one may live.",
    &[Code(401, "sign_in_required")], after_sign_in;

    "session_ended_elsewhere", "The cookie after “end all others”", "OWASP ASVS V7.4.3",
    "crates/web/src/pages/account/sign_ins.rs", "end_others",
    "The victim suspects something and ends all other sign-ins. The thief’s copy is one of them.",
    &[Code(401, "sign_in_required")], ended_elsewhere;

    "session_guessed", "A session that is made up", "OWASP ASVS V7.2.3",
    "crates/store/src/sessions.rs", "load",
    "The thief tries numbers, the end of a real one cut off, SQL, and nonsense.",
    &[Code(401, "sign_in_required")], guessed;

    "session_stolen_by_script", "A script reads the cookie", "OWASP ASVS V3.3.4",
    "crates/web/src/routes.rs", "sessions",
    "A script that got onto a page takes the cookie along. A browser keeps HttpOnly cookies from scripts.",
    &[Has("set-cookie", "HttpOnly"), Has("set-cookie", "SameSite=Lax")], marks;

    "account_deleted", "The key of a deleted account", "OWASP ASVS V7.4.2",
    "crates/web/src/pages/account/delete.rs", "act",
    "The account is deleted. The thief still has a session cookie of it, and a JWT that has minutes to live.",
    &[Code(401, "sign_in_required"), Code(401, "token_revoked")], account_deleted;
}

fn session(stage: &Stage, who: &Browser) -> Outcome<String> {
    let cookie = who.agent.cookie(&stage.url("/")?, COOKIE).map(str::to_owned);
    cookie.ok_or_else(|| NotRun::because("There is no session cookie."))
}

/// A thief's browser that carries this cookie.
fn carrying(stage: &Stage, cookie: &str) -> Outcome<Browser> {
    let mut thief = stage.thiefs_browser();
    thief.agent.plant(&stage.url("/")?, COOKIE, cookie);
    Ok(thief)
}

/// The owner's browser, and a thief's with a copy of its session.
async fn copied(stage: &mut Stage) -> Outcome<(Browser, Browser)> {
    let owner = stage.owner().await?;
    let victim = stage.signed_in(&owner, "session").await?;
    let mut thief = carrying(stage, &session(stage, &victim)?)?;
    let call = stage.get("/account")?;
    stage.control(&mut thief, "The copy is good at first", call, 200).await?;
    Ok((victim, thief))
}

async fn fixation(stage: &mut Stage) -> Outcome {
    let (owner, own) = (stage.owner().await?, stage.thief().await?);
    let thiefs = stage.signed_in(&own, "session").await?;
    for (note, planted) in
        [("A made-up session", random()?), ("The thief’s own session", session(stage, &thiefs)?)]
    {
        let mut victim = carrying(stage, &planted)?;
        stage.sign_in(&mut victim, &owner.email, &owner.password, "session").await?;
        let call = stage.get("/account")?;
        stage.control(&mut victim, "The victim is signed in", call, 200).await?;
        let mut thief = carrying(stage, &planted)?;
        stage.attack(&mut thief, note, stage.get("/account")?).await?;
    }
    Ok(())
}

async fn after_sign_out(stage: &mut Stage) -> Outcome {
    let (mut victim, mut thief) = copied(stage).await?;
    let form = stage.form("/sign-out", &[])?;
    stage.control(&mut victim, "The victim signs out", form, 303).await?;
    stage.attack(&mut thief, "The copy afterwards", stage.get("/account")?).await?;
    Ok(())
}

async fn after_sign_in(stage: &mut Stage) -> Outcome {
    let (mut victim, mut thief) = copied(stage).await?;
    let owner = stage.owner().await?;
    let fields =
        [("email", &*owner.email), ("password", &*owner.password), ("strategy", "session")];
    let form = stage.form("/sign-in", &fields)?;
    stage.control(&mut victim, "The victim signs in again", form, 303).await?;
    stage.attack(&mut thief, "The copy afterwards", stage.get("/account")?).await?;
    Ok(())
}

async fn ended_elsewhere(stage: &mut Stage) -> Outcome {
    // An account of its own: the others of this run must not be signed out.
    let account = stage.account("Elsa Elsewhere", &super::people::address()?).await?;
    let stolen = stage.signed_in(&account, "session").await?;
    let mut thief = carrying(stage, &session(stage, &stolen)?)?;
    let call = stage.get("/account")?;
    stage.control(&mut thief, "The copy is good at first", call, 200).await?;
    let mut elsewhere = account.keeper();
    let form = stage.form("/account/sign-ins/end-others", &[])?;
    stage.control(&mut elsewhere, "The victim ends all others", form, 303).await?;
    stage.attack(&mut thief, "The copy afterwards", stage.get("/account")?).await?;
    Ok(())
}

async fn guessed(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let victim = stage.signed_in(&owner, "session").await?;
    let good = session(stage, &victim)?;
    let mut short = good.clone();
    short.pop();
    let call = stage.get("/account")?;
    stage.control(&mut carrying(stage, &good)?, "The session as it is", call, 200).await?;
    for guess in [&*short, "1", "AAAAAAAAAAAAAAAAAAAAAA", "' OR 1=1 --", &"x".repeat(8000)] {
        let mut thief = carrying(stage, guess)?;
        stage.attack(&mut thief, "A guess", stage.get("/account")?).await?;
    }
    Ok(())
}

async fn marks(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let fields =
        [("email", &*owner.email), ("password", &*owner.password), ("strategy", "session")];
    let mut browser = stage.browser();
    for note in ["The session cookie, for scripts", "and for other sites"] {
        let form = stage.form("/sign-in", &fields)?;
        stage.attack(&mut browser, note, form).await?;
    }
    Ok(())
}

async fn account_deleted(stage: &mut Stage) -> Outcome {
    let account = stage.account("Dora Deleted", &super::people::address()?).await?;
    let token = stage.access_token(&account).await?;
    let mut browser = account.keeper();
    let mut thief = carrying(stage, &session(stage, &browser)?)?;
    let me = stage.url("/api/v1/me")?;
    let shown = || Call::new(http::Method::GET, me.clone()).bearer(&token);
    let call = stage.get("/account")?;
    stage.control(&mut thief, "The copy is good at first", call, 200).await?;
    let mut program = stage.thiefs_browser();
    stage.control(&mut program, "The JWT too", shown(), 200).await?;
    stage.delete(&mut browser).await?;
    stage.attack(&mut thief, "The session afterwards", stage.get("/account")?).await?;
    stage.attack(&mut program, "The JWT afterwards", shown()).await?;
    Ok(())
}
