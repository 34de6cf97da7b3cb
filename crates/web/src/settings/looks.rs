//! What a value looks like that somebody meant to fill in later, or put into
//! the wrong place.

/// What is wrong with a client id or a client secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Oddity {
    pub(super) about: Half,
    /// What is wrong with it and what to write; never its value.
    pub(super) message: String,
    /// Whether it cannot work, or just does not look like it.
    pub(super) hopeless: bool,
}

/// One of the two variables that make a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Id,
    Secret,
}

/// Whether a text is a frame for a value, as in `<your secret>` or `${SECRET}`.
pub(super) fn is_framed(text: &str) -> bool {
    const FRAMES: [(&str, &str); 4] = [("<", ">"), ("${", "}"), ("{{", "}}"), ("$(", ")")];
    FRAMES.iter().any(|(opens, closes)| text.starts_with(opens) && text.ends_with(closes))
}

/// Whether an address has a part that was never filled in, like
/// `https://your-tenant.example/{tenant}`.
pub(super) fn is_unfinished(address: &str) -> bool {
    const PARTS: [&str; 6] =
        ["your-", "your_", "yourtenant", "yourdomain", "yourcompany", "yourorg"];
    let lower = address.to_lowercase();
    lower.contains(['<', '>', '{', '}']) || PARTS.iter().any(|part| lower.contains(part))
}

/// Whether a text stands for a value that was never filled in.
pub(super) fn is_placeholder(text: &str) -> bool {
    const WHOLE: [&str; 8] =
        ["todo", "fixme", "tbd", "none", "null", "nil", "undefined", "redacted"];
    // Long enough that no random secret contains one by chance.
    const WITHIN: [&str; 14] = [
        "changeme",
        "changethis",
        "placeholder",
        "replaceme",
        "replacethis",
        "replacewith",
        "yourclient",
        "yoursecret",
        "yourgoogle",
        "yourgithub",
        "yourfacebook",
        "yourapp",
        "secrethere",
        "clientidhere",
    ];
    let bare: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    is_framed(text)
        || is_one_sign(text)
        || WHOLE.contains(&bare.as_str())
        || WITHIN.iter().any(|word| bare.contains(word))
        || bare.starts_with("your")
}

/// `xxx`, `...`, `***`, and the like, also in groups: `xxxx-xxxx`.
fn is_one_sign(text: &str) -> bool {
    let mut signs: Vec<_> = text.chars().filter(|sign| !matches!(sign, '-' | '_' | ' ')).collect();
    let long_enough = text.chars().count() >= 3;
    signs.dedup();
    long_enough && matches!(signs[..], [] | ['x' | 'X' | '.' | '*' | '?' | '#' | '0' | '\u{2026}'])
}

/// Judges the two halves of a provider's credentials. `slug` is the provider's
/// name if it is one of those that are built in, whose ids and secrets are known
/// by their looks.
pub(super) fn judge(slug: Option<&str>, id: &str, secret: &str) -> Vec<Oddity> {
    let odd = |about, hopeless, message: &str| Oddity { about, message: message.into(), hopeless };
    let unfilled = [(Half::Id, id), (Half::Secret, secret)];
    let unfilled: Vec<_> = unfilled
        .into_iter()
        .filter(|(_, text)| is_placeholder(text))
        .map(|(half, _)| {
            odd(half, true, "is a placeholder: write what the provider shows, or leave both empty")
        })
        .collect();
    if !unfilled.is_empty() {
        return unfilled;
    }
    if id == secret {
        return vec![odd(Half::Secret, true, "is the client id once more: write the secret")];
    }
    let Some(slug) = slug else { return Vec::new() };
    if looks_like_secret(slug, id) || looks_like_id(slug, secret) {
        let message = "looks like the client secret, or the secret like the id: swap the two";
        return vec![odd(Half::Id, true, message)];
    }
    if id.starts_with("http:") || id.starts_with("https:") {
        let message = "is an address: write the client id alone, without http in front";
        return vec![odd(Half::Id, true, message)];
    }
    match usual_id(slug) {
        Some(usual) if !looks_like_id(slug, id) => {
            vec![odd(Half::Id, false, &format!("does not look like one: {usual}"))]
        }
        _ => Vec::new(),
    }
}

fn usual_id(slug: &str) -> Option<&'static str> {
    match slug {
        "google" => Some("Google's client ids end with .apps.googleusercontent.com"),
        "github" => Some("GitHub's client ids begin with Ov23 or Iv, or are 20 hexadecimal digits"),
        "facebook" => Some("Facebook's app ids are numbers"),
        _ => None,
    }
}

