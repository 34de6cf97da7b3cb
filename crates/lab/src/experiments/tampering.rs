use serde_json::json;

use super::prelude::*;
use crate::introspection::IntrospectionEndpoint;
use crate::token::{self, Jwt};

experiment! { 11, "tampering", within 3 s,
    "Tampering is detected",
    "A JWT is sent to GET /api/v1/me as it was issued, then with one bit flipped, byte by byte in \
     each of its three parts, then with its header rewritten, and a session id with one character \
     changed. Noted is the code of the check that refused it, and how often an introspection \
     endpoint was asked: nobody asks about a forgery."
}

/// Bytes of the claims between two that are tried; of the rest, each is.
const STRIDE: usize = 5;

const UNIT: &str = "let in";
const UNCLEAR: &str = "neither let in nor refused";
const UNTOUCHED: &str = "the token as it was issued";
const ASKED: &str = "forgeries that the app asked the introspection endpoint about";
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
        add_status(evidence, UNTOUCHED, answer.status);
    }
    let mut codes = Codes::default();
    for (part, name) in PARTS.iter().enumerate() {
        context.step(format!("flipping bits of the {name}"));
        let label = format!("one bit of the {name} flipped");
        let length = token::part(&token, part)?.len();
        let step = if part == 1 { STRIDE } else { 1 };
        for byte in (0..length).step_by(step) {
            let forged = token::flip_bit(&token, part, byte)?;
            codes.add(evidence, &label, &fixture.me(&forged).await?);
            if !context.has_time() {
                break;
            }
        }
    }
    context.step("rewriting the header");
    // Each keeps the right kid, so that nothing but the change can be what is refused.
    let jwt = Jwt::read(&token)?;
    for (label, forged) in [
        ("alg: none, without a signature", jwt.unsigned("none")),
        ("alg: None, without a signature", jwt.unsigned("None")),
        ("alg: HS256, the old signature", jwt.with_header(json!({ "alg": "HS256" }))),
        ("no alg at all", jwt.with_header(json!({ "alg": null }))),
        ("an unknown kid", jwt.with_header(json!({ "kid": "unknown" }))),
    ] {
        codes.add(evidence, label, &fixture.me(&forged).await?);
    }
    if let Some(issuer) = &issuer {
        evidence.add_sample(ASKED, "requests", as_f64(issuer.requests()));
    }
    // A session id has no parts and no signature.
    let browser = fixture.browser(Credential::Session).await?;
    let (name, id) = credential_cookie(&browser, fixture.url(), Credential::Session)?;
    for position in 0..id.len() {
        let mut forged = id.clone().into_bytes();
        if let Some(letter) = forged.get_mut(position) {
            *letter = if *letter == b'A' { b'B' } else { b'A' };
        }
        let mut thief = fixture.agent.fresh();
        thief.set_cookie(fixture.url(), &name, &String::from_utf8_lossy(&forged));
        let answer = fixture.get(&mut thief, "/api/v1/me").await?;
        codes.add(evidence, "a session id with one character changed", &answer);
    }
    codes.into_facts(evidence);
    Ok(())
}

/// Notes whether it was let in (200) or refused (401). Any other status says nothing
/// about the token.
fn add_status(evidence: &mut Evidence, label: &str, status: StatusCode) {
    match status {
        StatusCode::OK => evidence.add_sample(label, UNIT, 1.0),
        StatusCode::UNAUTHORIZED => evidence.add_sample(label, UNIT, 0.0),
        other => evidence.add_sample(label, UNCLEAR, f64::from(other.as_u16())),
    }
}

/// Which checks refused what, and how often, in the order in which they first did.
#[derive(Default)]
struct Codes(Vec<(String, String, usize)>);

impl Codes {
    fn add(&mut self, evidence: &mut Evidence, label: &str, answer: &Answer) {
        add_status(evidence, label, answer.status);
        let code = answer.header("x-error-code").unwrap_or("let in");
        let said = format!("{} {code}", answer.status.as_u16());
        match self.0.iter_mut().find(|(one, other, _)| one == label && *other == said) {
            Some((.., count)) => *count += 1,
            None => self.0.push((label.to_owned(), said, 1)),
        }
    }

    fn into_facts(self, evidence: &mut Evidence) {
        for same in self.0.chunk_by(|(one, ..), (other, ..)| one == other) {
            let counts: Vec<_> =
                same.iter().map(|(_, code, count)| format!("{code} × {count}")).collect();
            evidence.add_fact(&*same[0].0, counts.join(", "));
        }
    }
}

fn judge(evidence: &Evidence) -> VerdictResult {
    if !all_equal(evidence.required_samples(UNTOUCHED, UNIT)?, 1.0) {
        return unclear("The untouched token was refused, so the rest shows nothing.");
    }
    let forged = || evidence.series.iter().filter(|one| one.label != UNTOUCHED && one.unit == UNIT);
    let let_in: Vec<_> =
        forged().filter(|one| !all_equal(&one.values, 0.0)).map(|one| one.label.as_str()).collect();
    if !let_in.is_empty() {
        return no(format!("Let in: {}.", let_in.join("; ")));
    }
    let asked = evidence.median(ASKED, "requests").unwrap_or_default();
    if asked > 0.0 {
        return no(format!(
            "{asked} forgeries went to the introspection endpoint, with claims that were genuine."
        ));
    }
    if evidence.series.iter().any(|one| one.unit == UNCLEAR) {
        return unclear("Not everything was let in or refused: see the other answers.");
    }
    match forged().map(|one| one.values.len()).sum::<usize>() {
        0 => unclear("Nothing was tried."),
        tried => yes(format!(
            "All {tried} forgeries were refused here, and the untouched token was let in. A \
             session ID needs no signature for that: a changed one matches no session."
        )),
    }
}
