//! Input that no form of the app sends.

use super::prelude::*;

const OWN_PATH: Check = check("crates/domain/src/return_to.rs", "own_path");

attacks! { Input:
    "open_redirect", "Open redirect through next", "RFC 9700 §4.11, OWASP ASVS V3.7.2", OWN_PATH,
        &[RedirectsTo("/account")], signed_in_link(&[
            "https://evil.test/", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test",
            "/\t/evil.test", "/.//evil.test", "https:evil.test", "http://localhost@evil.test/",
        ]);
    "next_script", "Script URL in next", "OWASP ASVS V3.7.2", OWN_PATH,
        &[RedirectsTo("/account")],
        signed_in_link(&["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x"]);
    "next_header", "Header injection through next", "RFC 9110 §5.5", OWN_PATH,
        &[RedirectsTo("/account")], signed_in_link(
            &["/\r\nSet-Cookie: latchkey_session=thiefs", "/%0d%0aX-Thief: 1\r\n"]);
    "next_markup", "Markup in next", "OWASP ASVS V3.2.2", OWN_PATH,
        &[LacksText("<script>alert")], send(&[
            attack("The thief’s link", LINK).by(Visitor)
                .each(&["\"><script>alert(1)</script>", "/\"><script>alert(1)</script>"]),
        ]);
    "host_header", "Forged Host header", "RFC 9700 §4.1.3, OWASP ASVS V4.1.3",
        check("crates/axum/src/config.rs", "absolute"),
        &[LacksText("evil.test")], send(&[
            attack("The sign-in page", get("/sign-in").with(&[("{{each}}", "evil.test")]))
                .by(Visitor).each(HOSTS),
            attack("The sign-in page", get("/sign-in").with(FORWARDED)).by(Visitor),
            attack("The redirect to the provider", api("POST", "/auth/google").with(&[("{{each}}", "evil.test")]))
                .by(Visitor).each(HOSTS),
            attack("The redirect to the provider", api("POST", "/auth/google").with(FORWARDED)).by(Visitor),
        ]);
    "body_large", "Oversized request body", "RFC 9110 §15.5.14, OWASP ASVS V15.2.2",
        check("crates/axum/src/middleware/guard.rs", "limit_body"),
        &[Code(413, "too_large")], send(&[
            attack("A password of 100,000 characters",
                form("/sign-in", &[("email", "lab@lab.invalid"), ("password", "{{large}}")])),
            attack("The same to the API", json("POST", "/api/v1/token",
                r#"{"email":"lab@lab.invalid","password":"{{large}}"}"#)),
            attack("The same at sign-up", form("/sign-up", &[
                ("name", "Theo Thief"), ("email", "{{new_email}}"), ("password", "{{large}}")])),
        ]);
    "field_twice", "Duplicate form field", "OWASP ASVS V15.3.7",
        check("crates/axum/src/extract.rs", "from_request"),
        &[Code(400, "bad_request")], send(&[
            attack("Two addresses", form("/sign-in", &[
                ("email", "{{thief.email}}"), ("email", "{{owner.email}}"),
                ("password", "{{thief.password}}")])),
            control("One address, with the other account’s password", form("/sign-in", &[
                ("email", "{{owner.email}}"), ("password", "{{thief.password}}")]), 401),
        ]);
    "path_traversal", "Path traversal", "OWASP ASVS V5.3.2",
        check("crates/web/src/static_files.rs", "serve"),
        &[Code(404, "not_found")], send(&[
            attack("A file outside the folder", get("{{each}}")).each(&[
                "/static/..%2f.env", "/static/..%2f..%2fdata%2flatchkey.db", "/static/%2e%2e%2f.env"]),
            control("A file in the folder", get("/static/app.css"), 200),
        ]);
    "json_types", "Wrong JSON types", "OWASP ASVS V15.3.5",
        check("crates/axum/src/extract.rs", "from_request"),
        &[Code(400, "bad_request")], send(&[
            attack("A password that is not a string", json("POST", "/api/v1/token",
                r#"{"email":"{{owner.email}}","password":{{each}}}"#))
                .each(&["true", "[\"a\"]", "{\"$ne\":null}", "0"]),
        ]);
}

const LINK: Request = get("/sign-in").query("next", "{{each}}");

const HOSTS: &[&str] = &["host", "x-forwarded-host"];

const FORWARDED: &[(&str, &str)] = &[("forwarded", "host=evil.test;proto=https")];

/// Opens the link in a signed-in browser, which is redirected immediately.
async fn signed_in_link(context: &mut AttackContext, nexts: &'static [&'static str]) -> Result {
    let links = attack("The thief’s link", LINK).by(Owner).each(nexts);
    let local = control("A page of the app", get("/sign-in").query("next", "/errors"), 303);
    send(context, &[links, local.by(Owner)]).await
}
