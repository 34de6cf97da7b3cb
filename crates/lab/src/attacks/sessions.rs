//! Server sessions and their cookies.

use super::prelude::*;
use crate::sign_in::{Credential, credential_cookie};
use crate::token::random;

const PREVIOUS: Check = check("crates/axum/src/sign_in.rs", "revoke_previous_credentials");

const SIGNED_OUT: &[Expect] = &[Code(401, "sign_in_required")];

attacks! { Sessions:
    "session_fixation", "Session fixation", "OWASP ASVS V7.2.4",
        check("crates/auth/src/session.rs", "create"),
        SIGNED_OUT, fixation();
    "session_after_sign_out", "Session cookie after sign-out", "OWASP ASVS V7.4.1", PREVIOUS,
        SIGNED_OUT, send(&[
            COPIED, COPY_WORKS,
            control("The victim signs out", form("/sign-out", &[]), 303).by(Visitor),
            COPY_AFTERWARDS,
        ]);
    "session_after_sign_in", "Old session cookie after a new sign-in", "OWASP ASVS V7.2.4", PREVIOUS,
        SIGNED_OUT, send(&[
            COPIED, COPY_WORKS,
            control("The victim signs in again", form("/sign-in", AS_OWNER), 303).by(Visitor),
            COPY_AFTERWARDS,
        ]);
    "session_ended_elsewhere", "Session cookie after “Revoke all others”", "OWASP ASVS V7.4.3",
        check("crates/web/src/pages/account/forms.rs", "end_others"),
        SIGNED_OUT, send(&[
            NEWCOMER_COPIED, COPY_WORKS,
            control("The victim revokes all other sign-ins", form("/account/sign-ins/end-others", &[]), 303)
                .by(Newcomer),
            COPY_AFTERWARDS,
        ]);
    "session_guessed", "Guessed session id", "OWASP ASVS V7.2.3",
        check("crates/store/src/sessions.rs", "find"),
        SIGNED_OUT, send(&[
            COPIED, COPY_WORKS,
            attack("A guess", get("/account").with(&[("cookie", "{{session_cookie}}={{each}}")])).each(
                &["{{short_session}}", "1", "AAAAAAAAAAAAAAAAAAAAAA", "' OR 1=1 --", "{{long}}"]),
        ]);
    "session_stolen_by_script", "Script reads the session cookie", "OWASP ASVS V3.3.4",
        check("crates/axum/src/sign_in.rs", "session_layer"),
        &[HasHeader("set-cookie", "HttpOnly"), HasHeader("set-cookie", "SameSite=Lax")], send(&[
            attack("Is the session cookie HttpOnly?", form("/sign-in", AS_OWNER)).by(Visitor),
            attack("Is it SameSite?", form("/sign-in", AS_OWNER)).by(Visitor),
        ]);
    "account_deleted", "Credentials of a deleted account", "OWASP ASVS V7.4.2",
        check("crates/web/src/pages/account/forms.rs", "delete"),
        &[Code(401, "sign_in_required"), Code(401, "token_revoked")], send(&[
            NEWCOMER_COPIED, COPY_WORKS,
            control("The JWT works at first", WITH_TOKEN, 200),
            prepare(form("/account/delete", &[("confirm", "delete")]), 303).by(Newcomer),
            COPY_AFTERWARDS,
            attack("The JWT afterwards", WITH_TOKEN),
        ]);
}

/// The victim signs in, and the thief copies the cookie.
const COPIED: Action =
    prepare(form("/sign-in", AS_OWNER), 303).save(&[("session", Cookie(Credential::Session))]);

/// The same with an account that no other attack uses.
const NEWCOMER_COPIED: Action =
    prepare(form("/sign-in", AS_NEWCOMER), 303).save(&[("session", Cookie(Credential::Session))]);

const WITH_TOKEN: Request = api("GET", "/api/v1/me").bearer("{{newcomer.token}}");

const WITH_COPY: Request = get("/account").with(&[("cookie", "{{session_cookie}}={{session}}")]);

const COPY_WORKS: Action = control("The copy works at first", WITH_COPY, 200);

const COPY_AFTERWARDS: Action = attack("The copy afterwards", WITH_COPY);

async fn fixation(context: &mut AttackContext) -> Result {
    let (owner, thief) = (context.owner().await?, context.thief().await?);
    let agent = context.signed_in(&thief).await?.agent;
    let (_, thiefs) = credential_cookie(&agent, &context.target.app, Credential::Session)?;
    for (note, planted) in [("A made-up session", random()?), ("The thief’s session", thiefs)] {
        let mut victim = context.browser_with_session(&planted);
        context.sign_in(&mut victim, &owner.email, &owner.password).await?;
        let call = context.get("/account")?;
        context.control(&mut victim, "The victim is signed in", call, 200).await?;
        let mut thief = context.browser_with_session(&planted);
        context.attack_account(&mut thief, note).await?;
    }
    Ok(())
}
