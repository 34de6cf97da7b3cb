//! What pages of other sites can make a signed-in browser do.

use super::prelude::*;

const SAME_SITE: Check = check("crates/axum/src/middleware/same_site.rs", "is_allowed");
const HEADERS: Check = check("crates/axum/src/middleware/security_headers.rs", "add");

const UNCHANGED: &[Expect] = &[Code(403, "cross_site_request"), StillShows("Olive Owner")];

attacks! { CrossSite:
    "csrf_sign_out", "Sign-out by another site", "OWASP ASVS V3.5.1, RFC 6265 §8.2", SAME_SITE,
        UNCHANGED, posted_by_other_site("/sign-out", &[]);
    "csrf_delete_account", "Account deletion by another site", "OWASP ASVS V3.5.1", SAME_SITE,
        UNCHANGED, posted_by_other_site("/account/delete", &[("confirm", "delete")]);
    "csrf_password", "Password change by another site", "OWASP ASVS V3.5.1", SAME_SITE,
        UNCHANGED, posted_by_other_site("/account/password",
            &[("current", "{{owner.password}}"), ("new", "what the thief knows as well")]);
    "csrf_link", "Account linking by another site", "OWASP ASVS V3.5.1, RFC 9700 §4.7", SAME_SITE,
        UNCHANGED, posted_by_other_site("/account/link/google", &[]);
    "csrf_connection", "Connection by another site", "OWASP ASVS V3.5.1, RFC 6749 §10.12", SAME_SITE,
        UNCHANGED, posted_by_other_site("/connections/google", &[("calendar", "yes")]);
    "csrf_sign_in", "Sign-in by another site", "OWASP ASVS V3.5.1", SAME_SITE,
        &[Code(403, "cross_site_request"), Code(401, "sign_in_required")], send(&[
            attack("The form, sent from the thief’s page", form("/sign-in", AS_THIEF).on_other_site()).by(Visitor),
            attack("Is the victim signed in?", get("/account")).by(Visitor),
            control("The form, sent from the sign-in page", form("/sign-in", AS_THIEF), 303).by(Visitor),
        ]);
    "csrf_api_text", "JSON sent as text/plain", "OWASP ASVS V3.5.2", SAME_SITE,
        &[Code(403, "cross_site_request")], send(&[
            SIGNED_IN,
            attack("JSON, sent from the thief’s page", NEW_CONTACT.with(&[
                ("content-type", "{{each}}"), ("sec-fetch-site", "cross-site"),
                ("origin", "https://evil.test"),
            ])).by(Owner).each(&["text/plain", "application/json"]),
        ]);
    "csrf_api_type", "JSON as text/plain from the same origin", "RFC 9110 §8.3",
        check("crates/axum/src/extract.rs", "from_request"),
        &[Code(415, "unsupported_media_type")], send(&[
            SIGNED_IN,
            attack("JSON as text/plain", NEW_CONTACT.with(
                &[("content-type", "text/plain"), ("sec-fetch-site", "same-origin")])).by(Owner),
            control("JSON as application/json", NEW_CONTACT.with(
                &[("content-type", "application/json"), ("sec-fetch-site", "same-origin")]), 201).by(Owner),
        ]);
    "csrf_old_browser", "Old browser without Sec-Fetch-Site", "OWASP ASVS V3.5.3, RFC 6454 §7", SAME_SITE,
        &[Code(403, "cross_site_request")], send(&[
            prepare(form("/sign-in", AS_OWNER), 303),
            attack("Sign-out with a foreign Origin", SIGN_OUT.with(&[("origin", "{{each}}")]))
                .by(Visitor).each(&["https://evil.test", "null", "{{other_port}}"]),
            control("Sign-out with the app’s Origin", SIGN_OUT.with(&[("origin", "{{origin}}")]), 303).by(Visitor),
        ]);
    "sign_out_by_link", "Sign-out by an image", "RFC 9110 §9.2.1",
        check("crates/axum/src/routes/mod.rs", "pages"),
        &[Code(405, "method_not_allowed"), StillShows("Olive Owner")], send(&[
            SIGNED_IN,
            attack("An image on the thief’s page",
                api("GET", "/sign-out").with(&[("sec-fetch-site", "cross-site")])).by(Owner),
            AFTERWARDS,
        ]);
    "cors_read", "API read by another site", "OWASP ASVS V3.4.2", HEADERS,
        &[LacksHeader("access-control-allow-origin"), LacksHeader("access-control-allow-credentials")], send(&[
            SIGNED_IN,
            attack("The thief’s script sends the request", api("GET", "/api/v1/me").with(
                &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")])).by(Owner),
            attack("The preflight", api("OPTIONS", "/api/v1/me").with(&[
                ("sec-fetch-site", "cross-site"), ("origin", "https://evil.test"),
                ("access-control-request-method", "GET"),
            ])).by(Owner),
        ]);
    "clickjacking", "Page in a foreign frame (clickjacking)", "OWASP ASVS V3.4.6, RFC 9700 §4.16",
        check("crates/axum/src/middleware/security_headers.rs", "content_security_policy"),
        &[HasHeader("content-security-policy", "frame-ancestors 'none'")],
        send(&[SIGNED_IN, attack("The page in a frame", get("/account")).by(Owner)]);
    "cache_after", "Page from the browser’s cache", "OWASP ASVS V14.3.2", HEADERS,
        &[HasHeader("cache-control", "no-store")],
        send(&[SIGNED_IN, attack("May the page be stored?", get("/account")).by(Owner)]);
}

const SIGNED_IN: Action = control("The victim is signed in", get("/account"), 200).by(Owner);

const AFTERWARDS: Action = attack("The victim’s account afterwards", get("/account")).by(Owner);

const SIGN_OUT: Request = form("/sign-out", &[]).in_old_browser();

/// Each attack adds the content type.
const NEW_CONTACT: Request =
    api("POST", "/api/v1/contacts").text(r#"{"name":"Put there by the thief"}"#);

async fn posted_by_other_site(
    context: &mut AttackContext,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
) -> Result {
    let form = form(path, fields).on_other_site();
    let posted = attack("The form, sent from the thief’s page", form).by(Owner);
    send(context, &[SIGNED_IN, posted, AFTERWARDS]).await
}
