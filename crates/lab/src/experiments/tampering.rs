use serde_json::json;

use super::prelude::*;
use crate::introspection::IntrospectionEndpoint;
use crate::token::{self, Jwt};

experiment! { 11, "tampering", within 3 s,
    "Tampering with a JWT is detected",
    "We send a JWT to GET /api/v1/me as issued, then with one bit flipped, byte by byte in each of \
     its three parts, then with a rewritten header; and a session ID with one character changed. \
     We record the error code of the check that refused it, and how often the app called the \
     introspection endpoint: it must not do so for a forgery."
}

/// Only every fifth byte of the claims is tried.
const CLAIMS_STRIDE: usize = 5;

const UNIT: &str = "accepted";
const UNCLEAR: &str = "neither accepted nor refused";
const GENUINE: &str = "the token as issued";
const INTROSPECTED: &str = "introspection calls about forgeries";
const PARTS: [&str; 3] = ["header", "claims", "signature"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let (fixture, issuer) = match context.start(&issuer.options()).await {
        Err(Error::Unsupported(_)) => (context.start(&InstanceOptions::default()).await?, None),
        started => (started?, Some(issuer)),
    };
    let token = fixture.tokens().await?.access_token;
    for _ in 0..5 {
        let answer = fixture.me(&token).await?;
        add_status(evidence, GENUINE, answer.status);
    }
    let mut codes = Codes::default();
    for (part, name) in PARTS.iter().enumerate() {
        let label = format!("one bit of the {name} flipped");
        let length = token::part(&token, part)?.len();
        let step = if *name == "claims" { CLAIMS_STRIDE } else { 1 };
        for byte in (0..length).step_by(step) {
            let forged = token::flip_bit(&token, part, byte)?;
            codes.add(evidence, &label, &fixture.me(&forged).await?);
            if !context.has_time() {
                break;
            }
        }
    }
    // All but one keep the kid, so that the change itself must be what is refused.
    let jwt = Jwt::read(&token)?;
    for (label, forged) in [
        ("alg: none, without a signature", jwt.unsigned("none")),
        ("alg: None, without a signature", jwt.unsigned("None")),
        ("alg: HS256, with the old signature", jwt.with_header(json!({ "alg": "HS256" }))),
        ("no alg", jwt.with_header(json!({ "alg": null }))),
        ("unknown kid", jwt.with_header(json!({ "kid": "unknown" }))),
    ] {
        codes.add(evidence, label, &fixture.me(&forged).await?);
    }
    if let Some(issuer) = &issuer {
        evidence.add_sample(INTROSPECTED, "requests", as_f64(issuer.requests()));
    }
    let browser = fixture.browser(Credential::Session).await?;
    let (name, id) = credential_cookie(&browser, fixture.url(), Credential::Session)?;
    for position in 0..id.len() {
        let mut forged = id.clone().into_bytes();
        forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
        let mut thief = fixture.agent.fresh();
        thief.set_cookie(fixture.url(), &name, &String::from_utf8_lossy(&forged));
        let answer = fixture.get(&mut thief, "/api/v1/me").await?;
        codes.add(evidence, "a session ID with one character changed", &answer);
    }
    codes.into_facts(evidence);
    Ok(())
}

/// 200 is accepted, 401 is refused; any other status says nothing about the token.
fn add_status(evidence: &mut Evidence, label: &str, status: StatusCode) {
    match status {
        StatusCode::OK => evidence.add_sample(label, UNIT, 1.0),
        StatusCode::UNAUTHORIZED => evidence.add_sample(label, UNIT, 0.0),
        other => evidence.add_sample(label, UNCLEAR, f64::from(other.as_u16())),
    }
}

/// Counts error codes by label. Each entry is a label, a status with its code, and a count.
#[derive(Default)]
struct Codes(Vec<(String, String, usize)>);

impl Codes {
    fn add(&mut self, evidence: &mut Evidence, label: &str, answer: &Answer) {
        add_status(evidence, label, answer.status);
        let code = answer.header("x-error-code").unwrap_or("accepted");
        let code = format!("{} {code}", answer.status.as_u16());
        match self.0.iter_mut().find(|(one, other, _)| one == label && *other == code) {
            Some((.., count)) => *count += 1,
            None => self.0.push((label.to_owned(), code, 1)),
        }
    }

    fn into_facts(self, evidence: &mut Evidence) {
        for entries in self.0.chunk_by(|(one, ..), (other, ..)| one == other) {
            let counts: Vec<_> =
                entries.iter().map(|(_, code, count)| format!("{code} × {count}")).collect();
            evidence.add_fact(&*entries[0].0, counts.join(", "));
        }
    }
}

fn judge(evidence: &Evidence) -> VerdictResult {
    if !all_equal(evidence.required_samples(GENUINE, UNIT)?, 1.0) {
        return unclear("The genuine token was refused, so the refusals prove nothing.");
    }
    let forged = || evidence.series.iter().filter(|one| one.label != GENUINE && one.unit == UNIT);
    let accepted: Vec<_> =
        forged().filter(|one| !all_equal(&one.values, 0.0)).map(|one| one.label.as_str()).collect();
    if !accepted.is_empty() {
        return no(format!("Accepted: {}.", accepted.join("; ")));
    }
    let introspected = evidence.median(INTROSPECTED, "requests").unwrap_or_default();
    if introspected > 0.0 {
        return no(format!(
            "The app itself did not detect {introspected} forgeries: it sent them to the \
             introspection endpoint."
        ));
    }
    if evidence.series.iter().any(|one| one.unit == UNCLEAR) {
        return unclear("Some requests were neither accepted nor refused.");
    }
    match forged().map(|one| one.values.len()).sum::<usize>() {
        0 => unclear("No forgery was tried."),
        tried => yes(format!(
            "All {tried} forgeries were refused, and the genuine token was accepted. A session ID \
             needs no signature for that: a changed one matches no session."
        )),
    }
}
