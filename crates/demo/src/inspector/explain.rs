//! What the members of a header and the claims mean, in one table each, and
//! which headers are dangerous.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) section: &'static str,
    pub(crate) is_time: bool,
}

const fn known(name: &'static str, section: &'static str, meaning: &'static str) -> Known {
    Known { name, meaning, section, is_time: false }
}

const fn time(name: &'static str, section: &'static str, meaning: &'static str) -> Known {
    Known { name, meaning, section, is_time: true }
}

pub(crate) const HEADER: &[Known] = &[
    known("alg", "RFC 7515 §4.1.1", "How it is signed. The key decides whether that is taken."),
    known("kid", "RFC 7515 §4.1.4", "Which key signed it: a name to look up, and nothing else."),
    known("typ", "RFC 7515 §4.1.9", "What kind of token it is: at+jwt is an access token."),
    known("cty", "RFC 7515 §4.1.10", "What is inside; JWT means another token."),
    known("crit", "RFC 7515 §4.1.11", "Extensions that a reader has to understand, or refuse it."),
    known("jwk", "RFC 7515 §4.1.3", "A key that the token brings along."),
    known("jku", "RFC 7515 §4.1.2", "An address at which its keys are said to be."),
    known("x5u", "RFC 7515 §4.1.5", "An address at which its certificate is said to be."),
    known("x5c", "RFC 7515 §4.1.6", "A chain of certificates that the token brings along."),
    known("x5t", "RFC 7515 §4.1.7", "The SHA-1 thumbprint of a certificate."),
    known("x5t#S256", "RFC 7515 §4.1.8", "The SHA-256 thumbprint of a certificate."),
    known("b64", "RFC 7797 §3", "Whether the payload is base64url; false changes what is signed."),
    known("enc", "RFC 7516 §4.1.2", "How the content is encrypted."),
    known("zip", "RFC 7516 §4.1.3", "That the content is compressed."),
    known("epk", "RFC 7518 §4.6.1.1", "The sender’s one-time key for the encryption."),
];

pub(crate) const CLAIMS: &[Known] = &[
    known("iss", "RFC 7519 §4.1.1", "Who issued it."),
    known("sub", "RFC 7519 §4.1.2", "Whose it is, as the issuer calls them."),
    known("aud", "RFC 7519 §4.1.3", "Whom it is for. Everybody else has to refuse it."),
    time("exp", "RFC 7519 §4.1.4", "From then on it is refused."),
    time("nbf", "RFC 7519 §4.1.5", "Before then it is refused."),
    time("iat", "RFC 7519 §4.1.6", "When it was issued."),
    known("jti", "RFC 7519 §4.1.7", "Its own number, so that it can be told from its like."),
    known("client_id", "RFC 9068 §2.2", "The program that it was issued to."),
    known("scope", "RFC 9068 §2.2.3", "What it may do, with blanks between."),
    known("roles", "RFC 9068 §2.2.3.1", "What its person is there."),
    known("groups", "RFC 9068 §2.2.3.1", "The groups that its person belongs to."),
    known("entitlements", "RFC 9068 §2.2.3.1", "What its person has a right to."),
    time("auth_time", "OpenID Connect Core §2", "When its person last proved who they are."),
    known("amr", "RFC 8176 §2", "How they proved it: pwd is a password, fed another provider."),
    known("acr", "OpenID Connect Core §2", "How well they proved it."),
    known("nonce", "OpenID Connect Core §2", "What binds an ID token to one sign-in."),
    known("azp", "OpenID Connect Core §2", "The client that it was issued to."),
    known("at_hash", "OpenID Connect Core §3.1.3.6", "Binds an ID token to its access token."),
    known("c_hash", "OpenID Connect Core §3.3.2.11", "Binds an ID token to its code."),
    known("sid", "OpenID Connect Front-Channel Logout §3", "The sign-in that it belongs to."),
    known("cnf", "RFC 7800 §3.1", "The key that whoever shows it has to prove."),
    known("act", "RFC 8693 §4.1", "Who acts in its person’s place."),
    known("name", "OpenID Connect Core §5.1", "What to call them."),
    known("given_name", "OpenID Connect Core §5.1", "Their given name."),
    known("family_name", "OpenID Connect Core §5.1", "Their family name."),
    known("preferred_username", "OpenID Connect Core §5.1", "What they like to be called."),
    known("email", "OpenID Connect Core §5.1", "Their address, as of the issue."),
    known("email_verified", "OpenID Connect Core §5.1", "Whether it was proved to be theirs."),
    known("picture", "OpenID Connect Core §5.1", "Where a picture of them is."),
    known("locale", "OpenID Connect Core §5.1", "Their language."),
    time("updated_at", "OpenID Connect Core §5.1", "When their profile last changed."),
    known("created_at", "Latchkey", "When the account was made, in milliseconds."),
];

/// What is dangerous about a member of a header, if anything is.
pub(crate) fn danger(name: &str, value: &Value) -> Option<&'static str> {
    Some(match name {
        "alg" if value.as_str().is_some_and(|alg| alg.eq_ignore_ascii_case("none")) => {
            "Not signed at all. A library that takes it lets everybody in (RFC 8725 §3.2)."
        }
        "alg" if value.as_str().is_some_and(|alg| alg.starts_with("HS")) => {
            "Whoever can verify it can also sign it. Given a public key as the secret, a careless \
             library takes forgeries (RFC 8725 §2.1)."
        }
        "jwk" | "x5c" => {
            "A key that comes with a token proves nothing: the forger sends their own \
             (RFC 8725 §3.10)."
        }
        "jku" | "x5u" => {
            "Whoever follows it fetches what the forger wants, from where the forger wants \
             (RFC 8725 §3.10). It was not followed."
        }
        "crit" => "Not understood means refused. Many libraries overlook it (RFC 7515 §4.1.11).",
        "b64" => "What is signed is not what is written, if a reader overlooks it (RFC 7797 §6).",
        "zip" => "A small token may unpack into a large one (RFC 8725 §3.6).",
        "kid" if value.as_str().is_some_and(looks_like_more_than_a_name) => {
            "It looks like a path, an address or a statement. A kid that is put into one opens \
             what the forger names (RFC 8725 §3.10)."
        }
        _ => return None,
    })
}

fn looks_like_more_than_a_name(kid: &str) -> bool {
    let lower = kid.to_ascii_lowercase();
    ["/", "\\", "..", "'", "\"", ";", "--", "|", "$(", "`", "\0", "\n", " union ", "select "]
        .iter()
        .any(|sign| lower.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_explained_once() {
        for table in [HEADER, CLAIMS] {
            for known in table {
                assert_eq!(table.iter().filter(|other| other.name == known.name).count(), 1);
                assert!(known.meaning.ends_with('.'), "{}", known.meaning);
            }
        }
    }
}