fn looks_like_id(slug: &str, text: &str) -> bool {
    match slug {
        "google" => text.ends_with(".apps.googleusercontent.com"),
        "github" => {
            ["Ov23", "Iv23", "Iv1."].iter().any(|start| text.starts_with(start)) || is_hex(text, 20)
        }
        "facebook" => text.len() >= 10 && text.bytes().all(|b| b.is_ascii_digit()),
        _ => false,
    }
}

fn looks_like_secret(slug: &str, text: &str) -> bool {
    match slug {
        "google" => text.starts_with("GOCSPX-"),
        "github" => is_hex(text, 40),
        "facebook" => is_hex(text, 32),
        _ => false,
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_values() {
        for placeholder in [
            "your-client-id",
            "YOUR_CLIENT_SECRET",
            "your client id",
            "xxx",
            "XXXXXXXX",
            "xxxx-xxxx-xxxx",
            "changeme",
            "CHANGE_ME",
            "change-me-please",
            "<client id>",
            "<...>",
            "...",
            "…………",
            "***",
            "TODO",
            "null",
            "${GOOGLE_CLIENT_ID}",
            "{{ secret }}",
            "$(cat secret)",
            "replace-with-real-id",
            "placeholder",
            "000000",
            "put-your-client-id-here",
        ] {
            assert!(is_placeholder(placeholder), "{placeholder}");
        }
        for value in [
            "id",
            "a",
            "hush",
            "acme client:1",
            "secret",
            "password",
            "latchkey",
            "my-app",
            "Ov23liAbCdEfGhIjKlMn",
            "GOCSPX-3f7Kq9Zr1xV8bN5mT2wY6cH4",
            "xoxb-12",
            "1234567890123",
            "s3cret+&%/\u{e9} word",
            "3f7Kq9Zr1xV8bN5mT2wY6cH4jL0pD3sG",
            "test",
        ] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn addresses_are_finished_or_not() {
        for (address, unfinished) in [
            ("https://login.microsoftonline.com/{tenant}/v2.0", true),
            ("https://<domain>/realms/x", true),
            ("https://your-tenant.eu.auth0.com/", true),
            ("https://YOURTENANT.okta.com", true),
            ("https://accounts.google.com", false),
            ("http://127.0.0.1:8080/realms/four-your", false),
        ] {
            assert_eq!(is_unfinished(address), unfinished, "{address}");
        }
    }

    #[test]
    fn credentials_are_judged_by_their_looks() {
        const GOOGLE_ID: &str = "1234-abc.apps.googleusercontent.com";
        const HEX_20: &str = "0123456789abcdef0123";
        const HEX_32: &str = "0123456789abcdef0123456789abcdef";
        const HEX_40: &str = "0123456789abcdef0123456789abcdef01234567";
        let (hopeless, doubtful) = (true, false);
        for (slug, id, secret, expected) in [
            (Some("google"), GOOGLE_ID, "GOCSPX-abc", None),
            (Some("google"), "GOCSPX-abc", GOOGLE_ID, Some((Half::Id, hopeless))),
            (Some("google"), GOOGLE_ID, GOOGLE_ID, Some((Half::Secret, hopeless))),
            (
                Some("google"),
                "http://1234-abc.apps.googleusercontent.com",
                "GOCSPX-abc",
                Some((Half::Id, hopeless)),
            ),
            (Some("google"), "1234-abc", "GOCSPX-abc", Some((Half::Id, doubtful))),
            (Some("google"), "your-client-id", "GOCSPX-abc", Some((Half::Id, hopeless))),
            (Some("google"), GOOGLE_ID, "changeme", Some((Half::Secret, hopeless))),
            (Some("github"), "Ov23liAbCdEfGhIjKlMn", HEX_40, None),
            (Some("github"), HEX_20, HEX_40, None),
            (Some("github"), HEX_40, HEX_20, Some((Half::Id, hopeless))),
            (Some("github"), HEX_40, "hush", Some((Half::Id, hopeless))),
            (Some("github"), "id", "hush", Some((Half::Id, doubtful))),
            (Some("facebook"), "1234567890123456", HEX_32, None),
            (Some("facebook"), HEX_32, "1234567890123456", Some((Half::Id, hopeless))),
            (Some("facebook"), "latchkey", HEX_32, Some((Half::Id, doubtful))),
            // An issuer of one's own may call its clients what it likes.
            (None, "https://client.test/id", "hush", None),
            (None, "<client id>", "hush", Some((Half::Id, hopeless))),
        ] {
            let judged = judge(slug, id, secret);
            let found = judged.first().map(|odd| (odd.about, odd.hopeless));
            assert_eq!(found, expected, "{slug:?} {id} {secret}: {judged:?}");
        }
    }
}
