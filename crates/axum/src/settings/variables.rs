//! The table of all variables, with their defaults. Tests compare it with `.env.example` and
//! `docs/reference.md`.

use strsim::osa_distance;

#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    pub secret: bool,
    /// Empty if there is none, or if it depends on other settings.
    pub default: &'static str,
    pub expected: &'static str,
    pub purpose: &'static str,
}

type Text = &'static str;

const fn plain(name: Text, default: Text, purpose: Text, expected: Text) -> Variable {
    Variable { name, secret: false, default, expected, purpose }
}

const fn secret(name: Text, default: Text, purpose: Text, expected: Text) -> Variable {
    Variable { name, secret: true, default, expected, purpose }
}

const ID: &str = "the client ID, as the provider shows it";
const SECRET: &str = "the client secret, as the provider shows it";
const DURATION: &str = "a duration like 30s, 5m, 12h or 7d";
const MAILBOX: &str = "an address, like Acme <no-reply@acme.example>";
const PORT: &str = "a port number, like 3000";
const URL: &str = "an https URL without a user name (http only on loopback)";
const ISSUER: &str = "the exact https URL of the issuer, without user name, query or fragment (http only on loopback)";

macro_rules! variables {
    ($($kind:ident $name:literal = $default:literal: $purpose:literal, $expected:expr;)*) => {
        /// In the order of `.env.example`.
        pub const ALL: &[Variable] = &[$($kind($name, $default, $purpose, $expected)),*];
    };
}

// Name, default, purpose, what to write.
variables! {
    plain "PUBLIC_URL" = "http://localhost:3000": "the only origin that is trusted",
        "the address people type, like https://app.example.com";
    plain "HOST" = "": "the address to listen on", "an IP address: 127.0.0.1, ::1, 0.0.0.0 or ::";
    plain "PORT" = "3000": "the port to listen on", PORT;
    plain "PRODUCT_NAME" = "Latchkey": "the name on pages, in e-mails and at providers",
        "a name of at most 40 characters";
    plain "COOKIE_PREFIX" = "":
        "the prefix of cookie names; changing it signs everyone out",
        "letters, digits, - and _, like acme";
    secret "DATABASE_URL" = "sqlite://data/latchkey.db": "where the database is",
        "sqlite://data/latchkey.db or postgres://user:password@host/database";
    plain "DATABASE_CONNECTIONS" = "8": "the size of the database connection pool",
        "a number from 2 to 1000";
    plain "DATABASE_TIMEOUT" = "5s": "how long the database may take to answer",
        "a duration from 1s to 60s";
    secret "APP_SECRET" = "": "the secret that encrypts and signs",
        "at least 32 random bytes, like the output of `openssl rand -base64 48`";
    plain "SESSION_IDLE_TTL" = "7d": "how long an unused session lasts", DURATION;
    plain "SESSION_TTL" = "30d": "how long a session lasts at most", DURATION;
    plain "SESSION_CACHE" = "off": "whether sessions are cached for a second", "off or watch";
    plain "JWT_ACCESS_TTL" = "5m": "the lifetime of a JWT", DURATION;
    plain "JWT_REFRESH_TTL" = "30d": "how long a JWT can be refreshed", DURATION;
    plain "JWT_ALGORITHM" = "EdDSA": "how JWTs are signed", "EdDSA, ES256, RS256 or HS256";
    secret "JWT_PRIVATE_KEY" = "": "your own signing key", "a private key as PEM (PKCS #8)";
    plain "JWT_ISSUER" = "": "the `iss` claim", "a URL, or nothing to use PUBLIC_URL";
    plain "JWT_AUDIENCE" = "": "the `aud` claim", "a URL, or nothing to use PUBLIC_URL/api";
    plain "JWT_REVOCATION" = "expiry": "when a revoked JWT stops working", "expiry or watch";
    plain "DEMO" = "auto": "whether the demo is included", "auto, on or off";
    plain "SIGN_IN_CREDENTIAL" = "": "which credential browsers get if the form does not choose one",
        "session or jwt";
    plain "TRACES" = "auto": "whether sign-ins are recorded for /traces", "auto, on or off";
    secret "GOOGLE_CLIENT_ID" = "": "the client ID at Google", ID;
    secret "GOOGLE_CLIENT_SECRET" = "": "the client secret at Google", SECRET;
    secret "GITHUB_CLIENT_ID" = "": "the client ID at GitHub", ID;
    secret "GITHUB_CLIENT_SECRET" = "": "the client secret at GitHub", SECRET;
    secret "FACEBOOK_CLIENT_ID" = "": "the client ID at Facebook", ID;
    secret "FACEBOOK_CLIENT_SECRET" = "": "the client secret at Facebook", SECRET;
    plain "GITHUB_URL" = "https://github.com": "the address of GitHub Enterprise", URL;
    plain "GITHUB_API_URL" = "https://api.github.com": "the API of GitHub Enterprise", URL;
    plain "OIDC_<NAME>_ISSUER" = "": "an OpenID issuer", ISSUER;
    secret "OIDC_<NAME>_CLIENT_ID" = "": "the client ID at that issuer", ID;
    secret "OIDC_<NAME>_CLIENT_SECRET" = "": "the client secret at that issuer", SECRET;
    plain "OIDC_<NAME>_LABEL" = "": "the name on the button", "a short name for people";
    plain "OIDC_<NAME>_SCOPES" = "": "the scopes to request, in place of openid email profile",
        "scopes separated by spaces; openid is always among them";
    plain "OIDC_<NAME>_AUDIENCES" = "": "who else its ID tokens may be for",
        "client or project IDs separated by spaces";
    plain "OIDC_<NAME>_RESPONSE_MODE" = "query": "how its response comes back through the browser", "query or form_post";
    plain "OIDC_<NAME>_TOKEN_AUTH" = "auto":
        "where the client secret goes: auto follows its discovery document", "auto, basic or body";
    plain "OAUTH_INTROSPECTION_URL" = "": "where other apps' tokens are introspected",
        "the https URL of the introspection endpoint (RFC 7662), without user name or fragment (http only on loopback)";
    secret "OAUTH_INTROSPECTION_CLIENT_ID" = "": "the client ID for introspection", ID;
    secret "OAUTH_INTROSPECTION_CLIENT_SECRET" = "": "the secret for introspection", SECRET;
    plain "OAUTH_INTROSPECTION_ISSUER" = "": "the issuer of those tokens", ISSUER;
    plain "OAUTH_INTROSPECTION_CACHE" = "5s": "how long an introspection response is cached",
        "0, or a duration from 1s to 5s";
    plain "LOCAL_IDP" = "auto": "whether the local provider simulates others", "auto or off";
    plain "LOCAL_IDP_PORT" = "3001": "the port of the local provider", PORT;
    plain "TRUSTED_PROXIES" = "": "the proxies whose forwarded headers are trusted",
        "addresses or networks, like 10.0.0.1, 10.1.0.0/16";
    plain "HSTS_SUBDOMAINS" = "off": "whether HSTS covers all subdomains", "off or on";
    secret "HTTPS_PROXY" = "": "the proxy through which providers are called",
        "http://host:port, or http://user:password@host:port";
    plain "NO_PROXY" = "": "the hosts to call without the proxy",
        "names and networks, like corp.example, 10.0.0.0/8";
    secret "SMTP_URL" = "": "the server that sends e-mail",
        "smtps://user:password@host or smtp://host:port?tls=required";
    plain "MAIL_FROM" = "": "the sender of e-mails", MAILBOX;
    plain "MAIL_REPLY_TO" = "": "where replies to e-mails go", MAILBOX;
    plain "RUST_LOG" = "info": "what is logged", "a level, like info or debug";
    plain "METRICS_ADDR" = "": "the address of the Prometheus metrics",
        "an address and a port, like 127.0.0.1:9090";
    plain "OTEL_EXPORTER_OTLP_ENDPOINT" = "": "where traces and metrics are sent",
        "the URL of a collector (OTLP over HTTP), like http://127.0.0.1:4318";
    plain "OTEL_SERVICE_NAME" = "latchkey": "the service name in traces and metrics", "a name";
    plain "LOG_FORMAT" = "text": "how the log is written", "text or json";
    plain "SHUTDOWN_GRACE" = "8s": "how long a shutdown may take", DURATION;
}

