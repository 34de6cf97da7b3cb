//! An instance that is already running, given by its URL.

use async_trait::async_trait;
use url::Url;

use crate::error::{Error, Result};
use crate::instance::{Instance, InstanceFactory, InstanceOptions};

/// An instance that is already running. Experiments only create accounts and sign-ins there.
#[derive(Clone, Debug)]
pub struct Remote {
    url: Url,
    provider: Option<Url>,
}

impl Remote {
    /// `provider` is its local provider, if it has one. The URL must be an origin, with https or
    /// on this machine.
    pub fn new(url: &Url, provider: Option<Url>) -> Result<Self> {
        if !is_allowed(url) {
            let why = "the URL must be an origin: https, or http on this machine";
            return Err(Error::unsupported(why));
        }
        Ok(Self { url: url.clone(), provider })
    }
}

/// Passwords are only sent over https or to this machine.
fn is_allowed(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback;
    is_safe && url.path() == "/" && url.query().is_none() && url.username().is_empty()
}

#[async_trait]
impl InstanceFactory for Remote {
    fn describe(&self) -> String {
        format!("the instance at {}", self.url.origin().ascii_serialization())
    }

    async fn start(&self, options: &InstanceOptions) -> Result<Box<dyn Instance>> {
        // Without the value, which may be a key.
        if let Some((name, _)) = options.variables.first() {
            return Err(Error::unsupported(format!("it needs an instance with its own {name}")));
        }
        if options.log {
            return Err(Error::unsupported("it reads the log"));
        }
        if options.manual_clock {
            return Err(Error::unsupported("it moves the clock"));
        }
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Instance for Remote {
    fn url(&self) -> &Url {
        &self.url
    }

    fn provider(&self) -> Option<&Url> {
        self.provider.as_ref()
    }

    async fn stop(self: Box<Self>) {}
}
