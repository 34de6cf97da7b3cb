//! Claim 10: "The password is never shared with the app".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::prelude::*;
use crate::stats::as_f64;

/// What is worth stealing in a sign-in, as RFC 6749 and the form call it.
const SECRETS: [&str; 6] =
    ["password", "code", "code_verifier", "client_secret", "access_token", "id_token"];

const TIMES: &str = "exchanges that hold the password";
const EXCHANGES: &str = "exchanges";
const IN_RECORD: &str = "the password itself, in the record of the sign-in";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 10,
    slug: "secrets",
    sentence: "The password is never shared with the app",
    method: "One sign-in through each door. The record of a sign-in (its HAR, under /traces) says \
             which secret was in which exchange, and so which parties saw it. The record itself \
             holds no secret, only what each one was.",
    honest: "With OAuth the app sees no password. With a password of its own it sees all of it, \
             once.",
    budget: Duration::from_secs(3),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.doing("reading two recorded sign-ins");
    let mut recorded = String::new();
    for method in SignInMethod::ALL {
        let (mut browser, answers) = fixture.sign_in(method, Credential::Session).await?;
        let record = sign_in::record(&mut browser, fixture.url(), &answers).await?;
        let none = || Error::NotHere("it records no sign-ins (TRACES)".to_owned());
        let record = record.ok_or_else(none)?;
        recorded.push_str(&record.text());
        let entries = record.json()["log"]["entries"].as_array().cloned().unwrap_or_default();
        note(evidence, method, &entries);
    }
    let found = is_in(&recorded, sign_in::PASSWORD);
    evidence.add_fact(IN_RECORD, if found { "is there" } else { "is nowhere" });
    Ok(())
}

/// Whether a text holds a password, as it is or as URLs and forms write it.
fn is_in(text: &str, password: &str) -> bool {
    ["+", "%20", " "].iter().any(|space| text.contains(&password.replace(' ', space)))
}

/// Adds who saw which secret, and how often the password crossed the wire.
fn note(evidence: &mut Evidence, method: SignInMethod, entries: &[Value]) {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut times = 0;
    for entry in entries {
        let parties = ["from", "to"].map(|side| entry["_latchkey"][side].as_str());
        let is_there = |secret: &&str| {
            holds(entry, secret) || *secret == "client_secret" && authenticates(entry)
        };
        for secret in SECRETS.into_iter().filter(is_there) {
            // Both sides of an exchange see what is in it.
            seen.entry(secret).or_default().extend(parties.into_iter().flatten());
            times += usize::from(secret == "password");
        }
    }
    for secret in SECRETS {
        let parties = seen.get(secret).map(|parties| Vec::from_iter(parties.iter().copied()));
        let parties = parties.map_or("nobody".to_owned(), |parties| parties.join(", "));
        evidence.add_fact(label(method, secret), parties);
    }
    evidence.add_sample(method.name(), TIMES, as_f64(times));
    evidence.add_sample(method.name(), EXCHANGES, as_f64(entries.len()));
}

/// Whether a client says who it is with its secret in the header (RFC 6749 §2.3.1).
fn authenticates(entry: &Value) -> bool {
    let headers = entry["request"]["headers"].as_array().into_iter().flatten();
    headers.filter(|header| header["name"] == "authorization").any(|header| {
        let value = header["value"].as_str().unwrap_or_default();
        value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
    })
}

/// Whether an exchange holds a secret of this name: in the URL, in a form, in a
/// JSON document or in a redirect. A page that asks for a password holds none.
fn holds(entry: &Value, secret: &str) -> bool {
    let (request, response) = (&entry["request"], &entry["response"]);
    let is_page =
        response["content"]["mimeType"].as_str().is_some_and(|kind| kind.starts_with("text/html"));
    let answered = if is_page { &Value::Null } else { &response["content"]["text"] };
    [&request["url"], &request["postData"]["text"], &response["redirectURL"], answered]
        .into_iter()
        .filter_map(Value::as_str)
        .any(|text| names(text, secret))
}

/// Whether a text has a parameter or a JSON member of this name.
fn names(text: &str, name: &str) -> bool {
    let (parameter, member) = (format!("{name}="), format!("\"{name}\""));
    let begins = |at: usize| at == 0 || text[..at].ends_with(['?', '&', '#']);
    text.match_indices(&parameter).any(|(at, _)| begins(at)) || text.contains(&member)
}

fn label(method: SignInMethod, secret: &str) -> String {
    format!("{}: who saw the {}", method.name(), secret.replace('_', " "))
}