/// The entry for a variable or its `_FILE`.
pub fn find(name: &str) -> Option<&'static Variable> {
    let named = |name: &str| ALL.iter().find(|variable| matches(variable.name, name));
    let by_file = || named(name.strip_suffix("_FILE")?).filter(|variable| variable.secret);
    named(name).or_else(by_file)
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || name_part(pattern, name).is_some()
}

/// The part of `name` in place of `<NAME>`.
pub(super) fn name_part<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once("<NAME>")?;
    name.strip_prefix(before)?.strip_suffix(after).filter(|part| !part.is_empty())
}

/// The variable that was probably meant by an unknown one.
pub(super) fn suggest(name: &str) -> Option<String> {
    const ALIASES: [(&str, &str); 4] = [
        ("AUTH_SECRET", "APP_SECRET"),
        ("NEXTAUTH_SECRET", "APP_SECRET"),
        ("NEXTAUTH_URL", "PUBLIC_URL"),
        ("DB_URL", "DATABASE_URL"),
    ];
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    alias
        .map(|(_, ours)| (*ours).to_owned())
        .or_else(|| provider_credential(name))
        .or_else(|| misspelled(name))
}

fn provider_credential(name: &str) -> Option<String> {
    const FILLERS: [&str; 5] = ["AUTH", "OAUTH", "OAUTH2", "APP", "CLIENT"];
    let words: Vec<_> = name.split('_').filter(|word| !FILLERS.contains(word)).collect();
    match words[..] {
        [provider @ ("GOOGLE" | "GITHUB" | "FACEBOOK"), field @ ("ID" | "SECRET")] => {
            Some(format!("{provider}_CLIENT_{field}"))
        }
        _ => None,
    }
}

