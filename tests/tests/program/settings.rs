//! Parsing and validation of each setting.

use std::collections::BTreeSet;

use latchkey_auth::oauth::Kind;
use latchkey_auth::oauth::provider::Options;
use latchkey_auth::secret::Purpose;
use latchkey_domain::Span;
use latchkey_web::settings::{Capabilities, Environment, Problems, Settings, variables};

fn load(variables: &str) -> Result<Settings, Problems> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret.txt"), "from a file\n").expect("a file");
    std::fs::write(folder.path().join("empty.txt"), "\n").expect("a file");
    Settings::load(&Environment::from_lines(variables, folder.path()), Capabilities::ALL)
}

const PUBLIC: &str = "PUBLIC_URL=https://app.example.com\n";
const STRONG: &str = "APP_SECRET=3f7Kq9Zr1xV8bN5mT2wY6cH4jL0pD3sG\n";

#[test]
fn app_has_defaults_for_every_setting() {
    let settings = load("").expect("no problem");
    assert!(settings.is_development());
    assert_eq!(settings.origin(), "http://localhost:3000");
    assert_eq!(settings.listen.len(), 2);
    assert_eq!(settings.local_idp.as_ref().map(|idp| idp.port), Some(3001));
    let slugs: Vec<_> = settings.providers.iter().map(|p| (p.slug.as_str(), p.local)).collect();
    assert_eq!(slugs, [("google", true), ("github", true), ("facebook", true)]);
    assert_eq!(settings.jwt.audience, "http://localhost:3000/api");
}

#[test]
fn cookie_prefix_defaults_to_product_name() {
    for (text, name, prefix) in [
        ("", "Latchkey", "latchkey"),
        ("PRODUCT_NAME=Acme & Co.", "Acme & Co.", "acme_co"),
        ("PRODUCT_NAME=東京", "東京", "app"),
        ("PRODUCT_NAME=Acme\nCOOKIE_PREFIX=old-name", "Acme", "old-name"),
    ] {
        let product = load(text).expect("no problem").config.product;
        assert_eq!((product.name.as_str(), product.cookie_prefix.as_str()), (name, prefix));
    }
    for text in ["COOKIE_PREFIX=a b", "COOKIE_PREFIX=__Host-a", "COOKIE_PREFIX=a;b"] {
        assert!(load(text).is_err(), "{text}");
    }
    assert!(load(&format!("PRODUCT_NAME={}", "x".repeat(41))).is_err());
}

#[test]
fn client_id_and_secret_replace_the_local_provider() {
    for (place, slug, address) in [
        (0, "google", "https://accounts.google.com"),
        (1, "github", "https://github.com/"),
        (2, "facebook", "https://www.facebook.com/v23.0"),
    ] {
        let name = slug.to_uppercase();
        let settings = load(&format!("{name}_CLIENT_ID=id\n{name}_CLIENT_SECRET_FILE=secret.txt"));
        let settings = settings.expect("no problem");
        let local: Vec<_> = settings.providers.iter().map(|provider| provider.local).collect();
        assert_eq!(local, [0, 1, 2].map(|other| other != place), "{slug}");
        let provider = &settings.providers[place];
        assert_eq!((provider.slug.as_str(), provider.client_id.as_str()), (slug, "id"));
        assert_eq!(provider.client_secret.expose(), "from a file");
        let found = match &provider.kind {
            Kind::OpenId(openid) => openid.issuer.as_str(),
            Kind::GitHub { web, .. } | Kind::Facebook { web, .. } => web.as_str(),
        };
        assert_eq!(found, address);
    }
}

#[test]
fn oidc_issuer_is_configured_by_name() {
    let settings = load(
        "OIDC_MY_CORP_ISSUER=https://login.corp.test/realms/x\nOIDC_MY_CORP_CLIENT_ID=id\n\
         OIDC_MY_CORP_CLIENT_SECRET=hush\nOIDC_MY_CORP_SCOPES=groups offline_access",
    );
    let settings = settings.expect("no problem");
    let corp = settings.providers.last().expect("a provider");
    assert_eq!((corp.slug.as_str(), corp.label.as_str()), ("my_corp", "My Corp"));
    assert_eq!(corp.scopes, ["groups", "offline_access"]);
}

