//! What does not belong into a request.

use http::Method;

use super::attacks;
use super::judge::Expect::{Code, Lands, Without};
use super::stage::{Browser, Outcome, Stage};
use crate::Call;

attacks! { Input:
    "open_redirect", "A way out through next", "RFC 9700 §4.11, OWASP ASVS V3.7.2",
    "crates/domain/src/return_to.rs", "own_path",
    "A link to our sign-in page that leads to the thief’s page afterwards, which looks like ours and asks for the password.",
    &[Lands("/account")], open_redirect;

    "next_script", "A script in next", "OWASP ASVS V3.7.2",
    "crates/domain/src/return_to.rs", "own_path",
    "The place to go afterwards is javascript: or data:.",
    &[Lands("/account")], next_script;

    "next_header", "A header in next", "OWASP ASVS V4.2.4",
    "crates/domain/src/return_to.rs", "own_path",
    "A line break in the place to go would end the Location header, and begin a header of the thief’s, a cookie for one.",
    &[Lands("/account")], next_header;

    "next_markup", "Markup in next", "OWASP ASVS V3.2.2",
    "crates/domain/src/return_to.rs", "own_path",
    "The place to go is carried along in the form. The thief closes the attribute and opens a script.",
    &[Without("<script>alert")], next_markup;

    "host_header", "Another Host", "RFC 9700 §4.1.3, OWASP ASVS V4.1.3",
    "crates/web/src/settings/mod.rs", "absolute",
    "The thief names their own host in Host or X-Forwarded-Host, and hopes to find it in the redirect URI or in the links of letters.",
    &[Without("evil.test")], host_header;

    "body_large", "A body that is too large", "OWASP ASVS V4.2.5",
    "crates/web/src/routes.rs", "router",
    "The thief sends forms of a hundred kilobytes, to fill the memory and to have passwords hashed that are as long.",
    &[Code(413, "too_large")], body_large;

    "field_twice", "A field that is there twice", "OWASP ASVS V4.2.1",
    "crates/web/src/form.rs", "fields",
    "The form names two people. Whatever checks the one and signs in the other is the thief’s friend.",
    &[Code(400, "bad_request")], field_twice;

    "path_traversal", "A way out of the folder", "OWASP ASVS V5.3.2",
    "crates/web/src/static_files.rs", "serve",
    "The thief asks for files above the folder of the stylesheet: the .env, the database, the secret.",
    &[Code(404, "not_found")], path_traversal;

    "json_types", "Numbers and lists for texts", "OWASP ASVS V2.2.1",
    "crates/web/src/api/json.rs", "refused",
    "The thief sends a list or true instead of a password, for programs that compare loosely.",
    &[Code(400, "bad_request")], json_types;
}

/// The thief's link, opened by somebody who is signed in: it leads on at once.
async fn links(stage: &mut Stage, nexts: &[&str]) -> Outcome {
    let mut victim = stage.owner().await?.keeper();
    for next in nexts {
        follow(stage, &mut victim, next).await?;
    }
    let call = Call::get(sign_in(stage, "/errors")?);
    stage.control(&mut victim, "A page of our own", call, 303).await?;
    Ok(())
}

fn sign_in(stage: &Stage, next: &str) -> Outcome<url::Url> {
    let mut url = stage.url("/sign-in")?;
    url.query_pairs_mut().append_pair("next", next);
    Ok(url)
}

async fn follow(stage: &mut Stage, victim: &mut Browser, next: &str) -> Outcome {
    let call = Call::get(sign_in(stage, next)?);
    stage.attack(victim, "The thief’s link", call).await?;
    Ok(())
}

async fn open_redirect(stage: &mut Stage) -> Outcome {
    links(
        stage,
        &[
            "https://evil.test/",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "/\t/evil.test",
            "/.//evil.test",
            "https:evil.test",
            "http://localhost@evil.test/",
        ],
    )
    .await
}

async fn next_script(stage: &mut Stage) -> Outcome {
    links(stage, &["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x"]).await
}

async fn next_header(stage: &mut Stage) -> Outcome {
    links(stage, &["/\r\nSet-Cookie: latchkey_session=thiefs", "/%0d%0aX-Thief: 1\r\n"]).await
}

async fn next_markup(stage: &mut Stage) -> Outcome {
    let mut visitor = stage.browser();
    for next in ["\"><script>alert(1)</script>", "/\"><script>alert(1)</script>"] {
        follow(stage, &mut visitor, next).await?;
    }
    Ok(())
}

async fn host_header(stage: &mut Stage) -> Outcome {
    let mut visitor = stage.browser();
    for (name, value) in [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("forwarded", "host=evil.test;proto=https"),
    ] {
        let page = stage.get("/sign-in")?.with(name, value);
        stage.attack(&mut visitor, "The sign-in page", page).await?;
        let start = Call::new(Method::POST, stage.url("/auth/google")?).with(name, value);
        stage.attack(&mut visitor, "The way to the provider", start).await?;
    }
    Ok(())
}

async fn body_large(stage: &mut Stage) -> Outcome {
    let mut thief = stage.thiefs_browser();
    let password = "a".repeat(100_000);
    let fields = [("email", "lab@lab.invalid"), ("password", &*password)];
    let form = stage.form("/sign-in", &fields)?;
    stage.attack(&mut thief, "A password of 100,000 letters", form).await?;
    let body = serde_json::json!({ "email": "lab@lab.invalid", "password": password });
    let url = stage.url("/api/v1/token")?;
    let call = Call::json(Method::POST, url, &body.to_string());
    stage.attack(&mut thief, "The same to the API", call).await?;
    Ok(())
}

async fn field_twice(stage: &mut Stage) -> Outcome {
    let (owner, own) = (stage.owner().await?, stage.thief().await?);
    let mut thief = stage.thiefs_browser();
    let fields = [("email", &*own.email), ("email", &*owner.email), ("password", &*own.password)];
    let form = stage.form("/sign-in", &fields)?;
    stage.attack(&mut thief, "Two addresses", form).await?;
    let form = stage.form("/sign-in", &fields[1..])?;
    stage.control(&mut thief, "One of them, with the other’s password", form, 401).await?;
    Ok(())
}

async fn path_traversal(stage: &mut Stage) -> Outcome {
    let mut thief = stage.thiefs_browser();
    for path in
        ["/static/..%2f.env", "/static/..%2f..%2fdata%2flatchkey.db", "/static/%2e%2e%2f.env"]
    {
        stage.attack(&mut thief, "A file elsewhere", stage.get(path)?).await?;
    }
    Ok(())
}

async fn json_types(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let mut thief = stage.thiefs_browser();
    for password in ["true", "[\"a\"]", "{\"$ne\":null}", "0"] {
        let body = format!(r#"{{"email":"{}","password":{password}}}"#, owner.email);
        let call = Call::json(Method::POST, stage.url("/api/v1/token")?, &body);
        stage.attack(&mut thief, "Something else than a text", call).await?;
    }
    Ok(())
}
