//! The three providers and the differences between their dialects.

use std::fmt;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    Google,
    /// OAuth 2.0 in GitHub's dialect: errors with status 200, no expiry, a REST API.
    Github,
    /// OAuth 2.0 in Facebook's dialect: the Graph API and its error shape.
    Facebook,
}

impl Provider {
    /// In the order of the pages.
    pub const ALL: [Self; 3] = [Self::Google, Self::Github, Self::Facebook];

    /// What differs by provider, in the order of [`Self::ALL`].
    pub(crate) const fn pick<T: Copy>(self, [google, github, facebook]: [T; 3]) -> T {
        match self {
            Self::Google => google,
            Self::Github => github,
            Self::Facebook => facebook,
        }
    }

    pub const fn name(self) -> &'static str {
        self.pick(["Google", "GitHub", "Facebook"])
    }

    pub const fn key(self) -> &'static str {
        self.pick(["google", "github", "facebook"])
    }

    /// Plain letters instead of a trademark.
    pub(crate) const fn monogram(self) -> &'static str {
        self.pick(["G", "GH", "F"])
    }

    /// RFC 6749 §3.1.
    pub const fn authorize_path(self) -> &'static str {
        self.pick([
            "/google/authorize",
            "/github/login/oauth/authorize",
            "/facebook/v23.0/dialog/oauth",
        ])
    }

    /// RFC 6749 §3.2.
    pub const fn token_path(self) -> &'static str {
        self.pick([
            "/google/token",
            "/github/login/oauth/access_token",
            "/facebook/v23.0/oauth/access_token",
        ])
    }

    /// The endpoint for the profile of the access token's user.
    pub const fn userinfo_path(self) -> &'static str {
        self.pick(["/google/userinfo", "/github/api/user", "/facebook/v23.0/me"])
    }

    /// The authentication schemes that its APIs accept for access tokens.
    pub(crate) const fn token_schemes(self) -> &'static [&'static str] {
        self.pick([&["bearer"], &["bearer", "token"], &["bearer", "oauth"]])
    }

    /// GitHub's tokens do not expire; here they do, so that the memory in use stays bounded.
    pub(crate) const fn access_token_lifetime(self) -> Duration {
        const HOUR: u64 = 60 * 60;
        Duration::from_secs(self.pick([HOUR, 30 * 24 * HOUR, 60 * 24 * HOUR]))
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
