//! Checks that need only the settings, not the network.

use latchkey_auth::oauth::{Kind, OpenId, Provider};
use latchkey_auth::tokens::Algorithm;
use latchkey_axum::CookieProfile;
use latchkey_domain::Span;
use url::Url;

use super::report::{Check, Context, Finding, Level};
use crate::cookies::{REFRESH, SESSION, TOKEN};
use crate::settings::{BUILT_IN, Revocation, SecretSource, Settings, redirect_uri};

/// JWTs that live longer get a warning: a stolen one works until it expires.
const LONG_TTL: Span = Span::minutes(15);

/// A check, and the variables that must be valid for it.
type Row = (&'static [&'static str], fn(&Settings) -> Option<Finding>);

const CHECKS: [Row; 9] = [
    (&["PUBLIC_URL"], public_url),
    (&["PUBLIC_URL"], cookies),
    (&["PUBLIC_URL", "HOST"], exposed_development),
    (&["PUBLIC_URL", "TRUSTED_PROXIES"], trusted_proxies),
    (&["APP_SECRET", "PUBLIC_URL"], app_secret),
    (&["JWT_ACCESS_TTL", "JWT_REFRESH_TTL", "JWT_REVOCATION"], jwt_lifetime),
    (&["JWT_ISSUER", "JWT_AUDIENCE", "PUBLIC_URL"], jwt_issuer),
    (&["JWT_ALGORITHM", "JWT_PRIVATE_KEY"], jwt_algorithm),
    (&["SMTP_URL", "PUBLIC_URL"], mail),
];

pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let settings = context.settings;
    let invalid = (Check::SettingInvalid, Level::Problem, &context.problems.0);
    let doubtful = (Check::SettingDoubtful, Level::Warning, &settings.warnings);
    let mut findings = Vec::new();
    for (check, level, list) in [invalid, doubtful] {
        findings.extend(list.iter().map(|one| {
            let text = format!("{} {}.", one.variable, one.message);
            check.finding(level, text, &*one.fix).about(&one.variable)
        }));
    }
    if context.problems.0.is_empty() {
        findings.push(Check::Settings.ok("All settings are valid."));
    }
    let checks = CHECKS.iter().filter(|(variables, _)| context.valid(variables));
    findings.extend(checks.filter_map(|(_, check)| check(settings)));
    findings.extend(providers(context));
    findings
}

fn public_url(settings: &Settings) -> Option<Finding> {
    let origin = settings.origin();
    let host = settings.public_url.host_str().unwrap_or_default();
    Some(if settings.is_development() {
        Check::PublicUrl.ok(format!("PUBLIC_URL is {origin}: this is development."))
    } else if is_reserved(host) {
        let text = format!("PUBLIC_URL is {origin}, a name reserved for examples.");
        Check::PublicUrl.warning(text, "Set it to the address people type.")
    } else {
        Check::PublicUrl.ok(format!("PUBLIC_URL is {origin}: this is not development."))
    })
}

/// RFC 2606.
fn is_reserved(host: &str) -> bool {
    ["example.com", "example.net", "example.org", "example", "test", "invalid"]
        .iter()
        .any(|name| host.strip_suffix(name).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
}

fn cookies(settings: &Settings) -> Option<Finding> {
    let profile = CookieProfile::new(&settings.public_url, &settings.product.cookie_prefix);
    let names = [SESSION, TOKEN, REFRESH].map(|base| profile.name(base)).join(", ");
    let (text, attributes) = if profile.is_secure() {
        let text = "Cookies are Secure and prefixed with __Host-, because PUBLIC_URL is https.";
        (text, "HttpOnly, SameSite=Lax, Secure")
    } else {
        let text = "Cookies are not Secure, because PUBLIC_URL is http: Safari would drop them.";
        (text, "HttpOnly, SameSite=Lax")
    };
    Some(Check::Cookies.ok(text).fact("Names", names).fact("Attributes", attributes))
}

fn exposed_development(settings: &Settings) -> Option<Finding> {
    let exposed = settings.listen.iter().any(|address| !address.ip().is_loopback());
    (exposed && settings.is_development()).then(|| {
        Check::Listen.warning(
            "HOST lets other machines reach development pages that are meant only for you.",
            "Leave HOST empty, unless this is a container whose port is published on loopback only.",
        )
    })
}

fn trusted_proxies(settings: &Settings) -> Option<Finding> {
    if settings.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
        return Some(Check::TrustedProxies.warning(
            "TRUSTED_PROXIES covers every address, so anyone can fake theirs.",
            "Set it to the addresses of your own proxies.",
        ));
    }
    let behind_proxy = settings.public_url.scheme() == "https";
    (behind_proxy && settings.trusted_proxies.is_empty()).then(|| {
        Check::TrustedProxies.warning(
            "PUBLIC_URL is https but TRUSTED_PROXIES is not set: rate limits and sign-ins see the proxy's address.",
            "Set it to the address of the proxy that terminates TLS, like 10.0.0.1 or 10.1.0.0/16.",
        )
    })
}

