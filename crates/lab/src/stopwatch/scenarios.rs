//! What the stopwatch can time, each with its own instances.

use std::time::Duration;

use strum::{EnumString, IntoStaticStr};

use super::credentials::{Subject, TimedCredential, calendar_printer};
use super::timing::{Progress, Timed, time};
use crate::context::Fixture;
use crate::error::Result;
use crate::instance::{Instance, InstanceFactory, InstanceOptions, Instances};

/// `JWT_ACCESS_TTL` of a JWT that is only refused when it expires.
const SHORT_TTL: &str = "3s";

/// How soon every process refuses a revoked JWT with `JWT_REVOCATION=watch`.
pub const WATCHED: Duration = Duration::from_secs(1);

/// `OAUTH_INTROSPECTION_CACHE`, where the cache is on.
pub const CACHED_FOR: Duration = Duration::from_secs(2);
const CACHED: &str = "2s";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Scenario {
    Session,
    JwtWatchHere,
    Introspected,
    JwtWatch,
    JwtExpiry,
    IntrospectedCached,
}

impl Scenario {
    pub const ALL: [Self; 6] = [
        Self::Session,
        Self::JwtWatchHere,
        Self::Introspected,
        Self::JwtWatch,
        Self::IntrospectedCached,
        Self::JwtExpiry,
    ];

    pub fn slug(self) -> &'static str {
        self.into()
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "Server session",
            Self::JwtWatchHere => "JWT, revocation list, same process",
            Self::JwtWatch => "JWT, revocation list, another process",
            Self::Introspected => "Another app’s OAuth token",
            Self::IntrospectedCached => "Another app’s OAuth token, cached introspection",
            Self::JwtExpiry => "JWT, valid until it expires",
        }
    }

    pub fn by_slug(slug: &str) -> Option<Self> {
        slug.parse().ok()
    }

    fn options(self) -> InstanceOptions {
        let options = InstanceOptions::default();
        match self {
            Self::Session => options,
            Self::JwtWatchHere | Self::JwtWatch => options.set("JWT_REVOCATION", "watch"),
            Self::Introspected => options.set("OAUTH_INTROSPECTION_CACHE", "0"),
            Self::IntrospectedCached => options.set("OAUTH_INTROSPECTION_CACHE", CACHED),
            Self::JwtExpiry => {
                options.set("JWT_REVOCATION", "expiry").set("JWT_ACCESS_TTL", SHORT_TTL)
            }
        }
    }

    /// Times it once, and stops its instances.
    pub async fn run(
        self,
        factory: &dyn InstanceFactory,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Timed> {
        let instances = Instances::new(factory);
        let timed = match self.prepare(&instances).await {
            Ok(prepared) => prepared.time(progress).await,
            Err(error) => Err(error),
        };
        instances.stop_all().await;
        timed
    }

    pub(crate) async fn prepare<'a>(self, instances: &'a Instances<'_>) -> Result<Prepared<'a>> {
        let fixture = Fixture::new(instances.start(&self.options()).await?).await?;
        let used_at = if self == Self::JwtWatch {
            let options = self.options().sharing_storage_with(fixture.instance)?;
            instances.start(&options).await?
        } else {
            fixture.instance
        };
        Ok(Prepared { scenario: self, fixture, used_at })
    }
}

/// A scenario whose instances are running, so that it can be timed repeatedly.
pub(crate) struct Prepared<'a> {
    scenario: Scenario,
    fixture: Fixture<'a>,
    used_at: &'a dyn Instance,
}

impl Prepared<'_> {
    pub(crate) async fn time(&self, progress: impl FnMut(Progress) + Send) -> Result<Timed> {
        time(&self.fixture.agent, self.scenario.slug(), &self.credential().await?, progress).await
    }

    async fn credential(&self) -> Result<TimedCredential> {
        let Fixture { instance, agent, email } = &self.fixture;
        let (revoked_at, used_at) = (instance.url(), self.used_at.url());
        let subject = Subject { agent, email, revoked_at, used_at };
        match self.scenario {
            Scenario::Session => subject.session().await,
            Scenario::JwtWatchHere => subject.jwt(Some(Duration::ZERO)).await,
            Scenario::JwtWatch => subject.jwt(Some(WATCHED)).await,
            Scenario::JwtExpiry => subject.jwt(None).await,
            Scenario::Introspected => calendar_printer(agent, *instance, Duration::ZERO).await,
            Scenario::IntrospectedCached => calendar_printer(agent, *instance, CACHED_FOR).await,
        }
    }
}
