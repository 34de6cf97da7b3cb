//! The keys that the stopwatch is there for, each at instances of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::printer::printing;
use super::{Between, Progress, Timed, expiring_jwt, session, time, watched_jwt};
use crate::{Agent, Ground, Place, Result, Wishes, doors};

/// For how long a JWT is issued that nobody watches: short, so that somebody can
/// wait for its end.
pub const SHORT: &str = "3s";

/// How long an answer about another app's token is believed, where it is.
pub const CACHED_FOR: Duration = Duration::from_secs(2);
const CACHED: &str = "2s";

/// A key that can be timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Round {
    Session,
    /// A JWT, with `JWT_REVOCATION=watch`, where it is ended.
    JwtWatchHere,
    /// Another app's token, which its provider is asked about each time.
    Introspected,
    /// A watched JWT, at another process.
    JwtWatch,
    /// A JWT, with `JWT_REVOCATION=expiry`.
    JwtExpiry,
    /// Another app's token, with the provider's answer believed for a while.
    IntrospectedCached,
}

impl Round {
    /// All of them, the quickest first.
    pub const ALL: [Self; 6] = [
        Self::Session,
        Self::JwtWatchHere,
        Self::Introspected,
        Self::JwtWatch,
        Self::IntrospectedCached,
        Self::JwtExpiry,
    ];

    /// Its name for programs, which is that of what is timed.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::JwtWatchHere => "jwt_watch_here",
            Self::JwtWatch => "jwt_watch",
            Self::Introspected => "introspected",
            Self::IntrospectedCached => "introspected_cached",
            Self::JwtExpiry => "jwt_expiry",
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "Server session",
            Self::JwtWatchHere => "JWT, watched",
            Self::JwtWatch => "JWT, watched, at another process",
            Self::Introspected => "Another app’s OAuth token",
            Self::IntrospectedCached => "Another app’s OAuth token, with a cache",
            Self::JwtExpiry => "JWT, until it expires",
        }
    }

    #[must_use]
    pub fn by_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|round| round.slug() == slug)
    }

    fn wishes(self) -> Wishes {
        match self {
            Self::Session => Wishes::none(),
            Self::JwtWatchHere | Self::JwtWatch => Wishes::none().set("JWT_REVOCATION", "watch"),
            Self::Introspected => Wishes::none().set("OAUTH_INTROSPECTION_CACHE", "0"),
            Self::IntrospectedCached => Wishes::none().set("OAUTH_INTROSPECTION_CACHE", CACHED),
            Self::JwtExpiry => {
                Wishes::none().set("JWT_REVOCATION", "expiry").set("JWT_ACCESS_TTL", SHORT)
            }
        }
    }

    /// Times it, at instances that are stopped afterwards.
    ///
    /// # Errors
    /// When there are no instances, or nobody can sign in there.
    pub async fn run(
        self,
        ground: &dyn Ground,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Timed> {
        let mut places = vec![ground.start(&self.wishes()).await?];
        let timed = self.at(ground, &mut places, progress).await;
        // The twin lives on the database of its elder.
        for place in places.into_iter().rev() {
            place.stop().await;
        }
        timed
    }

    async fn at(
        self,
        ground: &dyn Ground,
        places: &mut Vec<Box<dyn Place>>,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Timed> {
        if self == Self::JwtWatch {
            let twin = self.wishes().twin_of(places[0].as_ref())?;
            places.push(ground.start(&twin).await?);
        }
        let agent = Agent::new()?;
        let cached_for = match self {
            Self::Introspected => Some(Duration::ZERO),
            Self::IntrospectedCached => Some(CACHED_FOR),
            _ => None,
        };
        if let Some(cached_for) = cached_for {
            let subject = printing(&agent, places[0].as_ref(), cached_for).await?;
            return time(&agent, &subject, progress).await;
        }
        let (ends_at, shown_at) = (places[0].url(), places[places.len() - 1].url());
        let between = Between { ends_at, shown_at };
        let email = doors::sign_up(&agent, ends_at).await?;
        let subject = match self {
            Self::JwtWatchHere | Self::JwtWatch => watched_jwt(&agent, between, &email).await?,
            Self::JwtExpiry => expiring_jwt(&agent, between, &email).await?,
            _ => session(&agent, between, &email).await?,
        };
        time(&agent, &subject, progress).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        for round in Round::ALL {
            assert_eq!(Round::by_slug(round.slug()), Some(round));
            assert!(!round.name().is_empty());
        }
        assert_eq!(Round::by_slug("jwt"), None);
    }
}
