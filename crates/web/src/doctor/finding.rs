//! What was found: one thing that was looked at, and how it is.

use serde::{Serialize, Serializer};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Ok,
    /// It works, and somebody should know something about it.
    Warning,
    /// It does not work.
    Problem,
}

impl Level {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What belongs together in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    Settings,
    Address,
    /// Where they prove who they are.
    Providers,
    Clock,
    Database,
    Secrets,
    Jwt,
    Mail,
}

impl Section {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 8] = [
        Self::Settings,
        Self::Address,
        Self::Providers,
        Self::Clock,
        Self::Database,
        Self::Secrets,
        Self::Jwt,
        Self::Mail,
    ];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Settings => "Settings",
            Self::Address => "Address",
            Self::Providers => "Providers",
            Self::Clock => "Clock",
            Self::Database => "Database",
            Self::Secrets => "Secrets",
            Self::Jwt => "JWTs",
            Self::Mail => "E-mail",
        }
    }
}

macro_rules! checks {
    ($($check:ident: $section:ident, $code:literal;)*) => {
        /// What was looked at: a stable code for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Check {
            $(#[doc = $code] $check,)*
        }

        impl Check {
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$check => $code,)* }
            }

            #[must_use]
            pub const fn section(self) -> Section {
                match self { $(Self::$check => Section::$section,)* }
            }
        }
    };
}

checks! {
    Settings: Settings, "settings";
    SettingInvalid: Settings, "setting_invalid";
    SettingDoubtful: Settings, "setting_doubtful";
    PublicUrl: Address, "public_url";
    PublicUrlAnswers: Address, "public_url_answers";
    Cookies: Address, "cookies";
    Listen: Address, "listen";
    TrustedProxies: Address, "trusted_proxies";
    Provider: Providers, "provider";
    ProviderReachable: Providers, "provider_reachable";
    Introspection: Providers, "introspection";
    Clock: Clock, "clock";
    Database: Database, "database";
    Migrations: Database, "migrations";
    AppSecret: Secrets, "app_secret";
    SigningKeys: Secrets, "signing_keys";
    JwtLife: Jwt, "jwt_life";
    JwtIssuer: Jwt, "jwt_issuer";
    JwtAlgorithm: Jwt, "jwt_algorithm";
    Mail: Mail, "mail";
}

/// One thing that was looked at. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    #[serde(rename = "code", serialize_with = "code")]
    pub check: Check,
    pub level: Level,
    /// Which one: a variable's name, a provider's.
    pub subject: String,
    pub finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<String>,
    #[serde(serialize_with = "members", skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(&'static str, String)>,
}

impl Finding {
    fn new(level: Level, check: Check, subject: &str, finding: impl Into<String>) -> Self {
        Self {
            check,
            level,
            subject: subject.to_owned(),
            finding: finding.into(),
            what_to_do: None,
            facts: Vec::new(),
        }
    }

    /// It is as it should be.
    pub(super) fn ok(check: Check, subject: &str, finding: impl Into<String>) -> Self {
        Self::new(Level::Ok, check, subject, finding)
    }

    pub(super) fn warning(check: Check, subject: &str, finding: impl Into<String>) -> Self {
        Self::new(Level::Warning, check, subject, finding)
    }

    /// It does not work.
    pub(super) fn problem(check: Check, subject: &str, finding: impl Into<String>) -> Self {
        Self::new(Level::Problem, check, subject, finding)
    }

    pub(super) fn advise(mut self, what: impl Into<String>) -> Self {
        self.what_to_do = Some(what.into());
        self
    }

    /// A fact that helps. Never a secret.
    pub(super) fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn code<S: Serializer>(check: &Check, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(check.code())
}

/// "Redirect URI" for people is `redirect_uri` for programs.
fn members<S: Serializer>(facts: &[(&'static str, String)], to: S) -> Result<S::Ok, S::Error> {
    let member = |name: &str| name.to_lowercase().replace([' ', '-'], "_");
    to.collect_map(facts.iter().map(|(name, value)| (member(name), value)))
}
