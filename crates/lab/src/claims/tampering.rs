//! Claim 11: "tampering is detected".

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use http::StatusCode;

use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::{Evidence, Series};
use crate::stats::all_are;
use crate::verdict::Verdict;
use crate::{Agent, Answer, Bench, Error, Place, Result, Wishes};

/// Bytes of the claims between two that are tried; of the rest, each is.
const STRIDE: usize = 5;

const UNIT: &str = "let in";
const UNCLEAR: &str = "neither let in nor refused";
const UNTOUCHED: &str = "the token as it was issued";
const PARTS: [&str; 3] = ["header", "claims", "signature"];

pub(super) const CLAIM: Claim = Claim {
    number: 11,
    slug: "tampering",
    sentence: "Tampering is detected",
    method: "A JWT is sent to GET /api/v1/me as it was issued, then with one bit flipped, byte by \
             byte in each of its three parts, then with its header rewritten, and a session id \
             with one letter changed. Written down is the code of the check that refused.",
    honest: "Refused, with the check that refused it.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let measured = tamper(bench, place.as_ref()).await;
        closing(vec![place], measured).await
    })
}

async fn tamper(bench: &Bench<'_>, place: &dyn Place) -> Result<Evidence> {
    let mut agent = Agent::new()?;
    let email = doors::sign_up(&agent, place.url()).await?;
    let token = doors::tokens(&agent, place.url(), &email).await?.access_token;
    let mut evidence = Evidence::default();
    let mut codes = Codes::default();
    for _ in 0..5 {
        let answer = send(&agent, place, &token).await?;
        note(&mut evidence, UNTOUCHED, answer.status);
    }
    for (part, name) in PARTS.iter().enumerate() {
        bench.doing(format!("flipping bits of the {name}"));
        let label = format!("one bit of the {name} flipped");
        let length = decoded(&token, part)?.len();
        let step = if part == 1 { STRIDE } else { 1 };
        for byte in (0..length).step_by(step) {
            let forged = flipped(&token, part, byte)?;
            let answer = send(&agent, place, &forged).await?;
            note(&mut evidence, &label, answer.status);
            codes.note(&label, &answer);
            if !bench.has_time() {
                break;
            }
        }
    }
    bench.doing("rewriting the header");
    for (label, header, keeps_signature) in [
        ("alg: none, without a signature", r#"{"alg":"none","typ":"at+jwt"}"#, false),
        ("alg: None, without a signature", r#"{"alg":"None","typ":"at+jwt"}"#, false),
        ("alg: HS256, the old signature", r#"{"alg":"HS256","typ":"at+jwt"}"#, true),
        ("no alg at all", r#"{"typ":"at+jwt"}"#, true),
        ("a kid that nobody has", r#"{"alg":"EdDSA","kid":"nobody","typ":"at+jwt"}"#, true),
    ] {
        let mut parts = token.split('.').skip(1);
        let (claims, signature) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let signature = if keeps_signature { signature } else { "" };
        let forged = format!("{}.{claims}.{signature}", BASE64.encode(header));
        let answer = send(&agent, place, &forged).await?;
        note(&mut evidence, label, answer.status);
        codes.note(label, &answer);
    }
    session(&mut agent, place, &email, &mut evidence, &mut codes).await?;
    codes.into_facts(&mut evidence);
    Ok(evidence)
}

/// A session id has no parts and no signature: another one is somebody else's,
/// or nobody's.
async fn session(
    agent: &mut Agent,
    place: &dyn Place,
    email: &str,
    evidence: &mut Evidence,
    codes: &mut Codes,
) -> Result<()> {
    doors::by_password(agent, place.url(), email, Key::Session).await?;
    let (name, id) = doors::carried(agent, place.url(), Key::Session)?;
    let label = "a session id with one letter changed";
    for position in 0..id.len() {
        let mut forged = id.clone().into_bytes();
        if let Some(letter) = forged.get_mut(position) {
            *letter = if *letter == b'A' { b'B' } else { b'A' };
        }
        let mut stranger = agent.stranger();
        let forged = String::from_utf8_lossy(&forged).into_owned();
        stranger.plant(place.url(), &name, &forged);
        let answer = stranger.send(doors::me(place.url())?).await?;
        note(evidence, label, answer.status);
        codes.note(label, &answer);
    }
    Ok(())
}

async fn send(agent: &Agent, place: &dyn Place, token: &str) -> Result<Answer> {
    Ok(agent.stranger().send(doors::me(place.url())?.bearer(token)).await?)
}

/// Writes down whether it opened the door (200), or was refused (401). Everything else
/// says nothing about what was shown.
fn note(evidence: &mut Evidence, label: &str, status: StatusCode) {
    match status {
        StatusCode::OK => evidence.sample(label, UNIT, 1.0),
        StatusCode::UNAUTHORIZED => evidence.sample(label, UNIT, 0.0),
        other => evidence.sample(label, UNCLEAR, f64::from(other.as_u16())),
    }
}

fn decoded(token: &str, part: usize) -> Result<Vec<u8>> {
    let text = token.split('.').nth(part).unwrap_or_default();
    BASE64.decode(text).map_err(|error| Error::unexpected("the token", error.to_string()))
}

/// The token with the lowest bit of one byte flipped.
fn flipped(token: &str, part: usize, byte: usize) -> Result<String> {
    let mut bytes = decoded(token, part)?;
    if let Some(byte) = bytes.get_mut(byte) {
        *byte ^= 1;
    }
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    if let Some(part) = parts.get_mut(part) {
        *part = BASE64.encode(bytes);
    }
    Ok(parts.join("."))
}

/// Which checks refused what, in the order in which they first did.
#[derive(Default)]
struct Codes(Vec<(String, Vec<(String, usize)>)>);

impl Codes {
    fn note(&mut self, label: &str, answer: &Answer) {
        let code = answer.header("x-error-code").unwrap_or("let in");
        let said = format!("{} {code}", answer.status.as_u16());
        let index = self.0.iter().position(|(of, _)| of == label).unwrap_or_else(|| {
            self.0.push((label.to_owned(), Vec::new()));
            self.0.len() - 1
        });
        let Some((_, counts)) = self.0.get_mut(index) else { return };
        match counts.iter_mut().find(|(one, _)| *one == said) {
            Some((_, count)) => *count += 1,
            None => counts.push((said, 1)),
        }
    }

    fn into_facts(self, evidence: &mut Evidence) {
        for (label, counts) in self.0 {
            let counts: Vec<_> =
                counts.into_iter().map(|(code, count)| format!("{code} × {count}")).collect();
            evidence.fact(label, counts.join(", "));
        }
    }
}

fn judge(evidence: &Evidence) -> Verdict {
    if !all_are(evidence.values(UNTOUCHED, UNIT), 1.0) {
        return Verdict::undecided("The untouched token was refused, so nothing can be said.");
    }
    let is_forged = |one: &&Series| one.label != UNTOUCHED && one.unit == UNIT;
    let forged = evidence.series.iter().filter(is_forged);
    let (mut tried, mut let_in) = (0, Vec::new());
    for series in forged {
        tried += series.values.len();
        if !all_are(&series.values, 0.0) {
            let_in.push(series.label.clone());
        }
    }
    match (tried, let_in.as_slice()) {
        (_, []) if evidence.series.iter().any(|one| one.unit == UNCLEAR) => {
            Verdict::undecided("Not everything was let in or refused: see the other answers.")
        }
        (0, _) => Verdict::undecided("Nothing was tried."),
        (_, []) => Verdict::yes(format!(
            "All {tried} forgeries were refused, and the untouched token was let in. A session id \
             needs no signature for that: one that was changed belongs to nobody."
        )),
        (_, let_in) => Verdict::no(format!("Let in: {}.", let_in.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_differs_and_nothing_else() {
        let token =
            format!("{}.{}.{}", BASE64.encode("ab"), BASE64.encode("c"), BASE64.encode("d"));
        let forged = flipped(&token, 0, 1).unwrap();
        assert_eq!(decoded(&forged, 0).unwrap(), b"ac");
        assert_eq!(forged.split_once('.').unwrap().1, token.split_once('.').unwrap().1);
    }

    #[test]
    fn one_that_is_let_in_is_one_too_many() {
        let judged = |untouched, forged: &[f64]| {
            let mut evidence = Evidence::default();
            evidence.sample(UNTOUCHED, UNIT, untouched);
            for value in forged {
                evidence.sample("a", UNIT, *value);
            }
            judge(&evidence).word()
        };
        assert_eq!(judged(1.0, &[0.0, 0.0]), "true");
        assert_eq!(judged(1.0, &[0.0, 1.0]), "false");
        assert_eq!(judged(0.0, &[0.0]), "undecided");
        assert_eq!(judged(1.0, &[]), "undecided");
    }

    #[test]
    fn only_401_is_a_refusal() {
        for (status, expected) in [
            (StatusCode::UNAUTHORIZED, "true"),
            (StatusCode::OK, "false"),
            (StatusCode::TOO_MANY_REQUESTS, "undecided"),
            (StatusCode::SERVICE_UNAVAILABLE, "undecided"),
            (StatusCode::SEE_OTHER, "undecided"),
        ] {
            let mut evidence = Evidence::default();
            note(&mut evidence, UNTOUCHED, StatusCode::OK);
            note(&mut evidence, "a", StatusCode::UNAUTHORIZED);
            note(&mut evidence, "b", status);
            assert_eq!(judge(&evidence).word(), expected, "{status}");
        }
    }
}