fn app_secret(settings: &Settings) -> Option<Finding> {
    let facts = settings.app_secret_facts;
    let source = match facts.source {
        SecretSource::Variable => "the variable APP_SECRET",
        SecretSource::File => "the file that APP_SECRET_FILE names",
        SecretSource::Generated { .. } => "data/app-secret, created for development",
        SecretSource::NotYetGenerated => "data/app-secret, created at the first start",
    };
    let finding = if let Some(weakness) = facts.weakness {
        Check::AppSecret.warning(
            format!("APP_SECRET {weakness}. It is accepted in development only."),
            "Leave it empty in development; elsewhere use the output of `openssl rand -base64 48`.",
        )
    } else if facts.source == (SecretSource::Generated { private: false }) {
        let text = "Other users of this machine can read data/app-secret.";
        Check::AppSecret.warning(text, "Run chmod 600 data/app-secret.")
    } else {
        Check::AppSecret.ok("APP_SECRET is strong enough.")
    };
    let finding = finding.fact("Source", source);
    Some(match facts.secrets {
        0 | 1 => finding,
        secrets => finding.fact("Previous secrets", (secrets - 1).to_string()),
    })
}

fn jwt_lifetime(settings: &Settings) -> Option<Finding> {
    let jwt = &settings.jwt;
    let (limit, stops_working) = match jwt.revocation {
        Revocation::Expiry => ("and cannot be revoked", "when it expires"),
        Revocation::Watch => {
            ("unless JWT_REVOCATION=watch revokes it", "when it expires or its sign-in is revoked")
        }
    };
    let ttl = jwt.access_ttl;
    let finding = if ttl > LONG_TTL {
        Check::JwtLife.warning(
            format!("JWTs last {ttl}: a stolen copy works that long {limit}."),
            "Set JWT_ACCESS_TTL to 15m or less: JWTs are refreshed automatically.",
        )
    } else {
        Check::JwtLife.ok(format!("JWTs last {ttl}."))
    };
    Some(
        finding
            .fact("Refreshed for", jwt.refresh_ttl.to_string())
            .fact("Stops working", stops_working),
    )
}

fn jwt_issuer(settings: &Settings) -> Option<Finding> {
    let (issuer, audience) = (settings.jwt.issuer.as_str(), settings.jwt.audience.as_str());
    let origin = Url::parse(issuer).ok().map(|url| url.origin().ascii_serialization());
    let finding = match origin {
        Some(origin) if origin == settings.origin() => {
            Check::JwtIssuer.ok("JWTs are issued under PUBLIC_URL.")
        }
        Some(_) => Check::JwtIssuer.warning(
            "JWT_ISSUER is not under PUBLIC_URL, so others cannot find the keys.",
            "Leave JWT_ISSUER empty, or serve the keys at that address as well.",
        ),
        None => Check::JwtIssuer.warning(
            "JWT_ISSUER is not a URL, so others cannot find the keys.",
            "Leave JWT_ISSUER empty, or set it to a URL.",
        ),
    };
    let keys = settings.absolute("/.well-known/jwks.json");
    Some(finding.fact("Issuer", issuer).fact("Audience", audience).fact("Keys", keys))
}

fn jwt_algorithm(settings: &Settings) -> Option<Finding> {
    let text = match settings.jwt.algorithm {
        Algorithm::Hs256 => {
            "JWTs are signed with HS256: only Latchkey can verify them, because the key is secret."
                .to_owned()
        }
        algorithm => {
            format!("JWTs are signed with {algorithm}: anyone can verify them with the public key.")
        }
    };
    let own = settings.jwt.private_key.is_some();
    let key = if own { "your own, from JWT_PRIVATE_KEY" } else { "generated here" };
    Some(Check::JwtAlgorithm.ok(text).fact("Key", key))
}

fn mail(settings: &Settings) -> Option<Finding> {
    Some(match (&settings.smtp_url, settings.is_development()) {
        (Some(_), _) => Check::Mail.ok("E-mail is sent through the server in SMTP_URL."),
        (None, true) => Check::Mail.ok("E-mail is not sent: development shows it on a page."),
        (None, false) => Check::Mail.warning(
            "SMTP_URL is not set: people can neither verify an address nor reset a password.",
            "Set it to smtps://user:password@host.",
        ),
    })
}