#[test]
fn oidc_options_are_read_from_settings() {
    let issuer = "OIDC_ACME_ISSUER=https://acme.test\n".to_owned() + ACME;
    let more = "OIDC_ACME_AUDIENCES=project, api\nOIDC_ACME_RESPONSE_MODE=form_post\n\
                OIDC_ACME_TOKEN_AUTH=body";
    for (text, expected) in [
        (issuer.clone(), Options::default()),
        (
            format!("{issuer}{more}"),
            Options {
                audiences: vec!["project".to_owned(), "api".to_owned()],
                form_post: true,
                secret_in_body: Some(true),
            },
        ),
    ] {
        let settings = load(&text).expect("no problem");
        let acme = settings.providers.last().expect("a provider");
        let Kind::OpenId(openid) = &acme.kind else { panic!("{acme:?}") };
        assert_eq!(openid.options, expected, "{text}");
    }
}

#[test]
fn local_provider_is_off_outside_development() {
    let settings = load(&[PUBLIC, STRONG].concat()).expect("no problem");
    assert!(!settings.is_development());
    assert!(settings.local_idp.is_none() && settings.providers.is_empty());
}

/// Invalid values, with the variable that is reported.
const REFUSED: &[(&str, &str)] = &[
    ("PUBLIC_URL=app.example.com", "PUBLIC_URL"),
    ("PUBLIC_URL=ftp://localhost", "PUBLIC_URL"),
    ("PUBLIC_URL=http://app.example.com\n{STRONG}", "PUBLIC_URL"),
    ("PUBLIC_URL=https://app.example.com/app\n{STRONG}", "PUBLIC_URL"),
    ("PUBLIC_URL=https://u:p@app.example.com\n{STRONG}", "PUBLIC_URL"),
    ("{PUBLIC}", "APP_SECRET"),
    ("{PUBLIC}APP_SECRET=short", "APP_SECRET"),
    ("{PUBLIC}APP_SECRET=please-changeme-please-changeme-please", "APP_SECRET"),
    ("{PUBLIC}APP_SECRET=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "APP_SECRET"),
    ("PORT=80000", "PORT"),
    ("HOST=example.com", "HOST"),
    ("DATABASE_URL=mysql://localhost/x", "DATABASE_URL"),
    ("DATABASE_URL=sqlite:~/x.db", "DATABASE_URL"),
    ("DATABASE_URL=sqlite://~/x.db", "DATABASE_URL"),
    ("DATABASE_URL=postgres:///x?user=u&host=one,two", "DATABASE_URL"),
    ("DATABASE_CONNECTIONS=1", "DATABASE_CONNECTIONS"),
    ("DATABASE_TIMEOUT=2m", "DATABASE_TIMEOUT"),
    ("SESSION_TTL=soon", "SESSION_TTL"),
    ("SESSION_TTL=1d\nSESSION_IDLE_TTL=2d", "SESSION_IDLE_TTL"),
    ("JWT_ALGORITHM=none", "JWT_ALGORITHM"),
    ("JWT_REVOCATION=sometimes", "JWT_REVOCATION"),
    ("LOCAL_IDP=on", "LOCAL_IDP"),
    ("TRACES=yes", "TRACES"),
    ("TRUSTED_PROXIES=10.0.0.0/8, proxy", "TRUSTED_PROXIES"),
    ("HSTS_SUBDOMAINS=yes", "HSTS_SUBDOMAINS"),
    ("SMTP_URL=smtp://mailpit:1025", "SMTP_URL"),
    ("SMTP_URL=mail.example.com", "SMTP_URL"),
    ("MAIL_FROM=Acme", "MAIL_FROM"),
    ("MAIL_REPLY_TO=help", "MAIL_REPLY_TO"),
    ("GOOGLE_CLIENT_ID=id", "GOOGLE_CLIENT_SECRET"),
    ("FACEBOOK_CLIENT_SECRET=hush", "FACEBOOK_CLIENT_ID"),
    ("GITHUB_CLIENT_ID=\"id\"\nGITHUB_CLIENT_SECRET=hush", "GITHUB_CLIENT_ID"),
    ("GITHUB_CLIENT_ID=id\nGITHUB_CLIENT_SECRET=hush ", "GITHUB_CLIENT_SECRET"),
    ("GITHUB_URL=http://github.corp.test", "GITHUB_URL"),
    ("APP_SECRET_FILE=missing.txt", "APP_SECRET_FILE"),
    ("APP_SECRET_FILE=empty.txt", "APP_SECRET_FILE"),
    ("APP_SECRET_FILE=secret.txt\n{STRONG}", "APP_SECRET"),
    ("OIDC_ACME_ISSUER=https://acme.test", "OIDC_ACME_CLIENT_ID"),
    ("{ACME}", "OIDC_ACME_ISSUER"),
    ("OIDC_ACME_SECRET=b", "OIDC_ACME_SECRET"),
    ("OIDC_ACME_ISSUR=https://acme.test", "OIDC_ACME_ISSUR"),
    ("OIDC_ACME_ISSUER=https://acme.test\n{ACME}OIDC_ACME_URL=b", "OIDC_ACME_URL"),
    ("OIDC_RP_ISSUER=https://acme.test", "OIDC_RP_CLIENT_ID"),
    ("OIDC_ACME_ISSUER=http://acme.test\n{ACME}", "OIDC_ACME_ISSUER"),
    (
        "OIDC_GOOGLE_ISSUER=https://acme.test\nOIDC_GOOGLE_CLIENT_ID=a\nOIDC_GOOGLE_CLIENT_SECRET=b",
        "OIDC_GOOGLE_ISSUER",
    ),
    (
        "OIDC_ACME_ISSUER=https://acme.test\nOIDC_ACME_RESPONSE_MODE=fragment\n{ACME}",
        "OIDC_ACME_RESPONSE_MODE",
    ),
    (
        "OIDC_ACME_ISSUER=https://acme.test\nOIDC_ACME_TOKEN_AUTH=none\n{ACME}",
        "OIDC_ACME_TOKEN_AUTH",
    ),
    (
        "OIDC_ACME_ISSUER=https://git.test/\nGITHUB_URL=https://git.test\nGITHUB_API_URL=https://git.test/api/v3\nGITHUB_CLIENT_ID=a\nGITHUB_CLIENT_SECRET=b\n{ACME}",
        "OIDC_ACME_ISSUER",
    ),
    ("HTTPS_PROXY=proxy.corp.test", "HTTPS_PROXY"),
    ("HTTPS_PROXY=socks5://proxy.corp.test:1080", "HTTPS_PROXY"),
    ("{ENDPOINT}", "OAUTH_INTROSPECTION_CLIENT_ID"),
    ("{ENDPOINT}OAUTH_INTROSPECTION_CLIENT_ID=api", "OAUTH_INTROSPECTION_CLIENT_SECRET"),
    ("{ENDPOINT}OAUTH_INTROSPECTION_CLIENT_SECRET=hush", "OAUTH_INTROSPECTION_CLIENT_ID"),
    ("{CLIENT}", "OAUTH_INTROSPECTION_URL"),
    ("OAUTH_INTROSPECTION_ISSUER=https://as.example.com", "OAUTH_INTROSPECTION_URL"),
    ("OAUTH_INTROSPECTION_URL=http://as.example.com/x\n{CLIENT}", "OAUTH_INTROSPECTION_URL"),
    ("OAUTH_INTROSPECTION_URL=https://me:hush@as.test/x\n{CLIENT}", "OAUTH_INTROSPECTION_URL"),
    (
        "{ENDPOINT}{CLIENT}OAUTH_INTROSPECTION_ISSUER=http://as.example.com",
        "OAUTH_INTROSPECTION_ISSUER",
    ),
    ("OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT=http://u:p@collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT=grpc://collector:4317", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("OAUTH_INTROSPECTION_CACHE=6s", "OAUTH_INTROSPECTION_CACHE"),
    ("OAUTH_INTROSPECTION_CACHE=off", "OAUTH_INTROSPECTION_CACHE"),
];

const ACME: &str = "OIDC_ACME_CLIENT_ID=a\nOIDC_ACME_CLIENT_SECRET=b\n";
const ENDPOINT: &str = "OAUTH_INTROSPECTION_URL=https://as.example.com/realms/a/introspect\n";
const CLIENT: &str = "OAUTH_INTROSPECTION_CLIENT_ID=api\nOAUTH_INTROSPECTION_CLIENT_SECRET=hush\n";

#[test]
fn invalid_settings_are_refused() {
    let lines = [
        ("{PUBLIC}", PUBLIC),
        ("{STRONG}", STRONG),
        ("{ACME}", ACME),
        ("{ENDPOINT}", ENDPOINT),
        ("{CLIENT}", CLIENT),
    ];
    for (row, complained_of) in REFUSED {
        let text = lines.iter().fold((*row).to_owned(), |row, (name, its)| row.replace(name, its));
        let problems = load(&text).err().unwrap_or_default().0;
        let variables: Vec<_> = problems.iter().map(|problem| &*problem.variable).collect();
        assert_eq!(variables, [*complained_of], "{text}");
    }
}

#[test]
fn introspection_settings_select_endpoint_and_issuer() {
    let local = load("").expect("no problem").introspection.expect("the local provider");
    let (config, issuer) = (&local.config, Some("http://127.0.0.1:3001/google"));
    assert_eq!(config.url.as_str(), "http://127.0.0.1:3001/google/introspect");
    assert_eq!((config.issuer.as_deref(), config.expected.issuer.as_deref()), (issuer, issuer));
    assert!(local.local);
    assert_eq!(config.cache_ttl, Span::seconds(5));
    for nobody in ["LOCAL_IDP=off\nOAUTH_INTROSPECTION_CACHE=0", &[PUBLIC, STRONG].concat()] {
        assert!(load(nobody).expect("no problem").introspection.is_none());
    }

    let named = "OAUTH_INTROSPECTION_ISSUER=https://as.example.com/realms/b\n\
                 OAUTH_INTROSPECTION_CACHE=2s";
    let set = load(&[ENDPOINT, CLIENT, named].concat()).expect("no problem");
    let set = set.introspection.expect("the one that is named");
    let (config, issuer) = (&set.config, Some("https://as.example.com/realms/b"));
    assert_eq!((config.issuer.as_deref(), config.expected.issuer.as_deref()), (issuer, issuer));
    assert!(!set.local);
    assert_eq!(config.cache_ttl, Span::seconds(2));

    let provider = "OIDC_CORP_ISSUER=https://as.example.com/realms/a\n\
                    OIDC_CORP_CLIENT_ID=id\nOIDC_CORP_CLIENT_SECRET=s3cret";
    let guessed = load(&[ENDPOINT, CLIENT, provider].concat()).expect("no problem");
    let guessed = guessed.introspection.expect("one").config;
    assert_eq!(guessed.issuer.as_deref(), Some("https://as.example.com/realms/a"));
    assert_eq!(guessed.expected.issuer, None);
}

#[test]
fn unrelated_oidc_variables_only_cause_warnings() {
    for (variables, warned) in [
        ("OIDC_ISSUER=https://acme.test", &["OIDC_ISSUER"][..]),
        ("OIDC_CLIENT_ID=a\nOIDC_CLIENT_SECRET=b", &["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"]),
        (
            "OIDC_RP_CLIENT_ID=a\nOIDC_RP_CLIENT_SECRET=b\nOIDC_OP_JWKS_ENDPOINT=c",
            &["OIDC_OP_JWKS_ENDPOINT", "OIDC_RP_CLIENT_ID", "OIDC_RP_CLIENT_SECRET"],
        ),
        ("OIDC_EXTRA_SCOPES=groups", &["OIDC_EXTRA_SCOPES"]),
        ("PUBLIC_URL=http://127.0.0.1:3000", &["PUBLIC_URL"]),
        ("PUBLIC_URL=http://127.0.0.1:3000\nLOCAL_IDP=off", &[]),
        ("PUBLIC_URL=http://[::1]:3000", &[]),
    ] {
        let settings = load(variables).expect("no problem");
        let found: Vec<_> = settings.warnings.iter().map(|one| &*one.variable).collect();
        assert_eq!(found, warned, "{variables}");
        assert!(settings.providers.iter().all(|provider| provider.local), "{variables}");
    }
}

/// Values end up in headers, e-mails and log lines.
#[test]
fn line_breaks_in_any_setting_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    // Some are only read together.
    let others = |name: &str| {
        let mut all = vec![
            ("OIDC_ACME_ISSUER".to_owned(), "https://acme.test"),
            ("OAUTH_INTROSPECTION_URL".to_owned(), "https://as.example.com/introspect"),
        ];
        for one in variables::ALL.iter().filter(|one| one.name.contains("_CLIENT_")) {
            let value = if one.name.ends_with("SECRET") { "hush" } else { "id" };
            all.push((one.name.replace("<NAME>", "ACME"), value));
        }
        all.retain(|(other, _)| other != name);
        all
    };
    let load = |all: Vec<(String, &str)>| {
        Settings::load(&Environment::new(all, folder.path()), Capabilities::ALL)
    };
    assert!(load(others("")).is_ok());
    for variable in variables::ALL {
        let name = variable.name.replace("<NAME>", "ACME");
        let all = [others(&name), vec![(name.clone(), "a\nb")]].concat();
        let problems = load(all).err().unwrap_or_default();
        let said = format!("{name} contains a line break");
        assert!(problems.to_string().contains(&said), "{name}: {problems}");
    }
}

#[test]
fn control_characters_in_provider_label_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for label in ["Ac\nme", "Ac\rme", "Ac\tme", "Ac\u{85}me", "Ac\u{2028}me", "Ac\u{1b}[1mme"] {
        let environment = Environment::new(
            [
                ("OIDC_ACME_ISSUER", "https://acme.test"),
                ("OIDC_ACME_CLIENT_ID", "a"),
                ("OIDC_ACME_CLIENT_SECRET", "b"),
                ("OIDC_ACME_LABEL", label),
            ],
            folder.path(),
        );
        let problems = Settings::load(&environment, Capabilities::ALL).expect_err("a problem");
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert!(problems.to_string().contains("OIDC_ACME_LABEL contains a line break"));
    }
}

