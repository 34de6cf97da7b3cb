//! Where people find the app: `PUBLIC_URL` against what is seen.

use latchkey_auth::http::{Error, Outbound};
use serde_json::Value;
use url::Url;

use super::Known;
use super::finding::{Check, Finding};
use crate::cookies::{CookieProfile, REFRESH, SESSION, TOKEN};
use crate::settings::Settings;

const PUBLIC_URL: &str = "PUBLIC_URL";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answering {
    Latchkey,
    /// A proxy that finds nobody behind it: 502, 503 or 504.
    Proxy,
    Another,
    Nobody,
}

/// Asks who answers at an address: Latchkey describes its API there.
pub(super) async fn who_answers(http: &Outbound, base: &Url) -> Answering {
    let Ok(url) = base.join("/openapi.json") else { return Answering::Nobody };
    let answer = match http.get(&url, None).await {
        Ok(answer) => answer,
        Err(Error::Broken | Error::TooLarge) => return Answering::Another,
        Err(Error::Connect | Error::Timeout | Error::Request) => return Answering::Nobody,
    };
    let described: Option<Value> = serde_json::from_slice(answer.body()).ok();
    let title = described.as_ref().and_then(|api| api.pointer("/info/title")?.as_str());
    match (title, answer.status().as_u16()) {
        (Some("Latchkey"), 200) => Answering::Latchkey,
        (_, 502..=504) => Answering::Proxy,
        _ => Answering::Another,
    }
}

/// What `PUBLIC_URL` means. It needs nobody's answer.
pub(super) fn findings(known: &Known<'_>) -> Vec<Finding> {
    if !known.reads(&[PUBLIC_URL]) {
        return Vec::new();
    }
    let settings = known.settings;
    let mut findings = vec![public_url(settings), cookies(settings)];
    if known.reads(&["HOST"]) {
        findings.extend(open_development(settings));
    }
    if known.reads(&["TRUSTED_PROXIES"]) {
        findings.extend(trusted_proxies(settings));
    }
    findings
}

fn public_url(settings: &Settings) -> Finding {
    let origin = settings.origin();
    if settings.is_development() {
        return Finding::ok(
            Check::PublicUrl,
            PUBLIC_URL,
            format!("This is development: PUBLIC_URL is {origin}, http on this machine."),
        );
    }
    let host = settings.public_url.host_str().unwrap_or_default();
    if is_reserved(host) {
        return Finding::warning(
            Check::PublicUrl,
            PUBLIC_URL,
            format!("PUBLIC_URL is {origin}, a name that is reserved for examples."),
        )
        .advise("Write the address that people type.");
    }
    Finding::ok(
        Check::PublicUrl,
        PUBLIC_URL,
        format!("This is not development: PUBLIC_URL is {origin}."),
    )
}

/// Names that nobody can own (RFC 2606).
fn is_reserved(host: &str) -> bool {
    let under = |name: &str| host == name || host.ends_with(&format!(".{name}"));
    ["example.com", "example.net", "example.org", "example", "test", "invalid"]
        .iter()
        .any(|n| under(n))
}

fn cookies(settings: &Settings) -> Finding {
    let profile = CookieProfile::of(&settings.public_url);
    let names = [SESSION, TOKEN, REFRESH].map(|base| profile.name(base)).join(", ");
    let sentence = if profile.is_secure() {
        "Cookies are Secure and called __Host-, because PUBLIC_URL is https."
    } else {
        "Cookies are plain, because PUBLIC_URL is http: Safari drops Secure ones there."
    };
    Finding::ok(Check::Cookies, "cookies", sentence).fact("Names", names).fact(
        "Marks",
        if profile.is_secure() {
            "HttpOnly, SameSite=Lax, Secure"
        } else {
            "HttpOnly, SameSite=Lax"
        },
    )
}

/// In development there are pages that nobody else should see.
fn open_development(settings: &Settings) -> Option<Finding> {
    let open = settings.listen.iter().any(|address| !address.ip().is_loopback());
    (open && settings.is_development()).then(|| {
        Finding::warning(
            Check::Listen,
            "HOST",
            "This is development, but HOST lets other machines in: they see pages meant for you alone.",
        )
        .advise("Leave HOST out, unless this is a container whose port is published on loopback only.")
    })
}

fn trusted_proxies(settings: &Settings) -> Option<Finding> {
    const NAME: &str = "TRUSTED_PROXIES";
    if settings.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
        return Some(
            Finding::warning(
                Check::TrustedProxies,
                NAME,
                "TRUSTED_PROXIES trusts everybody, so anybody may claim any address.",
            )
            .advise("Write the addresses of your own proxies alone."),
        );
    }
    let behind_proxy = settings.public_url.scheme() == "https";
    (behind_proxy && settings.trusted_proxies.is_empty()).then(|| {
        Finding::warning(
            Check::TrustedProxies,
            NAME,
            "PUBLIC_URL is https and TRUSTED_PROXIES is not set: limits and sign-ins count the proxy's address, not the person's.",
        )
        .advise("Set TRUSTED_PROXIES to the address of the proxy that ends TLS, like 10.0.0.1 or 10.1.0.0/16.")
    })
}

