//! The ID token, checked (OpenID Connect Core 1.0 §3.1.3.7).
//!
//! It is what readers come to see, so the rules stand here one by one, in the
//! order of the standard, and each has its own reason to refuse.

use aws_lc_rs::digest;
use latchkey_domain::identity::Subject;
use latchkey_domain::{Span, Timestamp};
use serde_json::{Map, Value};

use crate::jose::{Algorithm, Jws, Members, PublicKey, base64url};

/// How far apart two clocks may be.
pub const LEEWAY: Span = Span::seconds(60);

/// An issuer that sends more than this in one token is not one to talk to.
const MAX_BYTES: usize = 64 * 1024;

/// The algorithms that are believed: public-key signatures. What the token says
/// of itself chooses among them, and never beyond (RFC 8725 §3.1).
const ALLOWED: [Algorithm; 11] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::EdDsa,
    Algorithm::Ed25519,
];

/// Why an ID token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// There is none in the token response.
    #[error("there is none")]
    Missing,
    #[error("it is not a signed JWT")]
    Malformed,
    /// A member of its header or a claim is there twice (RFC 7515 §4, RFC 7519 §4).
    #[error("it says something twice")]
    Duplicate,
    #[error("it is signed with an algorithm that is not allowed")]
    Algorithm,
    /// It is a JWT of another kind (RFC 8725 §3.11).
    #[error("it is a token of another kind")]
    Type,
    /// It has a critical header that we do not understand (RFC 7515 §4.1.11).
    #[error("it has a critical header that is not understood")]
    Critical,
    #[error("the issuer publishes no key that could have signed it")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is from another issuer")]
    Issuer,
    #[error("it is for somebody else")]
    Audience,
    #[error(
        "it is for others beside us, whom the provider’s …_AUDIENCES does not name, or its azp \
         does not say that it was issued to us"
    )]
    OtherAudiences,
    #[error("it was issued to another client")]
    AuthorizedParty,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("it belongs to another attempt (nonce)")]
    Nonce,
    #[error("it belongs to another access token (at_hash)")]
    AccessTokenHash,
    #[error("its subject is not valid")]
    Subject,
    /// A number loses its last digits in many a reader, and then it is another's.
    #[error("its subject (sub) is a number, and has to be text (OpenID Connect Core §2)")]
    NumericSubject,
    /// It does not say that the person was asked for their proof just now.
    #[error("it does not say that you were asked to sign in just now (auth_time)")]
    AuthTime,
}

/// What a token has to fit.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// Who may be named beside us.
    pub audiences: &'a [String],
    pub nonce: &'a str,
    pub access_token: &'a str,
    /// Since when the person has to have proved who they are, if they were to.
    pub authenticated_since: Option<Timestamp>,
}

/// Nothing in it is believed yet.
#[derive(Debug)]
pub struct Unverified<'a> {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
    signing_input: &'a str,
    signature: Vec<u8>,
    claims: Members,
}

/// Reads a token, and looks at its header.
///
/// `jwk`, `jku`, `x5u` and `x5c` are not looked at: a token does not bring its
/// own key along, and we fetch nothing that it names (RFC 8725 §3.10).
pub fn parse(token: &str) -> Result<Unverified<'_>, IdTokenError> {
    if token.len() > MAX_BYTES {
        return Err(IdTokenError::Malformed);
    }
    let jws = Jws::split(token).ok_or(IdTokenError::Malformed)?;
    let (header, claims) = (object(&jws.header)?, object(&jws.payload)?);
    if header.get("crit").is_some() {
        return Err(IdTokenError::Critical);
    }
    match header.get("typ") {
        None => {}
        Some(Value::String(typ)) if typ.eq_ignore_ascii_case("jwt") => {}
        Some(_) => return Err(IdTokenError::Type),
    }
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let algorithm = algorithm.parse::<Algorithm>().map_err(|_| IdTokenError::Algorithm)?;
    if !ALLOWED.contains(&algorithm) {
        return Err(IdTokenError::Algorithm);
    }
    let kid = header.get("kid").and_then(Value::as_str).map(str::to_owned);
    let Jws { signing_input, signature, .. } = jws;
    Ok(Unverified { algorithm, kid, signing_input, signature, claims })
}

