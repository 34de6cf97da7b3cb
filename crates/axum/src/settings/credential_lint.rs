//! Detects placeholders, and credentials in the wrong variable.

use super::problem::Problem;

/// The format of a built-in provider's credentials.
struct Format {
    prefix: &'static str,
    is_id: fn(&str) -> bool,
    is_secret: fn(&str) -> bool,
    id_hint: &'static str,
}

const FORMATS: [Format; 3] = [
    Format {
        prefix: "GOOGLE",
        is_id: |text| text.ends_with(".apps.googleusercontent.com"),
        is_secret: |text| text.starts_with("GOCSPX-"),
        id_hint: "Google's client IDs end with .apps.googleusercontent.com.",
    },
    Format {
        prefix: "GITHUB",
        is_id: |text| {
            ["Ov23", "Iv23", "Iv1."].iter().any(|p| text.starts_with(p)) || is_hex(text, 20)
        },
        is_secret: |text| is_hex(text, 40),
        id_hint: "GitHub's client IDs start with Ov23 or Iv, or are 20 hexadecimal digits.",
    },
    Format {
        prefix: "FACEBOOK",
        is_id: |text| text.len() >= 10 && text.bytes().all(|b| b.is_ascii_digit()),
        is_secret: |text| is_hex(text, 32),
        id_hint: "Facebook's app IDs are numbers.",
    },
];

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Checks a client ID and secret: errors if they cannot work, a warning if the ID looks unusual.
/// Formats are known for the built-in providers only.
pub(super) fn lint(prefix: &str, id: &str, secret: &str) -> Result<Option<Problem>, Vec<Problem>> {
    const FIX: &str = "Copy it from the provider, or leave both empty.";
    let problem =
        |field, message, fix| Problem::with_fix(&format!("{prefix}_CLIENT_{field}"), message, fix);
    let fields = [("ID", id), ("SECRET", secret)].into_iter();
    let placeholders = fields.filter(|(_, text)| is_placeholder(text));
    let errors: Vec<_> =
        placeholders.map(|(field, _)| problem(field, "is a placeholder", FIX)).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    if id == secret {
        return Err(vec![problem("SECRET", "repeats the client ID", "Set it to the secret.")]);
    }
    let Some(format) = FORMATS.iter().find(|format| format.prefix == prefix) else {
        return Ok(None);
    };
    if (format.is_secret)(id) || (format.is_id)(secret) {
        Err(vec![problem("ID", "and the client secret look swapped", "Swap the two.")])
    } else if id.starts_with("http:") || id.starts_with("https:") {
        Err(vec![problem("ID", "is a URL", "Set it to the client ID alone, without http://.")])
    } else {
        let warning = || problem("ID", "does not look like a client ID", format.id_hint);
        Ok((!(format.is_id)(id)).then(warning))
    }
}

/// `<your secret>`, `${SECRET}`, `{{ secret }}`, `$(cat secret)`.
pub(super) fn is_template(text: &str) -> bool {
    const BRACKETS: [(&str, &str); 4] = [("<", ">"), ("${", "}"), ("{{", "}}"), ("$(", ")")];
    BRACKETS.iter().any(|(open, close)| text.starts_with(open) && text.ends_with(close))
}

/// Whether a URL contains a placeholder, like `https://your-tenant.example/{tenant}`.
pub(super) fn has_placeholder(url: &str) -> bool {
    const PARTS: [&str; 6] =
        ["your-", "your_", "yourtenant", "yourdomain", "yourcompany", "yourorg"];
    let lower = url.to_lowercase();
    lower.contains(['<', '>', '{', '}']) || PARTS.iter().any(|part| lower.contains(part))
}

pub(super) fn is_placeholder(text: &str) -> bool {
    const WHOLE: [&str; 8] =
        ["todo", "fixme", "tbd", "none", "null", "nil", "undefined", "redacted"];
    // Too long to occur in a random secret by chance.
    const PARTS: &str = "\
         changeme changethis placeholder replaceme replacethis replacewith yourclient yoursecret \
         yourgoogle yourgithub yourfacebook yourapp secrethere clientidhere";
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    let letters = letters.collect::<String>().to_ascii_lowercase();
    is_template(text)
        || is_one_symbol(text)
        || WHOLE.contains(&letters.as_str())
        || PARTS.split(' ').any(|part| letters.contains(part))
        || letters.starts_with("your")
}