fn judge(evidence: &Evidence) -> Verdict {
    let saw = |method, secret| evidence.fact(&label(method, secret));
    let (Some(oauth), Some(local), Some(code), Some(recorded)) = (
        saw(SignInMethod::OAuth, "password"),
        saw(SignInMethod::Password, "password"),
        saw(SignInMethod::OAuth, "code"),
        evidence.fact(IN_RECORD),
    ) else {
        return Verdict::undecided("One of the two sign-ins was not recorded.");
    };
    if code == "nobody" || !local.contains("app") || recorded != "is nowhere" {
        return Verdict::undecided("The records lack what must be in them.");
    }
    if oauth.contains("app") {
        return Verdict::no("The app saw the password with OAuth, too.");
    }
    let times = evidence.median(SignInMethod::Password.name(), TIMES).unwrap_or_default();
    Verdict::only_if(
        "the door is OAuth",
        format!(
            "With OAuth the app saw a code and tokens, and no password: you type that at the \
             provider, and the local one asks for none. At the password’s door it was seen by \
             {}, in {times} exchange.",
            local.replace(", ", " and ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands() {
        for (text, name, expected) in [
            ("http://a/callback?code=x&state=y", "code", true),
            ("http://a/callback?state=y&code=x", "code", true),
            ("http://a/?code_challenge=x", "code", false),
            ("http://a/?error_code=x", "code", false),
            ("grant_type=authorization_code&code_verifier=x", "code", false),
            ("grant_type=authorization_code&code_verifier=x", "code_verifier", true),
            ("password=x", "password", true),
            (r#"{"access_token": "x"}"#, "access_token", true),
            (r#"{"access_token": "x"}"#, "id_token", false),
        ] {
            assert_eq!(names(text, name), expected, "{name} in {text}");
        }
    }

    #[test]
    fn a_password_is_found_as_forms_write_it() {
        for (text, expected) in [
            (r#""text":"email=a&password=a+lantern+under+the+stairs""#, true),
            ("?password=a%20lantern%20under%20the%20stairs", true),
            (r#"{"password":"a lantern under the stairs"}"#, true),
            (r#""text":"email=a&password=(26 bytes)""#, false),
        ] {
            assert_eq!(is_in(text, sign_in::PASSWORD), expected, "{text}");
        }
    }

    fn sign_in(method: SignInMethod, text: &str, from: &str, to: &str) -> Evidence {
        let mut evidence = Evidence::default();
        let page = json!({
            "request": { "url": "http://a/sign-in" },
            "response": { "content": {
                "mimeType": "text/html; charset=utf-8", "text": "<input name=\"password\">",
            }},
            "_latchkey": { "from": "browser", "to": "app" },
        });
        let sent = json!({
            "request": { "url": "http://a/", "postData": { "text": text } },
            "response": { "content": { "mimeType": "" }, "redirectURL": "" },
            "_latchkey": { "from": from, "to": to },
        });
        note(&mut evidence, method, &[page, sent]);
        evidence
    }

    #[test]
    fn a_page_that_asks_has_seen_nothing() {
        let local = sign_in(SignInMethod::Password, "email=a&password=x", "browser", "app");
        assert_eq!(local.fact(&label(SignInMethod::Password, "password")), Some("app, browser"));
        assert_eq!(local.median("password", TIMES), Some(1.0));
        let oauth = sign_in(SignInMethod::OAuth, "code=x", "app", "provider");
        assert_eq!(oauth.fact(&label(SignInMethod::OAuth, "password")), Some("nobody"));
        assert_eq!(oauth.fact(&label(SignInMethod::OAuth, "code")), Some("app, provider"));
    }

    #[test]
    fn the_door_decides() {
        let with = |oauth: &str, local: &str, recorded: &str| {
            let evidence = Evidence::of([
                (&*label(SignInMethod::OAuth, "password"), oauth),
                (&*label(SignInMethod::OAuth, "code"), "app, browser, provider"),
                (&*label(SignInMethod::Password, "password"), local),
                (IN_RECORD, recorded),
            ]);
            judge(&evidence).word()
        };
        assert_eq!(with("nobody", "app, browser", "is nowhere"), "true if");
        assert_eq!(with("app, browser", "app, browser", "is nowhere"), "false");
        assert_eq!(with("nobody", "nobody", "is nowhere"), "undecided");
        assert_eq!(with("nobody", "app, browser", "is there"), "undecided");
    }
}
