//! Getting into an account, or finding out that it exists.

use super::context::EphemeralUser;
use super::prelude::*;
use super::timing::{ADDRESS, timed};

/// More than the limit for an account, and fewer than the one for an address.
const GUESSES: usize = 13;

attacks! { Accounts:
    "brute_force", "Guessing a password", "OWASP ASVS V6.3.1, RFC 6585 §4",
        check("crates/axum/src/limits.rs", "record_failure"),
        &[Limited], brute_force();
    "enumeration_sign_in", "Does the account exist? At sign-in", "OWASP ASVS V6.3.8",
        check("crates/axum/src/password.rs", "authenticate"),
        &[Code(401, "wrong_credentials"), Alike], send(&[
            attack("An address with an account", form("/sign-in", &[("email", "{{owner.email}}"), WRONG])),
            attack("One without", form("/sign-in", &[("email", "{{new_email}}"), WRONG])),
        ]);
    "enumeration_sign_up", "Does the account exist? At sign-up", "OWASP ASVS V6.3.8",
        check("crates/axum/src/routes/password.rs", "sign_up"),
        &[Lands("/sign-in?welcome=1&next=%2Faccount"), Alike], send(&[
            attack("An address that is free", form("/sign-up", &[
                ("name", "Theo Thief"), ("email", "{{new_email}}"), ("password", "{{random}}")])),
            attack("One that is taken", form("/sign-up", &[
                ("name", "Theo Thief"), ("email", "{{owner.email}}"), ("password", "{{random}}")])),
        ]);
    "enumeration_forgot", "Does the account exist? At password reset", "OWASP ASVS V6.3.8",
        check("crates/web/src/pages/recovery.rs", "forgot"),
        &[Still("If that address has an account"), Alike], send(&[
            attack("An address with an account", form("/forgot", &[("email", "{{owner.email}}")])),
            attack("One without", form("/forgot", &[("email", "{{new_email}}")])),
        ]);
    "timing_sign_in", "Does the account exist? By the clock, at sign-in", "OWASP ASVS V6.3.8",
        check("crates/axum/src/password.rs", "authenticate"),
        &[AsFast], timed("/sign-in", &[("email", ADDRESS), WRONG]);
    "timing_sign_up", "Does the account exist? By the clock, at sign-up", "OWASP ASVS V6.3.8",
        check("crates/axum/src/password.rs", "sign_up"),
        &[AsFast], timed("/sign-up", &[
            ("name", "Theo Thief"), ("email", ADDRESS), ("password", "a lantern under the stairs")]);
    "timing_forgot", "Does the account exist? By the clock, at password reset", "OWASP ASVS V6.3.8",
        check("crates/web/src/recovery.rs", "forgot"),
        &[AsFast], timed("/forgot", &[("email", ADDRESS)]);
    "pre_hijacking", "An account before the victim’s", "Pre-hijacked accounts (Sudhodanan, Paverd 2022)",
        check("crates/domain/src/identity.rs", "resolve_account"),
        &[Still("\"email_verified\":false")], pre_hijacking();
    "email_twin", "Another identity with the same address", "OpenID Connect Core §5.7",
        check("crates/auth/src/accounts.rs", "find_or_create"),
        &[Code(409, "email_taken"), Code(401, "sign_in_required")], email_twin();
    "link_by_callback", "The thief’s identity as a way in", "RFC 9700 §4.7",
        check("crates/auth/src/oauth/attempt.rs", "validate"),
        &[Code(400, "attempt_other_browser")], link_by_callback();
    "sql_in_email", "SQL in the address", "OWASP ASVS V1.2.4",
        check("crates/store/src/passwords.rs", "by_email"),
        &[Code(401, "wrong_credentials")], send(&[
            attack("SQL for an address",
                form("/sign-in", &[("email", "{{each}}"), ("password", "' OR '1'='1")]))
                .each(&["{{owner.email}}' OR '1'='1' --", "' OR 1=1 --"]),
        ]);
    "weak_password", "A common password", "OWASP ASVS V6.2.4",
        check("crates/axum/src/routes/password.rs", "validate"),
        &[Code(422, "validation_failed")], send(&[
            attack("One of the first that are tried", form("/sign-up", &[
                ("name", "Vic"), ("email", "{{new_email}}"), ("password", "{{each}}")]))
                .by(Visitor).each(&["password", "12345678", "qwertyuiop"]),
        ]);
    "script_in_name", "A script for a name", "OWASP ASVS V3.2.2",
        check("crates/web/src/page.rs", "into_response"),
        &[Without("<img src=x"), Still("&#60;img src=x")], script_in_name();
}