/// `PUBLIC_URL` against what is seen there. `serving` says whether it is this
/// process that should answer.
pub(super) fn seen(settings: &Settings, answering: Answering, serving: bool) -> Finding {
    let origin = settings.origin();
    let ok = |says: String| Finding::ok(Check::PublicUrlAnswers, PUBLIC_URL, says);
    let warning = |says: String| Finding::warning(Check::PublicUrlAnswers, PUBLIC_URL, says);
    match answering {
        Answering::Latchkey => ok(format!("Latchkey answers at {origin}.")),
        Answering::Another => warning(format!("Another program answers at {origin}."))
            .advise("Let PUBLIC_URL be the address at which people reach Latchkey, and not another program."),
        Answering::Proxy if !serving => {
            ok(format!("A proxy answers at {origin}, and nothing behind it yet."))
        }
        Answering::Proxy => warning(format!("A proxy answers at {origin}, and does not find Latchkey."))
            .advise("Let the proxy pass requests on to HOST and PORT."),
        Answering::Nobody if settings.is_development() => match elsewhere(settings) {
            Some(finding) => finding,
            None if serving => warning(format!("Nothing answers at {origin}."))
                .advise("Let PUBLIC_URL name the host and the port at which Latchkey listens."),
            None => ok(format!("Nothing answers at {origin} yet: Latchkey is not running.")),
        },
        Answering::Nobody => warning(format!("Nothing answers at {origin}, as seen from here."))
            .advise("Check the name, the certificate and the proxy: people and providers have to reach it."),
    }
}

/// In development: `PUBLIC_URL` names a port on which we do not listen.
pub(super) fn elsewhere(settings: &Settings) -> Option<Finding> {
    let named = settings.public_url.port_or_known_default()?;
    let ours = settings.listen.first()?.port();
    (settings.is_development() && named != ours).then(|| {
        Finding::warning(
            Check::PublicUrlAnswers,
            PUBLIC_URL,
            format!("PUBLIC_URL names port {named}, but Latchkey listens on port {ours}."),
        )
        .advise(format!("Set PORT to {named}, or let PUBLIC_URL end with :{ours}."))
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::settings::{Capabilities, Environment, Problems};

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::look(&Environment::of(variables.iter().copied(), ""), Capabilities::ALL).0
    }

    const PUBLIC: (&str, &str) = ("PUBLIC_URL", "https://app.corp.dev");

    #[test]
    fn what_public_url_means() {
        for (variables, warned) in [
            (&[][..], &[][..]),
            (&[PUBLIC], &["TRUSTED_PROXIES"]),
            (&[PUBLIC, ("TRUSTED_PROXIES", "10.0.0.1")], &[]),
            (&[PUBLIC, ("TRUSTED_PROXIES", "0.0.0.0/0")], &["TRUSTED_PROXIES"]),
            (
                &[("PUBLIC_URL", "https://app.example.com"), ("TRUSTED_PROXIES", "::1")],
                &[PUBLIC_URL],
            ),
            (&[("HOST", "0.0.0.0")], &["HOST"]),
            (&[PUBLIC, ("HOST", "0.0.0.0"), ("TRUSTED_PROXIES", "::1")], &[]),
        ] {
            let (settings, broken) = (settings(variables), Problems::default());
            let known = Known { settings: &settings, broken: &broken };
            let found = findings(&known);
            let found = found.iter().filter(|one| one.level == Level::Warning);
            let found: Vec<_> = found.map(|one| one.subject.as_str()).collect();
            assert_eq!(found, warned, "{variables:?}");
        }
    }

    #[test]
    fn public_url_against_what_is_seen() {
        use Answering::{Another, Latchkey, Nobody, Proxy};
        let elsewhere = ("PUBLIC_URL", "http://localhost:8080");
        for (variables, answering, serving, level) in [
            (&[][..], Latchkey, false, Level::Ok),
            (&[], Another, false, Level::Warning),
            (&[], Nobody, false, Level::Ok),
            (&[], Nobody, true, Level::Warning),
            (&[elsewhere], Nobody, false, Level::Warning),
            (&[elsewhere], Latchkey, true, Level::Ok),
            (&[PUBLIC], Nobody, false, Level::Warning),
            (&[PUBLIC], Proxy, false, Level::Ok),
            (&[PUBLIC], Proxy, true, Level::Warning),
        ] {
            let found = seen(&settings(variables), answering, serving);
            assert_eq!(found.level, level, "{variables:?} {answering:?}: {found:?}");
        }
    }
}
