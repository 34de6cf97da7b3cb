//! A signed result: a JWS (RFC 7515 §7.1) that anyone can verify with the published keys.

use latchkey_auth::jose::base64url::encode;
use latchkey_lab::run::{VERSION, machine};
use latchkey_web::app::Application;
use serde_json::{Value, json};

use super::results::Measured;

/// Distinguishes a card from an access token (RFC 8725 §3.11).
pub(crate) const TYPE: &str = "claim-card+jwt";

/// `None` with a symmetric key, because no one else could verify the card.
pub(super) fn sign(app: &Application, measured: &Measured) -> Option<String> {
    let (ring, outcome) = (app.keys.ring(), &measured.outcome);
    let key = ring.signing_key(app.clock.now()).filter(|key| !key.algorithm().is_symmetric())?;
    let figure = |one: &latchkey_lab::Figure| {
        let interval = one.interval;
        let [median, low, high] = [interval.median, interval.low, interval.high].map(round);
        json!({
            "label": one.label, "unit": one.unit, "n": one.n,
            "median": median, "low": low, "high": high,
        })
    };
    let header = json!({ "alg": key.algorithm().as_str(), "kid": key.kid(), "typ": TYPE });
    let claims = json!({
        "iss": app.settings.jwt.issuer,
        "iat": measured.at.as_seconds(),
        "number": outcome.number,
        "claim": outcome.sentence,
        "verdict": outcome.in_words(),
        "because": outcome.because(),
        "figures": outcome.figures.iter().map(figure).collect::<Value>(),
        "ground": measured.instances,
        "machine": machine(),
        "version": VERSION,
    });
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = key.sign(message.as_bytes()).ok()?;
    Some(format!("{message}.{}", encode(signature)))
}

/// To three decimal places, more than the precision of a measurement.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
