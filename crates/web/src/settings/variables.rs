//! The one list of variables: what each is called, and what to write.
//!
//! `Reader` refuses to read one that is not listed
//! here, so that the list cannot fall behind; a test compares it with
//! `.env.example`.

#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name; `<NAME>` stands for a name of the owner's choice.
    pub name: &'static str,
    pub meaning: &'static str,
    /// What to write, to go behind "Write".
    pub write: &'static str,
    /// Whether `<name>_FILE` may name a file with the value.
    pub from_file: bool,
}

/// A variable whose value stands in it.
const fn plain(name: &'static str, meaning: &'static str, write: &'static str) -> Variable {
    Variable { name, meaning, write, from_file: false }
}

/// A variable whose value may also come from a file.
const fn secret(name: &'static str, meaning: &'static str, write: &'static str) -> Variable {
    Variable { name, meaning, write, from_file: true }
}

const CLIENT_ID: &str = "the client id, as the provider shows it";
const CLIENT_SECRET: &str = "the client secret, as the provider shows it";
const SPAN: &str = "a time like 30s, 5m, 12h or 7d";
const PORT: &str = "a port number, like 3000";

/// Every variable there is, in the order of `.env.example`.
pub const ALL: &[Variable] = &[
    plain(
        "PUBLIC_URL",
        "the only origin that Latchkey believes in",
        "the address that people type, like https://app.example.com",
    ),
    plain("HOST", "the address to listen on", "an IP address: 127.0.0.1, ::1, 0.0.0.0 or ::"),
    plain("PORT", "the port to listen on", PORT),
    secret(
        "DATABASE_URL",
        "where the database is",
        "sqlite://data/latchkey.db, or postgres://user:password@host/database",
    ),
    secret(
        "APP_SECRET",
        "what encrypts and signs",
        "at least 32 random bytes, for instance what `openssl rand -base64 48` prints",
    ),
    plain("SESSION_IDLE_TTL", "how long a server session lives unused", SPAN),
    plain("SESSION_TTL", "how long a server session lives at the most", SPAN),
    plain("SESSION_CACHE", "whether sessions are remembered for a moment", "off or watch"),
    plain("JWT_ACCESS_TTL", "how long a JWT lives", SPAN),
    plain("JWT_REFRESH_TTL", "how long a JWT is renewed", SPAN),
    plain("JWT_ALGORITHM", "how JWTs are signed", "EdDSA, ES256, RS256 or HS256"),
    secret("JWT_PRIVATE_KEY", "a signing key of your own", "a private key as PEM, PKCS #8"),
    plain("JWT_ISSUER", "who issues JWTs", "a URL; without it, it is PUBLIC_URL"),
    plain("JWT_AUDIENCE", "who JWTs are for", "a URL; without it, it is PUBLIC_URL/api"),
    plain("JWT_REVOCATION", "what ends a JWT", "expiry or watch"),
    plain("TRACES", "whether sign-ins are recorded for their owners", "auto, on or off"),
    secret("GOOGLE_CLIENT_ID", "who Latchkey is to Google", CLIENT_ID),
    secret("GOOGLE_CLIENT_SECRET", "what proves that to Google", CLIENT_SECRET),
    secret("GITHUB_CLIENT_ID", "who Latchkey is to GitHub", CLIENT_ID),
    secret("GITHUB_CLIENT_SECRET", "what proves that to GitHub", CLIENT_SECRET),
    secret("FACEBOOK_CLIENT_ID", "who Latchkey is to Facebook", CLIENT_ID),
    secret("FACEBOOK_CLIENT_SECRET", "what proves that to Facebook", CLIENT_SECRET),
    plain("GITHUB_URL", "where GitHub Enterprise is", "its address, with https"),
    plain("GITHUB_API_URL", "where its API is", "the address of its API, with https"),
    plain("OIDC_<NAME>_ISSUER", "an OpenID issuer", "the issuer to the letter, with https"),
    secret("OIDC_<NAME>_CLIENT_ID", "who Latchkey is to that issuer", CLIENT_ID),
    secret("OIDC_<NAME>_CLIENT_SECRET", "what proves that to the issuer", CLIENT_SECRET),
    plain("OIDC_<NAME>_LABEL", "what to call the issuer", "a short name for people"),
    plain("OIDC_<NAME>_SCOPES", "what else to ask for", "scopes with blanks between them"),
    plain(
        "OAUTH_INTROSPECTION_URL",
        "where other apps' tokens are asked about",
        "the introspection endpoint (RFC 7662), with https",
    ),
    secret("OAUTH_INTROSPECTION_CLIENT_ID", "who Latchkey is there", CLIENT_ID),
    secret("OAUTH_INTROSPECTION_CLIENT_SECRET", "what proves that there", CLIENT_SECRET),
    plain(
        "OAUTH_INTROSPECTION_ISSUER",
        "who issues those tokens",
        "the issuer to the letter, with https",
    ),
    plain("OAUTH_INTROSPECTION_CACHE", "how long an answer is believed", "0, or up to 5s"),
    plain("LOCAL_IDP", "whether the local provider plays the others", "auto or off"),
    plain("LOCAL_IDP_PORT", "the port of the local provider", PORT),
    plain(
        "TRUSTED_PROXIES",
        "who may say from where a request came",
        "addresses or networks: 10.0.0.1, 10.1.0.0/16",
    ),
    secret(
        "SMTP_URL",
        "where e-mail is handed over",
        "smtps://user:password@host, or smtp://host:port?tls=required",
    ),
    plain("RUST_LOG", "what the log tells", "a level, like info or debug"),
];

/// The entry of a variable, by its name or the name of its `_FILE`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Variable> {
    let named = |name: &str| ALL.iter().find(|variable| matches(variable.name, name));
    named(name).or_else(|| {
        let variable = named(name.strip_suffix("_FILE")?)?;
        variable.from_file.then_some(variable)
    })
}

/// Whether a name is this one, with anything in the place of `<NAME>`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once("<NAME>") {
        None => pattern == name,
        Some((before, after)) => name
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|own| !own.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_by_name_and_by_file() {
        for (name, found) in [
            ("PORT", Some("PORT")),
            ("PORT_FILE", None),
            ("APP_SECRET_FILE", Some("APP_SECRET")),
            ("OIDC_ACME_CLIENT_SECRET_FILE", Some("OIDC_<NAME>_CLIENT_SECRET")),
            ("OIDC_MY_CORP_ISSUER", Some("OIDC_<NAME>_ISSUER")),
            ("OIDC_ISSUER", None),
            ("OIDC__ISSUER", None),
            ("APP_SECERT", None),
            ("", None),
        ] {
            assert_eq!(find(name).map(|variable| variable.name), found, "{name}");
        }
    }

    #[test]
    fn the_example_file_names_each_of_them_and_no_other() {
        let example = include_str!("../../../../.env.example");
        let named = example.lines().filter_map(|line| {
            let (name, _) = line.strip_prefix('#').unwrap_or(line).split_once('=')?;
            name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_').then_some(name)
        });
        let named: Vec<_> = named.map(|name| name.replace("OIDC_ACME_", "OIDC_<NAME>_")).collect();
        let listed: Vec<_> = ALL.iter().map(|variable| variable.name).collect();
        assert_eq!(named, listed);
    }
}
