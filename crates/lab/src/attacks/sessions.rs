//! Server sessions and their cookies.

use super::prelude::*;
use crate::sign_in::{Credential, credential_cookie};
use crate::token::random;

const PREVIOUS: Check = check("crates/axum/src/sign_in.rs", "revoke_previous_credentials");

const SIGNED_OUT: &[Expect] = &[Code(401, "sign_in_required")];

attacks! { Sessions:
    "session_fixation", "A session that the thief chose", "OWASP ASVS V7.2.4",
        check("crates/auth/src/session.rs", "create"),
        SIGNED_OUT, fixation();
    "session_after_sign_out", "The cookie after signing out", "OWASP ASVS V7.4.1", PREVIOUS,
        SIGNED_OUT, send(&[
            COPIED, GOOD_AT_FIRST,
            control("The victim signs out", form("/sign-out", &[]), 303).by(Visitor),
            COPY_AFTERWARDS,
        ]);
    "session_after_sign_in", "The old cookie after a new sign-in", "OWASP ASVS V7.2.4", PREVIOUS,
        SIGNED_OUT, send(&[
            COPIED, GOOD_AT_FIRST,
            control("The victim signs in again", form("/sign-in", AS_OWNER), 303).by(Visitor),
            COPY_AFTERWARDS,
        ]);
    "session_ended_elsewhere", "The cookie after “end all others”", "OWASP ASVS V7.4.3",
        check("crates/web/src/pages/account/forms.rs", "end_others"),
        SIGNED_OUT, send(&[
            NEWCOMERS_COPIED, GOOD_AT_FIRST,
            control("The victim ends all others", form("/account/sign-ins/end-others", &[]), 303)
                .by(Newcomer),
            COPY_AFTERWARDS,
        ]);
    "session_guessed", "A guessed session", "OWASP ASVS V7.2.3",
        check("crates/store/src/sessions.rs", "find"),
        SIGNED_OUT, send(&[
            COPIED, GOOD_AT_FIRST,
            attack("A guess", get("/account").with(&[("cookie", "{{session_cookie}}={{each}}")])).each(
                &["{{short_session}}", "1", "AAAAAAAAAAAAAAAAAAAAAA", "' OR 1=1 --", "{{long}}"]),
        ]);
    "session_stolen_by_script", "A script reads the cookie", "OWASP ASVS V3.3.4",
        check("crates/axum/src/sign_in.rs", "session_layer"),
        &[Has("set-cookie", "HttpOnly"), Has("set-cookie", "SameSite=Lax")], send(&[
            attack("The session cookie, for scripts", form("/sign-in", AS_OWNER)).by(Visitor),
            attack("and for other sites", form("/sign-in", AS_OWNER)).by(Visitor),
        ]);
    "account_deleted", "The credentials of a deleted account", "OWASP ASVS V7.4.2",
        check("crates/web/src/pages/account/forms.rs", "delete"),
        &[Code(401, "sign_in_required"), Code(401, "token_revoked")], send(&[
            NEWCOMERS_COPIED, GOOD_AT_FIRST,
            control("The JWT too", WITH_TOKEN, 200),
            prepare(form("/account/delete", &[("confirm", "delete")]), 303).by(Newcomer),
            COPY_AFTERWARDS,
            attack("The JWT afterwards", WITH_TOKEN),
        ]);
}

/// The victim signs in, and the thief copies the cookie.
const COPIED: Action =
    prepare(form("/sign-in", AS_OWNER), 303).save(&[("session", Cookie(Credential::Session))]);

/// The same of somebody whom no other attack of this run needs afterwards.
const NEWCOMERS_COPIED: Action =
    prepare(form("/sign-in", AS_NEWCOMER), 303).save(&[("session", Cookie(Credential::Session))]);

const WITH_TOKEN: Request = api("GET", "/api/v1/me").bearer("{{newcomer.token}}");

const WITH_COPY: Request = get("/account").with(&[("cookie", "{{session_cookie}}={{session}}")]);

const GOOD_AT_FIRST: Action = control("The copy is good at first", WITH_COPY, 200);

const COPY_AFTERWARDS: Action = attack("The copy afterwards", WITH_COPY);

async fn fixation(context: &mut AttackContext) -> Result {
    let (owner, thief) = (context.owner().await?, context.thief().await?);
    let (agent, app) = (context.signed_in(&thief).await?.agent, &context.target.app);
    let (_, own) = credential_cookie(&agent, app, Credential::Session)?;
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
