//! Every variable, declared once. The reader takes defaults and wording from
//! here and refuses to read a variable that is missing; tests compare the table
//! with `.env.example` and `docs/reference.md`.

#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    pub secret: bool,
    /// As you would write it; empty if there is none, or if it depends on other settings.
    pub default: &'static str,
    pub expected: &'static str,
    pub purpose: &'static str,
}

type Text = &'static str;

const fn plain(name: Text, default: Text, expected: Text, purpose: Text) -> Variable {
    Variable { name, secret: false, default, expected, purpose }
}

const fn secret(name: Text, default: Text, expected: Text, purpose: Text) -> Variable {
    Variable { name, secret: true, default, expected, purpose }
}

const ID: &str = "the client ID, as the provider shows it";
const SECRET: &str = "the client secret, as the provider shows it";
const DURATION: &str = "a duration like 30s, 5m, 12h or 7d";
const MAILBOX: &str = "an address, like Acme <no-reply@acme.example>";
const PORT: &str = "a port number, like 3000";
const URL: &str = "an https URL without a user name (http only on loopback)";
const ISSUER: &str = "the exact https URL of the issuer, without user name, query or fragment (http only on loopback)";

/// Name, default, what to write, purpose: in the order of `.env.example`.
pub const ALL: &[Variable] = &[
    plain(
        "PUBLIC_URL",
        "http://localhost:3000",
        "the address people type, like https://app.example.com",
        "the only origin that is trusted",
    ),
    plain("HOST", "", "an IP address: 127.0.0.1, ::1, 0.0.0.0 or ::", "the address to listen on"),
    plain("PORT", "3000", PORT, "the port to listen on"),
    plain(
        "PRODUCT_NAME",
        "Latchkey",
        "a name of at most 40 characters",
        "the name on pages, in e-mails and at providers",
    ),
    plain(
        "COOKIE_PREFIX",
        "",
        "letters, digits, - and _, like acme",
        "what the names of cookies begin with; changing it signs everybody out",
    ),
    secret(
        "DATABASE_URL",
        "sqlite://data/latchkey.db",
        "sqlite://data/latchkey.db or postgres://user:password@host/database",
        "where the database is",
    ),
    plain(
        "DATABASE_CONNECTIONS",
        "8",
        "a number from 2 to 1000",
        "how many connections to the database are kept",
    ),
    plain(
        "DATABASE_TIMEOUT",
        "5s",
        "a duration from 1s to 60s",
        "how long the database may take to answer",
    ),
    secret(
        "APP_SECRET",
        "",
        "at least 32 random bytes, like the output of `openssl rand -base64 48`",
        "the secret that encrypts and signs",
    ),
    plain("SESSION_IDLE_TTL", "7d", DURATION, "how long an unused session lasts"),
    plain("SESSION_TTL", "30d", DURATION, "how long a session lasts at most"),
    plain("SESSION_CACHE", "off", "off or watch", "whether sessions are cached for a second"),
    plain("JWT_ACCESS_TTL", "5m", DURATION, "the lifetime of a JWT"),
    plain("JWT_REFRESH_TTL", "30d", DURATION, "how long a JWT can be refreshed"),
    plain("JWT_ALGORITHM", "EdDSA", "EdDSA, ES256, RS256 or HS256", "how JWTs are signed"),
    secret("JWT_PRIVATE_KEY", "", "a private key as PEM (PKCS #8)", "your own signing key"),
    plain("JWT_ISSUER", "", "a URL, or nothing to use PUBLIC_URL", "the `iss` claim"),
    plain("JWT_AUDIENCE", "", "a URL, or nothing to use PUBLIC_URL/api", "the `aud` claim"),
    plain("JWT_REVOCATION", "expiry", "expiry or watch", "when a revoked JWT stops working"),
    plain("DEMO", "auto", "auto, on or off", "whether the exhibits are there beside the product"),
    plain(
        "SIGN_IN_CREDENTIAL",
        "",
        "session or jwt",
        "what browsers get when a form does not say it",
    ),
    plain("TRACES", "auto", "auto, on or off", "whether sign-ins are recorded for /traces"),
    secret("GOOGLE_CLIENT_ID", "", ID, "the client ID at Google"),
    secret("GOOGLE_CLIENT_SECRET", "", SECRET, "the client secret at Google"),
    secret("GITHUB_CLIENT_ID", "", ID, "the client ID at GitHub"),
    secret("GITHUB_CLIENT_SECRET", "", SECRET, "the client secret at GitHub"),
    secret("FACEBOOK_CLIENT_ID", "", ID, "the client ID at Facebook"),
    secret("FACEBOOK_CLIENT_SECRET", "", SECRET, "the client secret at Facebook"),
    plain("GITHUB_URL", "https://github.com", URL, "the address of GitHub Enterprise"),
    plain("GITHUB_API_URL", "https://api.github.com", URL, "the API of GitHub Enterprise"),
    plain("OIDC_<NAME>_ISSUER", "", ISSUER, "an OpenID issuer"),
    secret("OIDC_<NAME>_CLIENT_ID", "", ID, "the client ID at that issuer"),
    secret("OIDC_<NAME>_CLIENT_SECRET", "", SECRET, "the client secret at that issuer"),
    plain("OIDC_<NAME>_LABEL", "", "a short name for people", "the name on the button"),
    plain(
        "OIDC_<NAME>_SCOPES",
        "",
        "scopes separated by spaces; openid is always among them",
        "the scopes to request, in place of openid email profile",
    ),
    plain(
        "OIDC_<NAME>_AUDIENCES",
        "",
        "client or project IDs separated by spaces",
        "who else its ID tokens may be for",
    ),
    plain("OIDC_<NAME>_RESPONSE_MODE", "query", "query or form_post", "how it answers the browser"),
    plain(
        "OIDC_<NAME>_TOKEN_AUTH",
        "auto",
        "auto, basic or body",
        "where the client secret goes: auto follows its discovery document",
    ),
    plain(
        "OAUTH_INTROSPECTION_URL",
        "",
        "the https URL of the introspection endpoint (RFC 7662), without user name or fragment (http only on loopback)",
        "where other apps' tokens are introspected",
    ),
    secret("OAUTH_INTROSPECTION_CLIENT_ID", "", ID, "the client ID for introspection"),
    secret("OAUTH_INTROSPECTION_CLIENT_SECRET", "", SECRET, "the secret for introspection"),
    plain("OAUTH_INTROSPECTION_ISSUER", "", ISSUER, "the issuer of those tokens"),
    plain(
        "OAUTH_INTROSPECTION_CACHE",
        "5s",
        "0, or a duration from 1s to 5s",
        "how long an introspection answer is reused",
    ),
    plain("LOCAL_IDP", "auto", "auto or off", "whether the local provider stands in for others"),
    plain("LOCAL_IDP_PORT", "3001", PORT, "the port of the local provider"),
    plain(
        "TRUSTED_PROXIES",
        "",
        "addresses or networks, like 10.0.0.1, 10.1.0.0/16",
        "the proxies whose forwarded headers count",
    ),
    plain("HSTS_SUBDOMAINS", "off", "off or on", "whether HSTS covers all subdomains"),
    secret(
        "HTTPS_PROXY",
        "",
        "http://host:port, or http://user:password@host:port",
        "the proxy through which providers are called",
    ),
    plain(
        "NO_PROXY",
        "",
        "names and networks, like corp.example, 10.0.0.0/8",
        "who is called directly",
    ),
    secret(
        "SMTP_URL",
        "",
        "smtps://user:password@host or smtp://host:port?tls=required",
        "the server that sends e-mail",
    ),
    plain("MAIL_FROM", "", MAILBOX, "the sender of e-mails"),
    plain("MAIL_REPLY_TO", "", MAILBOX, "where answers to e-mails go"),
    plain("RUST_LOG", "info", "a level, like info or debug", "what is logged"),
    plain(
        "METRICS_ADDR",
        "",
        "an address and a port, like 127.0.0.1:9090",
        "where Prometheus reads metrics",
    ),
    plain(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "the URL of a collector (OTLP over HTTP), like http://127.0.0.1:4318",
        "where traces and metrics are sent",
    ),
    plain("OTEL_SERVICE_NAME", "latchkey", "a name", "the name under which they are sent"),
    plain("LOG_FORMAT", "text", "text or json", "how the log is written"),
    plain("SHUTDOWN_GRACE", "8s", DURATION, "how long stopping may take"),
];

