//! Input that no form of ours sends.

use super::prelude::*;

const OWN_PATH: Check = check("crates/domain/src/return_to.rs", "own_path");

attacks! { Input:
    "open_redirect", "A way out through next", "RFC 9700 §4.11, OWASP ASVS V3.7.2", OWN_PATH,
        &[Lands("/account")], signed_in_link(&[
            "https://evil.test/", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test",
            "/\t/evil.test", "/.//evil.test", "https:evil.test", "http://localhost@evil.test/",
        ]);
    "next_script", "A script in next", "OWASP ASVS V3.7.2", OWN_PATH,
        &[Lands("/account")],
        signed_in_link(&["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x"]);
    "next_header", "A header in next", "RFC 9110 §5.5", OWN_PATH,
        &[Lands("/account")], signed_in_link(
            &["/\r\nSet-Cookie: latchkey_session=thiefs", "/%0d%0aX-Thief: 1\r\n"]);
    "next_markup", "Markup in next", "OWASP ASVS V3.2.2", OWN_PATH,
        &[Without("<script>alert")], send(&[
            attack("The thief’s link", LINK).by(Visitor)
                .each(&["\"><script>alert(1)</script>", "/\"><script>alert(1)</script>"]),
        ]);
    "host_header", "Another Host", "RFC 9700 §4.1.3, OWASP ASVS V4.1.3",
        check("crates/axum/src/config.rs", "absolute"),
        &[Without("evil.test")], send(&[
            attack("The sign-in page", get("/sign-in").with(&[("{{each}}", "evil.test")]))
                .by(Visitor).each(HOSTS),
            attack("The sign-in page", get("/sign-in").with(FORWARDED)).by(Visitor),
            attack("The way to the provider", api("POST", "/auth/google").with(&[("{{each}}", "evil.test")]))
                .by(Visitor).each(HOSTS),
            attack("The way to the provider", api("POST", "/auth/google").with(FORWARDED)).by(Visitor),
        ]);
    "body_large", "A body that is too large", "RFC 9110 §15.5.14, OWASP ASVS V15.2.2",
        check("crates/axum/src/middleware/guard.rs", "limit_body"),
        &[Code(413, "too_large")], send(&[
            attack("A password of 100,000 characters",
                form("/sign-in", &[("email", "lab@lab.invalid"), ("password", "{{large}}")])),
            attack("The same to the API", json("POST", "/api/v1/token",
                r#"{"email":"lab@lab.invalid","password":"{{large}}"}"#)),
            attack("And at sign-up", form("/sign-up", &[
                ("name", "Theo Thief"), ("email", "{{new_email}}"), ("password", "{{large}}")])),
        ]);
    "field_twice", "A field that is there twice", "OWASP ASVS V15.3.7",
        check("crates/axum/src/extract.rs", "from_request"),
        &[Code(400, "bad_request")], send(&[
            attack("Two addresses", form("/sign-in", &[
                ("email", "{{thief.email}}"), ("email", "{{owner.email}}"),
                ("password", "{{thief.password}}")])),
            control("One of them, with the other’s password", form("/sign-in", &[
                ("email", "{{owner.email}}"), ("password", "{{thief.password}}")]), 401),
        ]);
    "path_traversal", "A way out of the folder", "OWASP ASVS V5.3.2",
        check("crates/web/src/static_files.rs", "serve"),
        &[Code(404, "not_found")], send(&[
            attack("A file elsewhere", get("{{each}}")).each(&[
                "/static/..%2f.env", "/static/..%2f..%2fdata%2flatchkey.db", "/static/%2e%2e%2f.env"]),
            control("A file that is in it", get("/static/app.css"), 200),
        ]);
    "json_types", "Numbers and lists for texts", "OWASP ASVS V15.3.5",
        check("crates/axum/src/extract.rs", "from_request"),
        &[Code(400, "bad_request")], send(&[
            attack("Something else than a text", json("POST", "/api/v1/token",
                r#"{"email":"{{owner.email}}","password":{{each}}}"#))
                .each(&["true", "[\"a\"]", "{\"$ne\":null}", "0"]),
        ]);
}

const LINK: Request = get("/sign-in").query("next", "{{each}}");

const HOSTS: &[&str] = &["host", "x-forwarded-host"];

const FORWARDED: &[(&str, &str)] = &[("forwarded", "host=evil.test;proto=https")];

/// The thief's link, opened in a browser that is signed in: it redirects at once.
async fn signed_in_link(context: &mut AttackContext, nexts: &'static [&'static str]) -> Result {
    let links = attack("The thief’s link", LINK).by(Owner).each(nexts);
    let own = control("A page of our own", get("/sign-in").query("next", "/errors"), 303);
    send(context, &[links, own.by(Owner)]).await
}