#[test]
fn all_settings_problems_are_listed_without_values() {
    let problems = load(
        "PUBLIC_URL=http://app.example.com\nGITHUB_CLIENT_SECRET='s3cr3t-value'\n\
         APP_SECRET_FILE=/nowhere/s3cr3t-value\nDATABASE_URL=mysql://root:s3cr3t-value@db",
    );
    let problems = problems.expect_err("problems");
    assert_eq!(problems.0.len(), 4, "{problems}");
    assert!(!problems.to_string().contains("s3cr3t-value"), "{problems}");
}

#[test]
fn refused_settings_create_no_app_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = Environment::new([("JWT_ALGORITHM", "none")], folder.path());
    let problems = Settings::load(&environment, Capabilities::ALL).expect_err("a problem");
    assert!(problems.to_string().contains("JWT_ALGORITHM"), "{problems}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn generated_app_secret_is_reused_and_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = Environment::new::<&str, &str>([], folder.path());
    let load =
        || Settings::load(&environment, Capabilities::ALL).expect("settings").config.app_secret;
    let sealed = load().seal(Purpose::SigningKey, "", b"kept").expect("a ciphertext");
    assert!(load().open(Purpose::SigningKey, "", &sealed).is_ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(folder.path().join("data/app-secret")).expect("a file");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn missing_features_are_off_and_cannot_be_enabled() {
    let none = Capabilities { local_provider: false, demo: false, otlp: false, mail: None };
    let folder = tempfile::tempdir().expect("a folder");
    let load =
        |variables: &str| Settings::load(&Environment::from_lines(variables, folder.path()), none);
    for variables in ["", "LOCAL_IDP=auto\nDEMO=auto\nTRACES=auto"] {
        let settings = load(variables).expect("no problem");
        assert!(settings.local_idp.is_none() && settings.providers.is_empty());
        assert!(!settings.demo && !settings.traces);
    }
    for (name, feature) in
        [("LOCAL_IDP", "local-idp"), ("DEMO", "demo"), ("TRACES", "demo"), ("SMTP_URL", "e-mail")]
    {
        let problems = load(&format!("{name}=on")).expect_err("a problem");
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert!(problems.0[0].variable == name && problems.to_string().contains(feature));
    }
    // Hosting platforms set this variable for every program.
    let settings = load("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318").expect("no problem");
    assert!(settings.otlp.is_none());
    assert!(settings.warnings.iter().any(|one| one.to_string().contains("feature otlp")));
}

#[test]
fn variables_are_found_by_name_or_file_suffix() {
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
        assert_eq!(variables::find(name).map(|variable| variable.name), found, "{name}");
    }
}

#[test]
fn env_example_lists_every_variable_with_default() {
    let example = include_str!("../../../.env.example");
    let lines = example.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix('#').unwrap_or(line).split_once('=')?;
        let is_name = name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        is_name.then(|| (name.replace("OIDC_ACME_", "OIDC_<NAME>_"), value))
    });
    let (names, values): (Vec<_>, Vec<_>) = lines.unzip();
    assert_eq!(names, variables::ALL.iter().map(|variable| variable.name).collect::<Vec<_>>());
    for (variable, value) in variables::ALL.iter().zip(values) {
        let is_own = variable.name.contains('<');
        assert!(is_own || value.is_empty() || value == variable.default, "{variable:?}");
    }
}