/// The entry for the name of a variable, or of its `_FILE`.
pub fn find(name: &str) -> Option<&'static Variable> {
    let named = |name: &str| ALL.iter().find(|variable| matches(variable.name, name));
    let by_file = || named(name.strip_suffix("_FILE")?).filter(|variable| variable.secret);
    named(name).or_else(by_file)
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || chosen_name(pattern, name).is_some()
}

/// What stands in the place of `<NAME>`.
pub(super) fn chosen_name<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once("<NAME>")?;
    name.strip_prefix(before)?.strip_suffix(after).filter(|chosen| !chosen.is_empty())
}

/// The variable that was probably meant by one that we do not read.
pub(super) fn suggest(name: &str) -> Option<String> {
    const ELSEWHERE: [(&str, &str); 4] = [
        ("AUTH_SECRET", "APP_SECRET"),
        ("NEXTAUTH_SECRET", "APP_SECRET"),
        ("NEXTAUTH_URL", "PUBLIC_URL"),
        ("DB_URL", "DATABASE_URL"),
    ];
    let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name);
    elsewhere
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

/// Whether a variable that begins with `OIDC_` looks like a slip of one that we
/// read: `OIDC_ACME_ISSUR`, `OIDC_acme_LABEL`, `OIDC_ACME_SECRET`.
pub(super) fn is_slip_of_issuer(name: &str) -> bool {
    let fields = ALL.iter().filter_map(|one| one.name.strip_prefix("OIDC_<NAME>_"));
    let fields: Vec<_> = fields.map(letters).collect();
    let stem = name.strip_suffix("_FILE").unwrap_or(name);
    let rest = stem.strip_prefix("OIDC_").unwrap_or_default();
    rest.match_indices('_').filter(|(at, _)| *at > 0).any(|(at, _)| {
        let field = letters(&rest[at..]);
        // `OIDC_CLIENT_SECRET` has no name: it is how others call their one secret.
        (field == *b"SECRET" && &rest[..at] != "CLIENT")
            || fields.iter().any(|ours| typos(&field, ours) <= 1)
    })
}