const WRONG: (&str, &str) = ("password", "not the password of anybody");

async fn brute_force(context: &mut AttackContext) -> Result {
    let account = context.new_account("Greta Guessed", &new_email()?).await?;
    let sign_in = |password: &str| {
        context.form("/sign-in", &[("email", &account.email), ("password", password)])
    };
    let mut guesses = Vec::new();
    for guess in 0..GUESSES {
        guesses.push(sign_in(&format!("the guess number {guess}"))?);
    }
    let (one_more, right) = (sign_in("and one more")?, sign_in(&account.password)?);
    let mut thief = context.thiefs_browser();
    let mut judged = 0;
    for guess in guesses {
        if thief.agent.send(guess).await?.status.as_u16() == 429 {
            break;
        }
        judged += 1;
    }
    let note = format!("After {judged} wrong passwords, one more");
    context.attack(&mut thief, &note, one_more).await?;
    context.attack(&mut thief, "And the right one", right).await?;
    Ok(())
}

async fn pre_hijacking(context: &mut AttackContext) -> Result {
    context.provider()?;
    let victim = EphemeralUser::new(new_email()?)?;
    // The thief types the victim's address, and is in.
    let mut thief = context.new_account("Theo Thief", &victim.email).await?.browser;
    let mut browser = context.browser();
    let authorize = context.authorization_url(&mut browser, "/auth/google").await?;
    let callback = open_callback(context.consent(&authorize, &victim, "none").await?);
    let note = "The victim signs in with Google, which has verified the address";
    context.control(&mut browser, note, callback, 303).await?;
    let call = context.get("/api/v1/me")?;
    let note = "What the thief’s password opens";
    context.attack(&mut thief, note, call).await?;
    Ok(())
}

async fn email_twin(context: &mut AttackContext) -> Result {
    let victim = context.ephemeral_user().await?;
    let mut browser = context.browser();
    let callback = open_callback(context.callback(&mut browser, "none").await?);
    context.control(&mut browser, "The victim signs in", callback, 303).await?;
    let twin = EphemeralUser::new(victim.email)?;
    let mut thief = context.thiefs_browser();
    let authorize = context.authorization_url(&mut thief, "/auth/google").await?;
    let callback = open_callback(context.consent(&authorize, &twin, "none").await?);
    context.attack(&mut thief, "The twin comes back from Google", callback).await?;
    context.attack_account(&mut thief, "Is the thief signed in?").await
}

async fn link_by_callback(context: &mut AttackContext) -> Result {
    let (owner, own) = (context.owner().await?, context.thief().await?);
    let mut victim = context.signed_in(&owner).await?;
    let mut thief = context.thiefs_browser();
    context.sign_in(&mut thief, &own.email, &own.password).await?;
    let twin = EphemeralUser::new(new_email()?)?;
    let authorize = context.authorization_url(&mut thief, "/account/link/google").await?;
    let callback = open_callback(context.consent(&authorize, &twin, "none").await?);
    context.attack(&mut victim, "The victim opens it", callback.clone()).await?;
    context.control(&mut thief, "In the thief’s own browser", callback, 303).await?;
    Ok(())
}

async fn script_in_name(context: &mut AttackContext) -> Result {
    const NAME: &str = "<img src=x onerror=alert(1)>";
    let mut browser = context.new_account(NAME, &new_email()?).await?.browser;
    for note in ["A page that greets by name", "The name is there, as text"] {
        context.attack_account(&mut browser, note).await?;
    }
    Ok(())
}