/// `xxx`, `...`, `***`, also in groups: `xxxx-xxxx`.
fn is_one_symbol(text: &str) -> bool {
    let mut symbols: Vec<_> = text.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
    symbols.dedup();
    text.chars().count() >= 3
        && matches!(symbols[..], [] | ['x' | 'X' | '.' | '*' | '?' | '#' | '0' | '\u{2026}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_distinguished_from_real_values() {
        let placeholders = "\
             your-client-id, YOUR_CLIENT_SECRET, your client id, xxx, XXXXXXXX, xxxx-xxxx-xxxx, \
             changeme, CHANGE_ME, change-me-please, <client id>, <...>, ..., …………, ***, TODO, \
             null, ${GOOGLE_CLIENT_ID}, {{ secret }}, $(cat secret), replace-with-real-id, \
             placeholder, 000000, put-your-client-id-here";
        let values = "\
             id, a, hush, acme client:1, secret, password, latchkey, my-app, \
             Ov23liAbCdEfGhIjKlMn, GOCSPX-3f7Kq9Zr1xV8bN5mT2wY6cH4, xoxb-12, 1234567890123, \
             s3cret+&%/\u{e9} word, 3f7Kq9Zr1xV8bN5mT2wY6cH4jL0pD3sG, test";
        assert_eq!(placeholders.split(", ").find(|text| !is_placeholder(text)), None);
        assert_eq!(values.split(", ").find(|text| is_placeholder(text)), None);
    }

    #[test]
    fn placeholder_urls_are_detected() {
        for (url, expected) in [
            ("https://login.microsoftonline.com/{tenant}/v2.0", true),
            ("https://<domain>/realms/x", true),
            ("https://your-tenant.eu.auth0.com/", true),
            ("https://YOURTENANT.okta.com", true),
            ("https://accounts.google.com", false),
            ("http://127.0.0.1:8080/realms/four-your", false),
        ] {
            assert_eq!(has_placeholder(url), expected, "{url}");
        }
    }

    #[test]
    fn provider_credential_formats_are_linted() {
        const GOOGLE_ID: &str = "1234-abc.apps.googleusercontent.com";
        const GOOGLE_URL: &str = "http://1234-abc.apps.googleusercontent.com";
        const HEX_20: &str = "0123456789abcdef0123";
        const HEX_32: &str = "0123456789abcdef0123456789abcdef";
        const HEX_40: &str = "0123456789abcdef0123456789abcdef01234567";
        let (bad_id, bad_secret) = (Some(("_CLIENT_ID", true)), Some(("_CLIENT_SECRET", true)));
        let odd_id = Some(("_CLIENT_ID", false));
        for (prefix, id, secret, expected) in [
            ("GOOGLE", GOOGLE_ID, "GOCSPX-abc", None),
            ("GOOGLE", "GOCSPX-abc", GOOGLE_ID, bad_id),
            ("GOOGLE", GOOGLE_ID, GOOGLE_ID, bad_secret),
            ("GOOGLE", GOOGLE_URL, "GOCSPX-abc", bad_id),
            ("GOOGLE", "1234-abc", "GOCSPX-abc", odd_id),
            ("GOOGLE", "your-client-id", "GOCSPX-abc", bad_id),
            ("GOOGLE", GOOGLE_ID, "changeme", bad_secret),
            ("GITHUB", "Ov23liAbCdEfGhIjKlMn", HEX_40, None),
            ("GITHUB", HEX_20, HEX_40, None),
            ("GITHUB", HEX_40, HEX_20, bad_id),
            ("GITHUB", HEX_40, "hush", bad_id),
            ("GITHUB", "id", "hush", odd_id),
            ("FACEBOOK", "1234567890123456", HEX_32, None),
            ("FACEBOOK", HEX_32, "1234567890123456", bad_id),
            ("FACEBOOK", "latchkey", HEX_32, odd_id),
            // Any format is valid at other issuers.
            ("OIDC_ACME", "https://client.test/id", "hush", None),
            ("OIDC_ACME", "<client id>", "hush", bad_id),
        ] {
            let linted = lint(prefix, id, secret);
            let fatal = linted.is_err();
            let problems = linted.unwrap_or_else(|fatal| fatal.into_iter().next());
            let found = problems
                .as_ref()
                .map(|one| (one.variable.strip_prefix(prefix).unwrap_or_default(), fatal));
            assert_eq!(found, expected, "{prefix} {id} {secret}: {problems:?}");
        }
    }
}