fn letters(name: &str) -> Vec<u8> {
    name.replace(['_', '-', '.'], "").to_uppercase().into_bytes()
}

fn misspelled(name: &str) -> Option<String> {
    let (stem, suffix) = name.strip_suffix("_FILE").map_or((name, ""), |stem| (stem, "_FILE"));
    let fixed = ALL.iter().filter(|one| !one.name.contains('<') && one.name != "RUST_LOG");
    let ours = fixed.min_by_key(|one| typos(&letters(stem), &letters(one.name)))?;
    // A short name is one letter away from too many others.
    let allowed = usize::from(ours.name.len() > 5);
    let suffix = if ours.secret { suffix } else { "" };
    (typos(&letters(stem), &letters(ours.name)) <= allowed)
        .then(|| format!("{}{suffix}", ours.name))
}

/// 0 if equal, 1 if one letter is missing, added, changed or swapped with the next, else 2.
fn typos(a: &[u8], b: &[u8]) -> usize {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    match (&a[..a.len() - end], &b[..b.len() - end]) {
        ([], []) => 0,
        ([] | [_], [] | [_]) => 1,
        ([a, b], [c, d]) if a == d && b == c => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_lead_to_variables_that_we_read_and_strangers_get_none() {
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
    fn variables_of_other_programs_are_told_from_slips() {
        for slip in [
            "OIDC_ACME_SECRET",
            "OIDC_ACME_ISSUR",
            "OIDC_acme_ISSUER",
            "OIDC_MY_CORP_CLIENTID",
            "OIDC_ACME_CLIENT_SECERT_FILE",
            "OIDC_ACME_SCOPE",
        ] {
            assert!(is_slip_of_issuer(slip), "{slip}");
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
            assert!(!is_slip_of_issuer(other), "{other}");
        }
    }

    #[test]
    fn typos_are_counted() {
        for (a, b, count) in [
            ("", "", 0),
            ("ab", "", 2),
            ("secret", "secert", 1),
            ("secret", "sekret", 1),
            ("secret", "secrets", 1),
            ("abc", "xyz", 2),
            ("clientid", "clienid", 1),
        ] {
            assert_eq!(typos(a.as_bytes(), b.as_bytes()), count, "{a} {b}");
            assert_eq!(typos(b.as_bytes(), a.as_bytes()), count, "{b} {a}");
        }
    }
}