/// Whether an unknown `OIDC_` variable looks like a misspelling of one of ours:
/// `OIDC_ACME_ISSUR`, `OIDC_acme_LABEL`, `OIDC_ACME_SECRET`.
pub(super) fn is_misspelled_oidc(name: &str) -> bool {
    let fields = ALL.iter().filter_map(|one| one.name.strip_prefix("OIDC_<NAME>_"));
    let fields: Vec<_> = fields.map(letters).collect();
    let stem = name.strip_suffix("_FILE").unwrap_or(name);
    let rest = stem.strip_prefix("OIDC_").unwrap_or_default();
    rest.match_indices('_').filter(|(at, _)| *at > 0).any(|(at, _)| {
        let field = letters(&rest[at..]);
        // `OIDC_CLIENT_SECRET` has no name: it belongs to another program.
        (field == "SECRET" && &rest[..at] != "CLIENT")
            || fields.iter().any(|ours| osa_distance(&field, ours) <= 1)
    })
}

fn letters(name: &str) -> String {
    name.replace(['_', '-', '.'], "").to_uppercase()
}

fn misspelled(name: &str) -> Option<String> {
    let (stem, suffix) = name.strip_suffix("_FILE").map_or((name, ""), |stem| (stem, "_FILE"));
    let fixed = ALL.iter().filter(|one| !one.name.contains('<') && one.name != "RUST_LOG");
    let ours = fixed.min_by_key(|one| osa_distance(&letters(stem), &letters(one.name)))?;
    // Short names are one letter away from too many others.
    let allowed = usize::from(ours.name.len() > 5);
    let suffix = if ours.secret { suffix } else { "" };
    (osa_distance(&letters(stem), &letters(ours.name)) <= allowed)
        .then(|| format!("{}{suffix}", ours.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_misspelled_variables_get_suggestions() {
        for (name, ours) in [
            ("AUTH_GOOGLE_ID", Some("GOOGLE_CLIENT_ID")),
            ("GITHUB_SECRET", Some("GITHUB_CLIENT_SECRET")),
            ("FACEBOOK_APP_ID", Some("FACEBOOK_CLIENT_ID")),
            ("OAUTH2_GITHUB_CLIENT_SECRET", Some("GITHUB_CLIENT_SECRET")),
            ("NEXTAUTH_URL", Some("PUBLIC_URL")),
            ("NEXTAUTH_SECRET", Some("APP_SECRET")),
            ("AUTH_SECRET", Some("APP_SECRET")),
            ("DB_URL", Some("DATABASE_URL")),
            ("PUBLIC_URI", Some("PUBLIC_URL")),
            ("PUBLC_URL", Some("PUBLIC_URL")),
            ("public_url", Some("PUBLIC_URL")),
            ("https_proxy", Some("HTTPS_PROXY")),
            ("no_proxy", Some("NO_PROXY")),
            ("GOOGLE_CLIENTID", Some("GOOGLE_CLIENT_ID")),
            ("GOOGLE_CLIENT_SECERT", Some("GOOGLE_CLIENT_SECRET")),
            ("APP_SECERT", Some("APP_SECRET")),
            ("APP_SECRETS", Some("APP_SECRET")),
            ("APP_SECERT_FILE", Some("APP_SECRET_FILE")),
            ("PUBLIC_URL_FILE", Some("PUBLIC_URL")),
            ("SESION_TTL", Some("SESSION_TTL")),
            ("JWT_ACESS_TTL", Some("JWT_ACCESS_TTL")),
            ("LOCAL_IPD", Some("LOCAL_IDP")),
            ("PATH", None),
            ("HOSTNAME", None),
            ("POST", None),
            ("SHELL", None),
            ("GITHUB_TOKEN", None),
            ("GITHUB_ACTIONS", None),
            ("GITHUB_RUN_ID", None),
            ("GITHUB_SERVER_URL", None),
            ("GOOGLE_APPLICATION_CREDENTIALS", None),
            ("RUST_BACKTRACE", None),
            ("SSH_AUTH_SOCK", None),
            ("AWS_SECRET_ACCESS_KEY", None),
            ("", None),
        ] {
            assert_eq!(find(name), None, "{name} is read");
            assert_eq!(suggest(name).as_deref(), ours, "{name}");
            assert!(ours.is_none_or(|ours| find(ours).is_some()), "{name}");
        }
    }

    #[test]
    fn oidc_typos_are_distinguished_from_other_variables() {
        for slip in [
            "OIDC_ACME_SECRET",
            "OIDC_ACME_ISSUR",
            "OIDC_acme_ISSUER",
            "OIDC_MY_CORP_CLIENTID",
            "OIDC_ACME_CLIENT_SECERT_FILE",
            "OIDC_ACME_SCOPE",
        ] {
            assert!(is_misspelled_oidc(slip), "{slip}");
        }
        for other in [
            "OIDC_ISSUER",
            "OIDC_CLIENT_ID",
            "OIDC_CLIENT_SECRET",
            "OIDC_RP_SIGN_ALGO",
            "OIDC_OP_TOKEN_ENDPOINT",
            "OIDC_DISCOVERY_URL",
            "OIDC_STORE_ID_TOKEN",
            "OIDC_",
        ] {
            assert!(!is_misspelled_oidc(other), "{other}");
        }
    }
}
