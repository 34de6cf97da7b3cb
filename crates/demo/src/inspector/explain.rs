//! Warnings about dangerous header members. `inspector-members.html` explains each member.

use serde_json::Value;

pub(crate) fn danger(name: &str, value: &Value, typ: Option<&str>) -> Option<&'static str> {
    Some(match name {
        // The key of a DPoP proof: the access token contains its hash (RFC 9449 §6.1).
        "jwk" if typ == Some("dpop+jwt") => return None,
        "alg" if value.as_str().is_some_and(|alg| alg.eq_ignore_ascii_case("none")) => {
            "It is not signed. A library that accepts it lets anyone in (RFC 8725 §3.2)."
        }
        "alg" if value.as_str().is_some_and(|alg| alg.starts_with("HS")) => {
            "Anyone who can verify it can also sign it. A library that takes a public key for the \
             secret accepts forgeries (RFC 8725 §2.1)."
        }
        "jwk" | "x5c" => {
            "A key that comes with the token proves nothing: a forger sends their own \
             (RFC 8725 §3.10)."
        }
        "jku" | "x5u" => {
            "A verifier that follows it fetches whatever URL a forger chooses (RFC 8725 §3.10). \
             It was not followed."
        }
        "crit" => {
            "A verifier must refuse extensions that it does not understand. Many libraries ignore \
             this (RFC 7515 §4.1.11)."
        }
        "b64" => "A verifier that ignores it checks other text than was signed (RFC 7797 §6).",
        "zip" => "A small token may decompress into a huge one (RFC 8725 §3.6).",
        "kid" if value.as_str().is_some_and(looks_like_injection) => {
            "It looks like a path, a URL or a query. A verifier that uses it as one opens what a \
             forger chooses (RFC 8725 §3.10)."
        }
        _ => return None,
    })
}

fn looks_like_injection(kid: &str) -> bool {
    let lower = kid.to_ascii_lowercase();
    ["/", "\\", "..", "'", "\"", ";", "--", "|", "$(", "`", "\0", "\n", " union ", "select "]
        .iter()
        .any(|pattern| lower.contains(pattern))
}