fn object(json: &[u8]) -> Result<Members, IdTokenError> {
    let members = Members::parse(json).ok_or(IdTokenError::Malformed)?;
    if members.has_duplicates() { Err(IdTokenError::Duplicate) } else { Ok(members) }
}

/// The claims that we use, once they are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    pub subject: Subject,
    /// When the person last proved to the issuer who they are, where it says so.
    pub auth_time: Option<Timestamp>,
    pub all: Map<String, Value>,
}

impl Unverified<'_> {
    /// Checks the signature with the issuer's keys (rule 6). Without a `kid` every
    /// key that takes its algorithm is tried.
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> Result<(), IdTokenError> {
        let named = |key: &&PublicKey| self.kid.is_none() || key.kid() == self.kid.as_deref();
        let usable = keys.iter().filter(named).filter(|key| key.takes(self.algorithm));
        let message = self.signing_input.as_bytes();
        let mut refused = IdTokenError::UnknownKey;
        for key in usable {
            if key.verifies(self.algorithm, message, &self.signature) {
                return Ok(());
            }
            refused = IdTokenError::Signature;
        }
        Err(refused)
    }

    /// What it says, for whoever has checked its signature.
    pub(super) fn into_claims(self) -> Map<String, Value> {
        self.claims.into_vec().into_iter().collect()
    }

    /// Checks its claims, for whoever has checked its signature.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(self, expected: &Expected<'_>, now: Timestamp) -> Result<Claims, IdTokenError> {
        let algorithm = self.algorithm;
        check(self.into_claims(), algorithm, expected, now)
    }
}

/// Whether an `aud` names us, and beside us only whom the settings name.
pub(super) fn is_for(
    audience: Option<&Value>,
    client_id: &str,
    others: &[String],
) -> Result<Audience, IdTokenError> {
    match audience {
        Some(Value::String(one)) if one == client_id => Ok(Audience::UsAlone),
        Some(Value::Array(all)) if all.iter().any(|one| one.as_str() == Some(client_id)) => {
            let mut strangers = all.iter().filter(|one| one.as_str() != Some(client_id)).peekable();
            let known = |one: &Value| others.iter().any(|other| one.as_str() == Some(other));
            if strangers.peek().is_none() {
                Ok(Audience::UsAlone)
            } else if strangers.all(known) {
                Ok(Audience::UsAndOthers)
            } else {
                Err(IdTokenError::OtherAudiences)
            }
        }
        _ => Err(IdTokenError::Audience),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    UsAlone,
    UsAndOthers,
}

/// Checks the claims of a token whose signature is good: the rules of Core
/// §3.1.3.7 and §3.1.3.8, each on its own line.
fn check(
    claims: Map<String, Value>,
    algorithm: Algorithm,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Claims, IdTokenError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).map(|value| value.as_f64());

    // 2. The issuer is the one we asked, to the letter.
    if text("iss") != Some(expected.issuer) {
        return Err(IdTokenError::Issuer);
    }
    // 3. It is for us, and for nobody whom we do not know beside us.
    let audience = is_for(claims.get("aud"), expected.client_id, expected.audiences)?;
    // 4, 5. Where it says to whom it was issued, that is us; and where there are
    // others, it says so.
    match claims.get("azp").map(Value::as_str) {
        Some(azp) if azp != Some(expected.client_id) => return Err(IdTokenError::AuthorizedParty),
        None if audience == Audience::UsAndOthers => return Err(IdTokenError::OtherAudiences),
        _ => {}
    }
    // 9. It has not expired.
    let at_now = now;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    let now = now.as_seconds() as f64;
    #[expect(clippy::cast_precision_loss, reason = "a minute")]
    let leeway = LEEWAY.as_seconds() as f64;
    match time("exp") {
        Some(Some(exp)) if now < exp + leeway => {}
        _ => return Err(IdTokenError::Expired),
    }
    // 10. It was issued, and not in the future; nor is it for later (RFC 7519 §4.1.5).
    match time("iat") {
        Some(Some(iat)) if iat <= now + leeway => {}
        _ => return Err(IdTokenError::NotYetValid),
    }
    match time("nbf") {
        None => {}
        Some(Some(nbf)) if nbf <= now + leeway => {}
        Some(_) => return Err(IdTokenError::NotYetValid),
    }
    // 11. It belongs to this attempt.
    if text("nonce") != Some(expected.nonce) {
        return Err(IdTokenError::Nonce);
    }
    // 13. Where the person was to be asked anew, they were: no earlier than this
    // attempt began, and not in the future.
    let auth_time = claims.get("auth_time").and_then(Value::as_i64).map(Timestamp::from_seconds);
    let auth_time = auth_time.filter(|at| *at <= at_now.plus(LEEWAY)).map(|at| at.min(at_now));
    if let Some(since) = expected.authenticated_since
        && auth_time.is_none_or(|at| at < since.minus(LEEWAY))
    {
        return Err(IdTokenError::AuthTime);
    }
    // §3.1.3.8. It belongs to this access token, where it says so.
    if let Some(at_hash) = claims.get("at_hash")
        && at_hash.as_str() != Some(&half_hash(algorithm, expected.access_token))
    {
        return Err(IdTokenError::AccessTokenHash);
    }
    // §2. The subject is one.
    if claims.get("sub").is_some_and(Value::is_number) {
        return Err(IdTokenError::NumericSubject);
    }
    let subject =
        Subject::new(text("sub").unwrap_or_default()).map_err(|_| IdTokenError::Subject)?;
    Ok(Claims { subject, auth_time, all: claims })
}

