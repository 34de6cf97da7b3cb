//! A cookie parser and jar of our own, so that assertions do not depend on a library.

use std::collections::BTreeMap;

use url::Url;

/// One `Set-Cookie` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookie {
    /// Includes the prefix.
    pub name: String,
    pub value: String,
    /// Sorted.
    pub attributes: Vec<String>,
}

impl SetCookie {
    /// Parses a `Set-Cookie` header.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        let mut parts = header.split(';').map(str::trim);
        let pair = parts.next().unwrap_or_default();
        let (name, value) = pair.split_once('=').expect("a name and a value");
        let mut attributes: Vec<_> = parts.map(str::to_owned).collect();
        attributes.sort();
        Self { name: name.to_owned(), value: value.to_owned(), attributes }
    }

    /// The value of an attribute; empty for a flag.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|attribute| {
            let (found, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Whether it removes the cookie.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.attribute("max-age") == Some("0")
    }

    /// Whether a browser would accept it from this URL (RFC 6265bis §5.7).
    fn is_acceptable(&self, url: &Url) -> bool {
        let secure = self.attribute("secure").is_some();
        let host_prefix = !self.name.starts_with("__Host-")
            || (secure
                && self.attribute("path") == Some("/")
                && self.attribute("domain").is_none());
        // Safari accepts no `Secure` cookie over http, not even on loopback.
        host_prefix && (!secure || url.scheme() == "https")
    }
}

#[derive(Clone, Debug)]
struct StoredCookie {
    name: String,
    value: String,
    path: String,
}

/// Cookies by host: browsers ignore the port.
#[derive(Clone, Debug, Default)]
pub struct Jar(BTreeMap<String, Vec<StoredCookie>>);

impl Jar {
    pub(crate) fn take(&mut self, url: &Url, cookie: &SetCookie) {
        if !cookie.is_acceptable(url) {
            return;
        }
        let kept = self.0.entry(host(url)).or_default();
        let path = cookie.attribute("path").unwrap_or("/").to_owned();
        let is_same = |old: &StoredCookie| old.name == cookie.name && old.path == path;
        if cookie.is_removal() {
            kept.retain(|old| !is_same(old));
        } else if let Some(old) = kept.iter_mut().find(|old| is_same(old)) {
            old.value.clone_from(&cookie.value);
        } else {
            kept.push(StoredCookie {
                name: cookie.name.clone(),
                value: cookie.value.clone(),
                path,
            });
        }
    }

    /// The `Cookie` header for a URL, the oldest first.
    #[must_use]
    pub fn header(&self, url: &Url) -> Option<String> {
        let kept = self.0.get(&host(url))?.iter();
        let sent = kept.filter(|one| path_matches(&one.path, url.path()));
        let pairs: Vec<_> = sent.map(|one| format!("{}={}", one.name, one.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The value of a cookie.
    #[must_use]
    pub fn get(&self, host: &str, name: &str) -> Option<&str> {
        self.all(host).find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Names and values of the cookies of a host.
    pub fn all(&self, host: &str) -> impl Iterator<Item = (&str, &str)> {
        let kept = self.0.get(host).map(Vec::as_slice).unwrap_or_default();
        kept.iter().map(|one| (one.name.as_str(), one.value.as_str()))
    }

    /// Stores a cookie.
    pub fn set(&mut self, host: &str, name: &str, value: &str) {
        let kept = self.0.entry(host.to_owned()).or_default();
        kept.retain(|one| one.name != name);
        let (name, value, path) = (name.to_owned(), value.to_owned(), "/".to_owned());
        kept.push(StoredCookie { name, value, path });
    }

    /// Renames the cookies of one port to another, as if both were one origin behind a proxy.
    pub fn move_port(&mut self, from: u16, to: u16) {
        for StoredCookie { name, .. } in self.0.values_mut().flatten() {
            if let Some(base) = name.strip_suffix(&format!("_{from}")) {
                *name = format!("{base}_{to}");
            }
        }
    }

    /// Removes all cookies.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn host(url: &Url) -> String {
    url.host_str().expect("a host").to_owned()
}

/// RFC 6265 §5.1.4.
fn path_matches(cookie: &str, request: &str) -> bool {
    let rest = request.strip_prefix(cookie);
    rest.is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}
