//! Actions that a signed-in user is not allowed to perform.

use super::prelude::*;

attacks! { Rights:
    "scope_exceeded", "Access outside the scope", "RFC 6750 §3.1",
        check("crates/axum/src/caller/credential.rs", "require_scope"),
        &[Code(403, "insufficient_scope")], send(&[
            READER,
            control("What the scope allows",
                api("GET", "/api/v1/calendar/events").bearer("{{access}}"), 200),
            attack("What it does not allow", api("GET", "{{each}}").bearer("{{access}}"))
                .each(&["/api/v1/contacts", "/api/v1/me"]),
        ]);
    "scope_widened", "Wider scope on refresh", "RFC 6749 §6",
        check("crates/auth/src/tokens/refresh.rs", "next_pair"),
        &[StillShows("\"scope\":\"calendar:read\""), Code(403, "insufficient_scope")], send(&[
            READER,
            attack("A refresh with a wider scope", json("POST", "/api/v1/token/refresh",
                r#"{"refresh_token":"{{refresh}}","scope":"profile calendar:read contacts:read contacts:write"}"#))
                .save(&[("wider", Member("access_token"))]),
            attack("The new token at the contacts", api("GET", "/api/v1/contacts").bearer("{{wider}}")),
        ]);
    "scope_made_up", "Unknown scope", "RFC 6749 §3.3",
        check("crates/axum/src/routes/token.rs", "requested_scope"),
        &[Code(400, "invalid_scope")], send(&[
            attack("A token for an unknown scope", json("POST", "/api/v1/token",
                r#"{"email":"{{thief.email}}","password":"{{thief.password}}","scope":"{{each}}"}"#))
                .each(&["everything", "profile admin", ""]),
        ]);
    "role_missing", "Admin list without the role", "OWASP ASVS V8.2.1",
        check("crates/axum/src/caller/credential.rs", "require_role"),
        &[Code(403, "role_required")], send(&[
            control("What every user may read", api("GET", "/api/v1/me").bearer("{{thief.token}}"), 200),
            attack("What only administrators may read",
                api("GET", "/api/v1/admin/users").bearer("{{thief.token}}")),
        ]);
    "contact_of_another", "Another user’s contact", "OWASP ASVS V8.2.2, API1:2023",
        check("crates/web/src/api/contacts.rs", "no_such_contact"),
        &[Code(404, "not_found"), Code(404, "not_found"), Code(404, "not_found"), StillShows("Aunt Agatha")],
        send(&[
            control("The victim adds a contact", json("POST", "/api/v1/contacts",
                r#"{"name":"Aunt Agatha"}"#).bearer("{{owner.token}}"), 201)
                .by(Visitor).save(&[("contact", Header("location"))]),
            attack("The thief reads it", api("GET", "{{contact}}").bearer("{{thief.token}}")),
            attack("The thief changes it",
                json("PUT", "{{contact}}", r#"{"name":"Rewritten"}"#).bearer("{{thief.token}}")),
            attack("The thief deletes it", api("DELETE", "{{contact}}").bearer("{{thief.token}}")),
            attack("The victim’s contact afterwards",
                api("GET", "{{contact}}").bearer("{{owner.token}}")).by(Visitor),
        ]);
    "sign_in_of_another", "Another user’s session", "OWASP ASVS V8.2.2",
        check("crates/web/src/api/sessions.rs", "revoke_session"),
        &[Code(404, "not_found"), StillShows("Nora Newcomer")], send(&[
            control("The victim’s sign-ins", get("/api/v1/sessions"), 200)
                .by(Newcomer).save(&[("id", Member("items/0/id"))]),
            attack("The thief ends it",
                api("DELETE", "/api/v1/sessions/{{id}}").bearer("{{thief.token}}")),
            attack("The victim afterwards", get("/account")).by(Newcomer),
        ]);
    "trace_of_another", "Another user’s trace", "OWASP ASVS V8.2.2",
        check("crates/demo/src/traces/pages.rs", "find"),
        &[Code(404, "not_found"), Code(401, "sign_in_required")], send(&[
            prepare(form("/sign-in", AS_OWNER), 303).save(&[("trace", Header("x-latchkey-trace"))]),
            control("The victim opens the trace", get("/traces/{{trace}}/har"), 200).by(Visitor),
            attack("The thief opens it", get("/traces/{{trace}}/har")).by(SignedInThief),
            attack("A visitor opens it", get("/traces/{{trace}}/har")).by(Stranger),
        ]);
    "contact_planted", "Contact created for another user", "OWASP ASVS V8.2.3, API3:2023",
        check("crates/web/src/api/contacts.rs", "create_contact"),
        &[Code(404, "not_found")], send(&[
            prepare(json("POST", "/api/v1/contacts",
                r#"{"name":"Planted","user_id":"{{owner.sub}}","owner":"{{owner.sub}}"}"#)
                .bearer("{{thief.token}}"), 201).save(&[("contact", Header("location"))]),
            attack("Does the victim have it?", api("GET", "{{contact}}").bearer("{{owner.token}}"))
                .by(Stranger),
            control("The thief has it", api("GET", "{{contact}}").bearer("{{thief.token}}"), 200),
        ]);
}

/// Tokens that may only read the calendar.
const READER: Action = prepare(
    json(
        "POST",
        "/api/v1/token",
        r#"{"email":"{{thief.email}}","password":"{{thief.password}}","scope":"calendar:read"}"#,
    ),
    200,
)
.save(&[("access", Member("access_token")), ("refresh", Member("refresh_token"))]);