/// A finding for each configured provider and for each built-in one.
fn providers(context: &Context<'_>) -> Vec<Finding> {
    let settings = context.settings;
    // The redirect URIs depend on it.
    if !context.valid(&["PUBLIC_URL"]) {
        return Vec::new();
    }
    let configured =
        settings.providers.iter().map(|one| provider(settings, &one.slug, &one.label, Some(one)));
    let unconfigured = BUILT_IN.into_iter().filter(|(slug, _)| {
        let prefix = slug.to_uppercase();
        let (id, secret) = (format!("{prefix}_CLIENT_ID"), format!("{prefix}_CLIENT_SECRET"));
        settings.providers.iter().all(|one| one.slug != *slug)
            && context.valid(&[&id, &secret, "GITHUB_URL", "GITHUB_API_URL"])
    });
    configured
        .chain(unconfigured.map(|(slug, label)| provider(settings, slug, label, None)))
        .collect()
}

fn provider(
    settings: &Settings,
    slug: &str,
    label: &str,
    configured: Option<&Provider>,
) -> Finding {
    let prefix = slug.to_uppercase();
    let register =
        format!("register the redirect URI and set {prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET.");
    let real = configured.filter(|one| !one.local);
    let (text, what_to_do) = match (configured, real) {
        (_, Some(_)) => (
            format!("{label} is configured."),
            "The redirect URI registered there must be exactly this one.".to_owned(),
        ),
        (Some(_), None) => (
            format!("The local provider simulates {label}."),
            format!("To use the real one, {register}"),
        ),
        (None, None) => (format!("{label} is off."), format!("To turn it on, {register}")),
    };
    let (address, path) = registration(slug, real.map(|one| &one.kind));
    let is_built_in = BUILT_IN.iter().any(|(built_in, _)| *built_in == slug);
    let others = match real.map(|one| &one.kind) {
        Some(Kind::OpenId(openid)) if !is_built_in => Some(match &*openid.options.audiences {
            [] => format!("none; OIDC_{prefix}_AUDIENCES names them"),
            others => others.join(" "),
        }),
        _ => None,
    };
    Check::Provider
        .finding(Level::Ok, text, what_to_do)
        .about(label)
        .fact("Redirect URI", redirect_uri(&settings.public_url, slug))
        .fact("Register it at", address)
        .fact("Under", path)
        .facts(others.map(|others| ("Other audiences", others)))
}