#[test]
fn reference_lists_every_variable_with_default() {
    let reference = include_str!("../../../docs/reference.md");
    let section = reference.split("\n## ").find(|section| section.starts_with("Settings"));
    let quoted = |cell: &'static str| cell.split('`').skip(1).step_by(2);
    let mut listed = BTreeSet::new();
    for row in section.expect("a section").lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.split('|').skip(1);
        let names: Vec<_> = quoted(cells.next().expect("names")).collect();
        // `GOOGLE_CLIENT_ID`, `…_SECRET`
        let (prefix, _) = names[0].rsplit_once('_').unwrap_or((names[0], ""));
        let names = names.iter().map(|name| name.replace('…', prefix));
        let defaults = cells.next().expect("a default").trim();
        let values = defaults.strip_prefix('`').map(|_| quoted(defaults).map(Some));
        let values = values.into_iter().flatten().chain(std::iter::repeat(None));
        for (name, default) in names.zip(values) {
            let variable =
                variables::find(&name).unwrap_or_else(|| panic!("{name} is not a variable"));
            assert!(default.is_none_or(|default| default == variable.default), "{row}");
            assert!(listed.insert(variable.name), "{name} is listed twice");
        }
    }
    assert_eq!(listed, variables::ALL.iter().map(|variable| variable.name).collect());
}