/// The left half of the hash that goes with the algorithm (Core §3.1.3.6).
fn half_hash(algorithm: Algorithm, access_token: &str) -> String {
    let digest = digest::digest(algorithm.digest(), access_token.as_bytes());
    let half = digest.as_ref().len() / 2;
    base64url::encode(digest.as_ref().get(..half).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://op.test",
        client_id: "us",
        audiences: &[],
        nonce: "n-1",
        access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
        authenticated_since: None,
    };

    fn good() -> Value {
        json!({
            "iss": "https://op.test", "aud": "us", "sub": "248289761001", "nonce": "n-1",
            "iat": 1_000, "exp": 2_000, "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
        })
    }

    #[test]
    fn each_rule_refuses_for_its_own_reason() {
        let at = 1_500;
        for (member, value, outcome) in [
            ("iss", json!("https://op.test"), Ok(())),
            ("iss", json!("https://op.test/"), Err(IdTokenError::Issuer)),
            ("iss", json!("https://OP.test"), Err(IdTokenError::Issuer)),
            ("iss", Value::Null, Err(IdTokenError::Issuer)),
            ("aud", json!(["us"]), Ok(())),
            ("aud", json!("them"), Err(IdTokenError::Audience)),
            ("aud", json!(["us", "us"]), Ok(())),
            ("aud", json!(["us", "them"]), Err(IdTokenError::OtherAudiences)),
            ("aud", json!(["us", 1]), Err(IdTokenError::OtherAudiences)),
            ("aud", json!(["them"]), Err(IdTokenError::Audience)),
            ("aud", json!([]), Err(IdTokenError::Audience)),
            ("aud", json!(1), Err(IdTokenError::Audience)),
            ("azp", json!("us"), Ok(())),
            ("azp", json!("them"), Err(IdTokenError::AuthorizedParty)),
            ("exp", json!(1_441), Ok(())),
            ("exp", json!(1_440), Err(IdTokenError::Expired)),
            ("exp", json!("2000"), Err(IdTokenError::Expired)),
            ("exp", Value::Null, Err(IdTokenError::Expired)),
            ("iat", json!(1_560), Ok(())),
            ("iat", json!(1_561), Err(IdTokenError::NotYetValid)),
            ("iat", Value::Null, Err(IdTokenError::NotYetValid)),
            ("nbf", json!(1_560), Ok(())),
            ("nbf", json!(1_561), Err(IdTokenError::NotYetValid)),
            ("nbf", json!("0"), Err(IdTokenError::NotYetValid)),
            ("nonce", json!("n-2"), Err(IdTokenError::Nonce)),
            ("nonce", Value::Null, Err(IdTokenError::Nonce)),
            ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RR"), Err(IdTokenError::AccessTokenHash)),
            ("at_hash", json!(1), Err(IdTokenError::AccessTokenHash)),
            ("sub", json!(""), Err(IdTokenError::Subject)),
            ("sub", json!(248_289_761_001_u64), Err(IdTokenError::NumericSubject)),
            ("sub", json!(1.5), Err(IdTokenError::NumericSubject)),
            ("sub", json!(["1"]), Err(IdTokenError::Subject)),
            ("auth_time", json!("soon"), Ok(())),
            ("sub", json!("x".repeat(256)), Err(IdTokenError::Subject)),
        ] {
            let mut claims = good();
            claims[member] = value.clone();
            let Value::Object(claims) = claims else { continue };
            let checked = check(claims, Algorithm::Rs256, &EXPECTED, Timestamp::from_seconds(at));
            assert_eq!(checked.map(|_| ()), outcome, "{member}: {value}");
        }
    }

    /// Core §3.1.3.7, rules 3 to 5.
    #[test]
    fn others_beside_us_have_to_be_known_and_it_has_to_be_ours() {
        let others = ["project".to_owned(), "api".to_owned()];
        let expected = Expected { audiences: &others, ..EXPECTED };
        for (aud, azp, outcome) in [
            (json!(["us", "project"]), json!("us"), Ok(())),
            (json!(["project", "us", "api"]), json!("us"), Ok(())),
            (json!(["us"]), Value::Null, Ok(())),
            (json!(["us", "project"]), Value::Null, Err(IdTokenError::OtherAudiences)),
            (json!(["us", "project"]), json!("project"), Err(IdTokenError::AuthorizedParty)),
            (json!(["us", "project"]), json!(["us"]), Err(IdTokenError::AuthorizedParty)),
            (json!(["us", "stranger"]), json!("us"), Err(IdTokenError::OtherAudiences)),
            (json!(["us", "project", "stranger"]), json!("us"), Err(IdTokenError::OtherAudiences)),
            (json!(["project", "api"]), json!("us"), Err(IdTokenError::Audience)),
            (json!("project"), json!("us"), Err(IdTokenError::Audience)),
        ] {
            let Value::Object(mut claims) = good() else { continue };
            claims.insert("aud".to_owned(), aud.clone());
            if !azp.is_null() {
                claims.insert("azp".to_owned(), azp.clone());
            }
            let now = Timestamp::from_seconds(1_500);
            let checked = check(claims, Algorithm::Rs256, &expected, now).map(|_| ());
            assert_eq!(checked, outcome, "{aud} {azp}");
        }
    }

    /// Rule 13: the person was asked since then, give or take a minute.
    #[test]
    fn a_proof_that_was_asked_for_has_to_be_there_and_new() {
        let at = Timestamp::from_seconds;
        for (auth_time, believed, fresh) in [
            (json!(1_500), Some(at(1_500)), true),
            (json!(1_340), Some(at(1_340)), true),
            (json!(1_339), Some(at(1_339)), false),
            (json!(1_560), Some(at(1_500)), true),
            (json!(1_561), None, false),
            (json!(0), Some(at(0)), false),
            (json!(-1), Some(at(-1)), false),
            (json!("1500"), None, false),
            (json!(1e300), None, false),
            (Value::Null, None, false),
        ] {
            let Value::Object(mut claims) = good() else { continue };
            claims.insert("auth_time".to_owned(), auth_time.clone());
            let judged = |since| {
                let expected = Expected { authenticated_since: since, ..EXPECTED };
                check(claims.clone(), Algorithm::Rs256, &expected, at(1_500))
            };
            let said = judged(None).ok().and_then(|claims| claims.auth_time);
            assert_eq!(said, believed, "{auth_time}");
            assert_eq!(judged(Some(at(1_400))).is_ok(), fresh, "{auth_time}");
        }
    }

    #[test]
    fn without_at_hash_it_is_not_checked() {
        let mut claims = good();
        if let Some(claims) = claims.as_object_mut() {
            claims.remove("at_hash");
            let claims = claims.clone();
            let checked =
                check(claims, Algorithm::Rs256, &EXPECTED, Timestamp::from_seconds(1_500));
            assert!(checked.is_ok());
        }
    }

    #[test]
    fn headers_are_judged_before_anything_else() {
        let token = |header: Value| {
            let part = |json: &Value| base64url::encode(json.to_string());
            format!("{}.{}.c2ln", part(&header), part(&good()))
        };
        for (header, outcome) in [
            (json!({"alg": "RS256", "kid": "1"}), Ok(())),
            (json!({"alg": "EdDSA", "typ": "JWT"}), Ok(())),
            (json!({"alg": "none"}), Err(IdTokenError::Algorithm)),
            (json!({"alg": "None"}), Err(IdTokenError::Algorithm)),
            (json!({"alg": "HS256"}), Err(IdTokenError::Algorithm)),
            (json!({"alg": "RS257"}), Err(IdTokenError::Algorithm)),
            (json!({"alg": 1}), Err(IdTokenError::Algorithm)),
            (json!({}), Err(IdTokenError::Algorithm)),
            (json!({"alg": "RS256", "typ": "at+jwt"}), Err(IdTokenError::Type)),
            (json!({"alg": "RS256", "typ": "logout+jwt"}), Err(IdTokenError::Type)),
            (json!({"alg": "RS256", "crit": ["b64"], "b64": false}), Err(IdTokenError::Critical)),
            (json!({"alg": "RS256", "crit": []}), Err(IdTokenError::Critical)),
        ] {
            let token = token(header.clone());
            assert_eq!(parse(&token).map(|_| ()), outcome, "{header}");
        }
        for junk in
            ["", ".", "..", "a.b", "a.b.c", "null", "e30.e30", "e30.bnVsbA.e30", "e30=.e30.e30"]
        {
            assert!(parse(junk).is_err(), "{junk}");
        }
    }

    /// One reader would take the first, another the last.
    #[test]
    fn what_is_said_twice_is_refused_in_header_and_claims() {
        let (header, claims) = (r#"{"alg":"RS256"}"#, good().to_string());
        let twice = |json: &str, first: &str| json.replacen('{', first, 1);
        for (header, claims, outcome) in [
            (header.to_owned(), claims.clone(), Ok(())),
            (twice(header, r#"{"alg":"none","#), claims.clone(), Err(IdTokenError::Duplicate)),
            (
                twice(header, r#"{"kid":"1","k\u0069d":"2","#),
                claims.clone(),
                Err(IdTokenError::Duplicate),
            ),
            (
                header.to_owned(),
                twice(&claims, r#"{"sub":"another","#),
                Err(IdTokenError::Duplicate),
            ),
            (
                header.to_owned(),
                twice(&claims, r#"{"x":1,"\u0078":1,"#),
                Err(IdTokenError::Duplicate),
            ),
            (header.to_owned(), twice(&claims, r#"{"x":{"y":1,"y":2},"#), Ok(())),
        ] {
            let token =
                format!("{}.{}.c2ln", base64url::encode(&header), base64url::encode(&claims));
            assert_eq!(parse(&token).map(|_| ()), outcome, "{header} {claims}");
        }
    }
}