/// Where a redirect URI is registered: the page, and the path from there.
fn registration(slug: &str, real: Option<&Kind>) -> (String, &'static str) {
    const GITHUB: &str = "GitHub → Settings → Developer settings → OAuth Apps → your app → Authorization callback URL";
    match (slug, real) {
        ("google", _) => (
            "https://console.cloud.google.com/apis/credentials".to_owned(),
            "Google Cloud console → APIs & Services → Credentials → your OAuth client → Authorized redirect URIs",
        ),
        // GitHub Enterprise has the same page at another address.
        (_, Some(Kind::GitHub { web, .. })) => {
            (web.join("/settings/developers").as_ref().unwrap_or(web).to_string(), GITHUB)
        }
        ("github", _) => ("https://github.com/settings/developers".to_owned(), GITHUB),
        (_, Some(Kind::OpenId(OpenId { issuer, .. }))) => {
            (issuer.clone(), "at your issuer, among the redirect URIs of this client")
        }
        _ => (
            "https://developers.facebook.com/apps".to_owned(),
            "Meta for Developers → your app → Facebook Login → Settings → Valid OAuth Redirect URIs",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Capabilities, Environment, SecretFacts};

    const PUBLIC: &str = "PUBLIC_URL=https://app.corp.dev\n";
    const MAIL: &str = "SMTP_URL=smtps://me:hush@mail.corp.dev\n";
    const SECRET: &str = "APP_SECRET=3f7Kq9Zr1xV8bN5mT2wY6cH4jL0pD3sG\n";

    fn found(variables: &str) -> Vec<Finding> {
        let environment = Environment::from_lines(variables, "");
        let (settings, problems) = Settings::dry_run(&environment, Capabilities::ALL);
        findings(&Context { settings: &settings, problems: &problems })
    }

    #[test]
    fn doctor_warns_about_risky_settings() {
        for (variables, warned) in [
            (&[""][..], &[][..]),
            (&[PUBLIC, SECRET, MAIL], &["TRUSTED_PROXIES"]),
            (&[PUBLIC, SECRET, "TRUSTED_PROXIES=10.0.0.1"], &["SMTP_URL"]),
            (&[PUBLIC, SECRET, MAIL, "TRUSTED_PROXIES=10.0.0.1"], &[]),
            (&[PUBLIC, SECRET, MAIL, "TRUSTED_PROXIES=0.0.0.0/0"], &["TRUSTED_PROXIES"]),
            (
                &[SECRET, MAIL, "TRUSTED_PROXIES=::1\nPUBLIC_URL=https://app.example.com"],
                &["PUBLIC_URL"],
            ),
            (&["HOST=0.0.0.0"], &["HOST"]),
            (&[PUBLIC, SECRET, MAIL, "HOST=0.0.0.0\nTRUSTED_PROXIES=::1"], &[]),
            (&["JWT_ACCESS_TTL=15m"], &[]),
            (&["JWT_ACCESS_TTL=1h"], &["JWT_ACCESS_TTL"]),
            (&["JWT_ACCESS_TTL=1h\nJWT_REVOCATION=watch"], &["JWT_ACCESS_TTL"]),
            (&["JWT_ISSUER=https://other.test"], &["JWT_ISSUER"]),
            (&["JWT_ISSUER=latchkey"], &["JWT_ISSUER"]),
            (&["JWT_ISSUER=http://localhost:3000/"], &[]),
            (&["JWT_ALGORITHM=HS256"], &[]),
            // Only the problem is reported, not the value that replaces it.
            (&["JWT_ACCESS_TTL=2h\nJWT_REFRESH_TTL=1h"], &[]),
        ] {
            let found = found(&variables.concat());
            let found = found.iter().filter(|one| one.level == Level::Warning);
            let found: Vec<_> = found.map(|one| one.subject.as_str()).collect();
            assert_eq!(found, warned, "{variables:?}");
        }
    }

    #[test]
    fn doctor_warns_about_weak_or_exposed_app_secrets() {
        let weak = Some("is shorter than 32 bytes");
        let (mut settings, _) = Settings::dry_run(&Environment::default(), Capabilities::ALL);
        for (source, weakness, level) in [
            (SecretSource::Variable, None, Level::Ok),
            (SecretSource::File, weak, Level::Warning),
            (SecretSource::Generated { private: true }, None, Level::Ok),
            (SecretSource::Generated { private: false }, None, Level::Warning),
            (SecretSource::NotYetGenerated, None, Level::Ok),
        ] {
            settings.app_secret_facts = SecretFacts { source, secrets: 3, weakness };
            let found = app_secret(&settings).expect("a finding");
            assert_eq!(found.level, level, "{found:?}");
            assert_eq!(found.facts[1], ("Previous secrets", "2".to_owned()));
        }
    }

    /// Label, sentence, redirect URI and the page to register it at.
    fn registrations(variables: &str) -> Vec<[String; 4]> {
        let found = found(variables).into_iter().filter(|one| one.check == Check::Provider);
        let row = |one: Finding| {
            let mut facts = one.facts.into_iter().map(|(_, value)| value);
            let mut fact = || facts.next().unwrap_or_default();
            [one.subject, one.finding, fact(), fact()]
        };
        found.map(row).collect()
    }

    #[test]
    fn each_provider_is_local_configured_or_off() {
        for (variables, state) in [("", "local provider simulates"), (PUBLIC, "is off")] {
            let found = registrations(variables);
            assert_eq!(found.len(), 3);
            assert!(found.iter().all(|[_, text, ..]| text.contains(state)), "{found:?}");
        }
        let google = registrations(
            "GOOGLE_CLIENT_ID=1-a.apps.googleusercontent.com\nGOOGLE_CLIENT_SECRET=GOCSPX-a",
        );
        assert_eq!(
            google[0][1..],
            [
                "Google is configured.",
                "http://localhost:3000/auth/google/callback",
                "https://console.cloud.google.com/apis/credentials",
            ]
        );
    }

    #[test]
    fn redirect_uris_link_to_the_provider_console() {
        let found = registrations(
            "PUBLIC_URL=https://app.corp.dev:8443\nGITHUB_URL=https://git.corp.dev/x\n\
             GITHUB_CLIENT_ID=id\nGITHUB_CLIENT_SECRET=hush\n\
             OIDC_MY_CORP_ISSUER=https://login.corp.dev/a\n\
             OIDC_MY_CORP_CLIENT_ID=id\nOIDC_MY_CORP_CLIENT_SECRET=hush",
        );
        for (found, label, uri, page) in [
            (
                &found[0],
                "GitHub",
                "/auth/github/callback",
                "https://git.corp.dev/settings/developers",
            ),
            (&found[1], "My Corp", "/auth/my_corp/callback", "https://login.corp.dev/a"),
        ] {
            let uri = format!("https://app.corp.dev:8443{uri}");
            assert_eq!([&found[0], &found[2], &found[3]], [label, &*uri, page]);
        }
    }

    #[test]
    fn invalid_settings_suppress_registration_findings() {
        assert!(registrations("PUBLIC_URL=app.corp.dev").is_empty());
        let off = registrations("LOCAL_IDP=off\nGOOGLE_CLIENT_ID=id");
        let labels: Vec<_> = off.iter().map(|[label, ..]| label.as_str()).collect();
        assert_eq!(labels, ["GitHub", "Facebook"]);
    }
}
