//! Taking over an account, or finding out that it exists.

use super::prelude::*;
use super::timing::{ADDRESS, timed};

/// Above the limit for an account, below the one for a client address.
const GUESSES: usize = 13;

attacks! { Accounts:
    "brute_force", "Password guessing", "OWASP ASVS V6.3.1, RFC 6585 §4",
        check("crates/axum/src/limits.rs", "record_failure"),
        &[RateLimited], brute_force();
    "enumeration_sign_in", "Account enumeration at sign-in", "OWASP ASVS V6.3.8",
        check("crates/axum/src/password.rs", "authenticate"),
        &[Code(401, "wrong_credentials"), SameAsFirst], send(&[
            attack("An address with an account", form("/sign-in", &[("email", "{{owner.email}}"), WRONG])),
            attack("An address without an account", form("/sign-in", &[("email", "{{new_email}}"), WRONG])),
        ]);
    "enumeration_sign_up", "Account enumeration at sign-up", "OWASP ASVS V6.3.8",
        check("crates/axum/src/routes/password.rs", "sign_up"),
        &[RedirectsTo("/sign-in?welcome=1&next=%2Faccount"), SameAsFirst], send(&[
            attack("An address without an account", form("/sign-up", &[
                ("name", "Theo Thief"), ("email", "{{new_email}}"), ("password", "{{random}}")])),
            attack("An address with an account", form("/sign-up", &[
                ("name", "Theo Thief"), ("email", "{{owner.email}}"), ("password", "{{random}}")])),
        ]);
    "enumeration_forgot", "Account enumeration at password reset", "OWASP ASVS V6.3.8",
        check("crates/web/src/pages/recovery.rs", "forgot"),
        &[StillShows("If that address has an account"), SameAsFirst], send(&[
            attack("An address with an account", form("/forgot", &[("email", "{{owner.email}}")])),
            attack("An address without an account", form("/forgot", &[("email", "{{new_email}}")])),
        ]);
    "timing_sign_in", "Account enumeration by timing at sign-in", "OWASP ASVS V6.3.8",
        check("crates/axum/src/password.rs", "authenticate"),
        &[SameTiming], timed("/sign-in", &[("email", ADDRESS), WRONG]);
    "timing_sign_up", "Account enumeration by timing at sign-up", "OWASP ASVS V6.3.8",
        check("crates/axum/src/password.rs", "sign_up"),
        &[SameTiming], timed("/sign-up", &[
            ("name", "Theo Thief"), ("email", ADDRESS), ("password", "a lantern under the stairs")]);
    "timing_forgot", "Account enumeration by timing at password reset", "OWASP ASVS V6.3.8",
        check("crates/web/src/recovery.rs", "forgot"),
        &[SameTiming], timed("/forgot", &[("email", ADDRESS)]);
    "pre_hijacking", "Pre-hijacked account", "Pre-hijacked accounts (Sudhodanan, Paverd 2022)",
        check("crates/domain/src/identity.rs", "resolve_account"),
        &[StillShows("\"email_verified\":false")], send(&[
            // The thief signs up with the victim’s address.
            begin("none", "").at_provider("{{newcomer.email}}"),
            control("The victim signs in with Google, which has verified the address",
                open("{{callback}}"), 303).by(Visitor),
            attack("What the thief’s account shows", get("/api/v1/me")).by(Newcomer),
        ]);
    "email_twin", "Second identity with the same address", "OpenID Connect Core §5.7",
        check("crates/auth/src/accounts.rs", "find_or_create"),
        &[Code(409, "email_taken"), Code(401, "sign_in_required")], send(&[
            begin("none", ""),
            control("The victim signs in", open("{{callback}}"), 303).by(Visitor),
            begin("none", "").at_provider("{{provider_email}}").by(Thief),
            attack("The thief’s callback from Google", open("{{callback}}")),
            attack("Is the thief signed in?", get("/account")),
        ]);
    "link_by_callback", "Thief’s identity linked through a callback", "RFC 9700 §4.7",
        check("crates/auth/src/oauth/attempt.rs", "validate"),
        &[Code(400, "attempt_other_browser")], send(&[
            prepare(form("/sign-in", AS_THIEF), 303).by(Thief),
            begin("none", "").at_provider("{{new_email}}").from("/account/link/google").by(Thief),
            attack("The victim opens the thief’s callback", open("{{callback}}")).by(Owner),
            control("In the thief’s own browser", open("{{callback}}"), 303),
        ]);
    "sql_in_email", "SQL injection in the e-mail address", "OWASP ASVS V1.2.4",
        check("crates/store/src/passwords.rs", "by_email"),
        &[Code(401, "wrong_credentials")], send(&[
            attack("SQL instead of an address",
                form("/sign-in", &[("email", "{{each}}"), ("password", "' OR '1'='1")]))
                .each(&["{{owner.email}}' OR '1'='1' --", "' OR 1=1 --"]),
        ]);
    "weak_password", "Common password", "OWASP ASVS V6.2.4",
        check("crates/axum/src/routes/password.rs", "validate"),
        &[Code(422, "validation_failed")], send(&[
            attack("A common password", form("/sign-up", &[
                ("name", "Vic"), ("email", "{{new_email}}"), ("password", "{{each}}")]))
                .by(Visitor).each(&["password", "12345678", "qwertyuiop"]),
        ]);
    "script_in_name", "Script as a user name", "OWASP ASVS V3.2.2",
        check("crates/web/src/page.rs", "into_response"),
        &[LacksText("<img src=x"), StillShows("&#60;img src=x")], script_in_name();
}

const WRONG: (&str, &str) = ("password", "a wrong password");

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
    context.attack(&mut thief, "The correct password", right).await?;
    Ok(())
}

async fn script_in_name(context: &mut AttackContext) -> Result {
    const NAME: &str = "<img src=x onerror=alert(1)>";
    let mut browser = context.new_account(NAME, &new_email()?).await?.browser;
    for note in ["A page with the user’s name", "The name appears as text"] {
        context.attack_account(&mut browser, note).await?;
    }
    Ok(())
}
