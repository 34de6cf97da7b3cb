//! The keys with which an issuer signs (RFC 7517, OpenID Connect Core §10.1.1).

use parking_lot::RwLock;
use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use latchkey_domain::{Span, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::error::{Error, Step, json};
use crate::http::Outbound;

/// How many fetches a stream of unknown `kid`s can bring about at once…
const BURST: i64 = 5;

/// …and how often one more is allowed after that.
const COOL_DOWN: Span = Span::seconds(30);

/// More keys than any issuer publishes.
const MAX_KEYS: usize = 100;

/// The smallest RSA modulus that is believed, in bits (RFC 7518 §3.3).
const MIN_RSA_BITS: usize = 2048;

/// An issuer's keys, as last fetched.
///
/// A token that names a key we do not know makes us fetch at once, for that is
/// how a rotation looks (Core §10.1.1). Whoever sends us a stream of such
/// tokens gets five fetches out of us, then one every thirty seconds.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: RwLock<Option<Arc<Vec<Jwk>>>>,
    fetches: Mutex<Bucket>,
}

impl KeySet {
    /// The keys that may have signed a token with this header, fetched anew
    /// when none of those we have can.
    pub(crate) async fn candidates(
        &self,
        http: &Outbound,
        jwks_uri: &Url,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Vec<DecodingKey>, Error> {
        let known = self.read();
        if let Some(keys) = known.as_deref() {
            let usable = usable(keys, kid, algorithm);
            if !usable.is_empty() {
                return Ok(usable);
            }
        }
        let mut fetches = self.fetches.lock().await;
        // Somebody else may have fetched while we waited for our turn.
        let keys = match self.read() {
            Some(newer) if !same(known.as_ref(), &newer) => newer,
            _ if fetches.take(now) => self.fetch(http, jwks_uri).await?,
            Some(keys) => keys,
            None => return Err(Error::nonsense(Step::Keys, "they were asked for too often")),
        };
        Ok(usable(&keys, kid, algorithm))
    }

    async fn fetch(&self, http: &Outbound, jwks_uri: &Url) -> Result<Arc<Vec<Jwk>>, Error> {
        let answer = http.get(jwks_uri, None).await.map_err(Error::unreachable(Step::Keys))?;
        let document: Document = json(Step::Keys, &answer)?;
        // RFC 7517 §5: a key that cannot be understood is passed over.
        let keys = document.keys.into_iter().take(MAX_KEYS);
        let keys = keys.filter_map(|key| serde_json::from_value(key).ok()).collect();
        let keys = Arc::new(keys);
        *self.keys.write() = Some(Arc::clone(&keys));
        Ok(keys)
    }

    fn read(&self) -> Option<Arc<Vec<Jwk>>> {
        self.keys.read().clone()
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

fn same(known: Option<&Arc<Vec<Jwk>>>, newer: &Arc<Vec<Jwk>>) -> bool {
    known.is_some_and(|known| Arc::ptr_eq(known, newer))
}

/// A bucket of fetches that fills up again slowly.
#[derive(Debug, Default)]
struct Bucket {
    taken: i64,
    since: Option<Timestamp>,
}

impl Bucket {
    fn take(&mut self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        let refilled = now.since(since).as_millis() / COOL_DOWN.as_millis();
        if refilled > 0 {
            self.taken = (self.taken - refilled).max(0);
            self.since = Some(now);
        }
        let allowed = self.taken < BURST;
        if allowed {
            self.taken += 1;
        }
        allowed
    }
}

/// Those of the keys that may have signed a token with this header.
fn usable(keys: &[Jwk], kid: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
    keys.iter()
        // Without a `kid` in the token every key that fits is tried.
        .filter(|key| kid.is_none() || key.common.key_id.as_deref() == kid)
        .filter(|key| fits(key, algorithm))
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .collect()
}

/// Whether a key is for signatures of this algorithm, and strong enough.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let for_signatures =
        key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let for_this_algorithm = key
        .common
        .key_algorithm
        .as_ref()
        .is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    let of_its_kind = match (&key.algorithm, algorithm) {
        (
            AlgorithmParameters::RSA(rsa),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => bits(&rsa.n) >= MIN_RSA_BITS && bits(&rsa.e) > 1,
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES256) => {
            ec.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES384) => {
            ec.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::OctetKeyPair(okp), Algorithm::EdDSA) => {
            okp.curve == EllipticCurve::Ed25519
        }
        // A symmetric key that is published is no secret.
        _ => false,
    };
    for_signatures && for_this_algorithm && of_its_kind
}

/// How many bits a base64url number has.
fn bits(number: &str) -> usize {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(number).unwrap_or_default();
    let significant = bytes.iter().skip_while(|byte| **byte == 0).count();
    let leading = bytes.iter().find(|byte| **byte != 0).map_or(0, |byte| byte.leading_zeros());
    significant * 8 - leading as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_are_bounded() {
        let mut bucket = Bucket::default();
        let start = Timestamp::from_seconds(1_000);
        let taken = (0..100).filter(|_| bucket.take(start)).count();
        assert_eq!(taken, 5);
        assert!(!bucket.take(start.plus(Span::seconds(29))));
        assert!(bucket.take(start.plus(Span::seconds(30))));
        assert!(!bucket.take(start.plus(Span::seconds(31))));
    }

    #[test]
    fn keys_that_do_not_fit_are_passed_over() -> Result<(), serde_json::Error> {
        let n = "u".repeat(341) + "w";
        let small = "u".repeat(170) + "w";
        let key = |json: serde_json::Value| serde_json::from_value::<Jwk>(json);
        use serde_json::json;
        for (json, algorithm, fitting) in [
            (json!({"kty":"RSA","n":n,"e":"AQAB"}), Algorithm::RS256, true),
            (
                json!({"kty":"RSA","n":n,"e":"AQAB","alg":"RS256","use":"sig"}),
                Algorithm::RS256,
                true,
            ),
            (json!({"kty":"RSA","n":n,"e":"AQAB","alg":"RS512"}), Algorithm::RS256, false),
            (json!({"kty":"RSA","n":n,"e":"AQAB","use":"enc"}), Algorithm::RS256, false),
            (json!({"kty":"RSA","n":small,"e":"AQAB"}), Algorithm::RS256, false),
            (json!({"kty":"RSA","n":n,"e":"AQ"}), Algorithm::RS256, false),
            (json!({"kty":"RSA","n":n,"e":"AQAB"}), Algorithm::ES256, false),
            (json!({"kty":"RSA","n":n,"e":"AQAB"}), Algorithm::HS256, false),
            (json!({"kty":"oct","k":n}), Algorithm::HS256, false),
            (
                json!({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
                Algorithm::EdDSA,
                true,
            ),
        ] {
            assert_eq!(fits(&key(json.clone())?, algorithm), fitting, "{json} {algorithm:?}");
        }
        Ok(())
    }
}
