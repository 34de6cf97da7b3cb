//! Tokens that can be read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Redactor, SHORT};
use crate::traces::text::{Kind, Letter, Piece, short};

impl Redactor {
    /// A signed JWT (RFC 7515 §3.1) without its signature: everybody may read
    /// it, and nobody can use it. `None` when it is none.
    pub(super) fn jwt(&mut self, kind: Kind, letter: Letter, token: &str) -> Option<Piece> {
        let mut parts = token.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || signature.is_empty() {
            return None;
        }
        let read = |part: &str| {
            let json = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Value>(&json).ok().filter(Value::is_object)
        };
        read(header)?.get("alg")?;
        let claims = read(payload)?;
        let nonce = claims.get("nonce").and_then(Value::as_str).filter(|n| n.len() >= 4 * SHORT);
        let nonce = nonce.map(|nonce| (nonce, self.labels.letter(Kind::Nonce, nonce)));
        let payload = match nonce {
            Some((nonce, letter)) => with_short_nonce(payload, nonce, letter)?,
            None => payload.to_owned(),
        };
        Some(Piece::Jwt {
            kind,
            letter,
            header: header.to_owned(),
            payload,
            signature: signature.len(),
            nonce: nonce.map(|(_, letter)| letter),
        })
    }
}

/// The nonce is shown here as it is in the authorization request: in part.
fn with_short_nonce(payload: &str, nonce: &str, letter: Letter) -> Option<String> {
    let begins: String = nonce.chars().take(SHORT).filter(char::is_ascii).collect();
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let shown = short(Kind::Nonce, letter, &begins, nonce.len());
    Some(URL_SAFE_NO_PAD.encode(json.replace(nonce, &shown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_what_it_says_and_loses_what_makes_it_good() {
        let nonce = "n0nce-0123456789012345678901234567890123456";
        let claims = format!(r#"{{"sub":"ada","nonce":"{nonce}"}}"#);
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let token = format!(
            "{}.{}.{}",
            encode(r#"{"alg":"RS256"}"#),
            encode(&claims),
            "s1gn4ture".repeat(30)
        );
        let shown = Redactor::default().bare(Kind::IdToken, &token);
        assert_eq!(shown.len(), token.len());
        let text = shown.to_string();
        assert!(!text.contains("s1gn4ture") && text.contains(".redacted-signature-A---"));
        let payload = text.split('.').nth(1).expect("a payload");
        let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
        let claims: Value = serde_json::from_slice(&payload).expect("JSON");
        assert_eq!(claims["sub"], "ada");
        assert!(claims["nonce"].as_str().is_some_and(|n| n.starts_with("n0nce--nonce-A-")));
    }

    #[test]
    fn what_is_no_signed_token_shows_nothing() {
        for token in
            ["gho_0123456789", "a.b.c", "e30.e30.c", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.e30."]
        {
            let shown = Redactor::default().bare(Kind::AccessToken, token);
            assert!(matches!(shown.0[..], [Piece::Secret { .. }]), "{token}");
        }
    }
}
