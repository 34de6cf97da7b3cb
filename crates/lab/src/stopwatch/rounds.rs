//! The keys that the stopwatch is there for, each at instances of its own.

use serde::{Deserialize, Serialize};

use super::{Between, Progress, Timed, expiring_jwt, session, time, watched_jwt};
use crate::{Agent, Ground, Place, Result, Wishes, doors};

/// For how long a JWT is issued that nobody watches: short, so that somebody can
/// wait for its end.
pub const SHORT: &str = "3s";

/// A key that can be timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Round {
    /// A server session.
    Session,
    /// A JWT, with `JWT_REVOCATION=watch`, where it is ended.
    JwtWatchHere,
    /// The same, at another process.
    JwtWatch,
    /// A JWT, with `JWT_REVOCATION=expiry`.
    JwtExpiry,
}

impl Round {
    /// All of them, the quickest first.
    pub const ALL: [Self; 4] = [Self::Session, Self::JwtWatchHere, Self::JwtWatch, Self::JwtExpiry];

    /// Its name for programs, which is that of what is timed.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::JwtWatchHere => "jwt_watch_here",
            Self::JwtWatch => "jwt_watch",
            Self::JwtExpiry => "jwt_expiry",
        }
    }

    /// What to call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "Server session",
            Self::JwtWatchHere => "JWT, watched",
            Self::JwtWatch => "JWT, watched, at another process",
            Self::JwtExpiry => "JWT, until it expires",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn by_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|round| round.slug() == slug)
    }

    fn wishes(self) -> Wishes {
        match self {
            Self::Session => Wishes::none(),
            Self::JwtWatchHere | Self::JwtWatch => Wishes::none().set("JWT_REVOCATION", "watch"),
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
        let (ends_at, shown_at) = (places[0].url(), places[places.len() - 1].url());
        let between = Between { ends_at, shown_at };
        let agent = Agent::new()?;
        let email = doors::sign_up(&agent, ends_at).await?;
        let subject = match self {
            Self::Session => session(&agent, between, &email).await?,
            Self::JwtWatchHere | Self::JwtWatch => watched_jwt(&agent, between, &email).await?,
            Self::JwtExpiry => expiring_jwt(&agent, between, &email).await?,
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
