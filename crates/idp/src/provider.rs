//! The three providers that this one plays, and where their dialects differ.

use std::{fmt, time::Duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// OpenID Connect: discovery, ID token, userinfo.
    Google,
    /// OAuth 2.0 in GitHub's dialect: errors with status 200, no expiry, a REST API.
    Github,
    /// OAuth 2.0 in Facebook's dialect: the Graph API and its error shape.
    Facebook,
}

impl Provider {
    /// All of them, in the order in which pages list them.
    pub const ALL: [Self; 3] = [Self::Google, Self::Github, Self::Facebook];

    /// The name that a person reads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Github => "GitHub",
            Self::Facebook => "Facebook",
        }
    }

    /// The name in paths and settings.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Github => "github",
            Self::Facebook => "facebook",
        }
    }

    /// A plain letter where others would show a trademark.
    pub(crate) const fn monogram(self) -> &'static str {
        match self {
            Self::Google => "G",
            Self::Github => "GH",
            Self::Facebook => "F",
        }
    }

    /// The path of the authorization endpoint, RFC 6749 §3.1.
    pub const fn authorize_path(self) -> &'static str {
        match self {
            Self::Google => "/google/authorize",
            Self::Github => "/github/login/oauth/authorize",
            Self::Facebook => "/facebook/v23.0/dialog/oauth",
        }
    }

    /// The path of the token endpoint, RFC 6749 §3.2.
    pub const fn token_path(self) -> &'static str {
        match self {
            Self::Google => "/google/token",
            Self::Github => "/github/login/oauth/access_token",
            Self::Facebook => "/facebook/v23.0/oauth/access_token",
        }
    }

    /// The path that tells who an access token speaks for.
    pub const fn userinfo_path(self) -> &'static str {
        match self {
            Self::Google => "/google/userinfo",
            Self::Github => "/github/api/user",
            Self::Facebook => "/facebook/v23.0/me",
        }
    }

    /// How long an access token is good for. GitHub does not announce a lifetime; here it still
    /// has one, so that nothing is kept for ever.
    pub(crate) const fn access_token_lifetime(self) -> Duration {
        const HOUR: u64 = 60 * 60;
        Duration::from_secs(match self {
            Self::Google => HOUR,
            Self::Github => 30 * 24 * HOUR,
            Self::Facebook => 60 * 24 * HOUR,
        })
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