#[test]
fn env_file_values_are_not_expanded() {
    for (text, value) in [
        ("A=pa$word$HOME", Some("pa$word$HOME")),
        ("A=\"pa$word ${HOME} $\"", Some("pa$word ${HOME} $")),
        ("A='pa$word'", Some("pa$word")),
        ("A=pa\\$word", Some("pa$word")),
        ("A=\"a\\\"$b\"", Some("a\"$b")),
        ("# it's $5\nA=a$b # isn't $x\nB=c$d", Some("a$b")),
        ("A=\"a\n#'$b\"\nB=1", Some("a\n#'$b")),
        ("A=a#$b", Some("a#$b")),
        ("A=$$", Some("$$")),
        ("\u{feff}A=1", Some("1")),
        ("\u{feff}# a comment\r\nA=1\r\n", Some("1")),
        ("B=1\n\u{feff}A=1", None),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".env");
        std::fs::write(&path, text).expect("a file");
        let found = Environment::from_file(&path);
        assert_eq!(found.problems.0.is_empty(), value.is_some(), "{text:?}");
        assert_eq!(found.get("A"), value, "{text:?}");
    }
}

#[test]
fn env_file_must_be_utf_8() {
    let folder = tempfile::tempdir().expect("a folder");
    for bytes in [&b"\xff\xfeA\0=\x001\0"[..], b"A=\xe9t\xe9"] {
        let path = folder.path().join(".env");
        std::fs::write(&path, bytes).expect("a file");
        let problems = Environment::from_file(&path).problems.to_string();
        assert!(problems.contains("Save it as UTF-8."), "{problems}");
    }
}
