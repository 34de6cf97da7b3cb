//! Checks the ports on which we listen, and who answers at `PUBLIC_URL`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use latchkey_auth::http::{Error, Outbound};
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

use super::report::{Check, Context, Finding};
use crate::serve::connect_address;
use crate::settings::Settings;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Responder {
    Ourselves,
    /// A proxy that cannot reach its upstream: 502, 503 or 504.
    Proxy,
    Other,
    Nothing,
}

/// Recognizes our own app by the title of its OpenAPI document.
pub(super) async fn responder(http: &Outbound, base: &Url, product: &str) -> Responder {
    let Ok(url) = base.join("/openapi.json") else { return Responder::Nothing };
    let answer = match http.get(&url, None).await {
        Ok(answer) => answer,
        Err(Error::Broken | Error::TooLarge) => return Responder::Other,
        Err(Error::Connect | Error::Timeout | Error::Request) => return Responder::Nothing,
    };
    let api: Option<Value> = serde_json::from_slice(answer.body()).ok();
    let title = api.as_ref().and_then(|api| api.pointer("/info/title")?.as_str());
    match (title, answer.status().as_u16()) {
        (Some(title), 200) if title == product => Responder::Ourselves,
        (_, 502..=504) => Responder::Proxy,
        _ => Responder::Other,
    }
}

/// `serving`: whether this process should answer at `PUBLIC_URL`.
pub(super) fn public_url_finding(
    settings: &Settings,
    responder: Responder,
    serving: bool,
) -> Finding {
    let (origin, product) = (settings.origin(), &settings.product.name);
    let check = Check::PublicUrlAnswers;
    match responder {
        Responder::Ourselves => check.ok(format!("{product} answers at {origin}.")),
        Responder::Other => check.warning(
            format!("Another program answers at {origin}."),
            format!("Set PUBLIC_URL to the address where people reach {product}."),
        ),
        Responder::Proxy if !serving => {
            check.ok(format!("A proxy answers at {origin}, but nothing behind it yet."))
        }
        Responder::Proxy => check.warning(
            format!("A proxy answers at {origin}, but cannot reach {product}."),
            "Let the proxy forward requests to HOST and PORT.",
        ),
        Responder::Nothing if !settings.is_development() => check.warning(
            format!("Nothing answers at {origin}, as seen from here."),
            "Check the name, the certificate and the proxy: people and providers must reach it.",
        ),
        Responder::Nothing => match wrong_port(settings) {
            Some(finding) => finding,
            None if serving => check.warning(
                format!("Nothing answers at {origin}."),
                format!("Set PUBLIC_URL to the host and the port on which {product} listens."),
            ),
            None => check.ok(format!("Nothing answers at {origin} yet: {product} is not running.")),
        },
    }
}

/// In development, `PUBLIC_URL` should have the port on which we listen.
pub(super) fn wrong_port(settings: &Settings) -> Option<Finding> {
    let public = settings.public_url.port_or_known_default()?;
    let ours = settings.listen.first()?.port();
    (settings.is_development() && public != ours).then(|| {
        Check::PublicUrlAnswers.warning(
            format!("PUBLIC_URL names port {public}, but HOST and PORT are on port {ours}."),
            format!("Set PORT to {public}, or end PUBLIC_URL with :{ours}."),
        )
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Free,
    Taken(Responder),
    Forbidden,
    NoSuchAddress,
}

/// A finding for each port that the app would listen on.
pub(super) async fn findings(context: &Context<'_>, http: &Outbound) -> Vec<Finding> {
    let settings = context.settings;
    let product = settings.product.name.as_str();
    let mut findings = Vec::new();
    let mut running = false;
    if context.valid(&["HOST", "PORT"]) {
        for address in &settings.listen {
            let port = try_port(*address, http, product).await;
            running |= port == Port::Taken(Responder::Ourselves);
            // A machine without IPv6 has only one of the two loopbacks.
            let optional = address.is_ipv6() && settings.listen.len() > 1;
            if !(optional && port == Port::NoSuchAddress) {
                findings.push(port_finding("PORT", *address, port));
            }
        }
    }
    if let Some(idp) = &settings.local_idp
        && context.valid(&["LOCAL_IDP_PORT", "PUBLIC_URL"])
    {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, idp.port));
        let port = match try_port(address, http, product).await {
            Port::Taken(_) if running => Port::Taken(Responder::Ourselves),
            port => port,
        };
        findings.push(port_finding("LOCAL_IDP_PORT", address, port));
    }
    findings
}

async fn try_port(address: SocketAddr, http: &Outbound, product: &str) -> Port {
    let Err(error) = TcpListener::bind(address).await else { return Port::Free };
    match (error.kind(), loopback_url(address)) {
        (io::ErrorKind::AddrInUse, Some(url)) => Port::Taken(responder(http, &url, product).await),
        (io::ErrorKind::AddrInUse, None) => Port::Taken(Responder::Nothing),
        (io::ErrorKind::PermissionDenied, _) => Port::Forbidden,
        _ => Port::NoSuchAddress,
    }
}

fn loopback_url(address: SocketAddr) -> Option<Url> {
    Url::parse(&format!("http://{}", connect_address(address))).ok()
}

fn port_finding(variable: &str, address: SocketAddr, port: Port) -> Finding {
    let check = Check::Listen;
    let finding = match port {
        Port::Free => check.ok(format!("{address} is free.")),
        Port::Taken(Responder::Ourselves) => {
            check.ok(format!("{address} is in use by this app, which is already running."))
        }
        Port::Taken(_) => check.problem(
            format!("{address} is in use by another program."),
            format!("Stop that program, or set {variable} to another port."),
        ),
        Port::Forbidden => check.problem(
            format!("{address} is not allowed for this user."),
            format!("Set {variable} to 1024 or above."),
        ),
        Port::NoSuchAddress => check.problem(
            format!("{address} is not an address of this machine."),
            "Set HOST to an address of this machine, or leave it empty.",
        ),
    };
    finding.about(variable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Level;
    use crate::settings::{Capabilities, Environment};

    #[test]
    fn public_url_level_depends_on_the_responder() {
        use Responder::{Nothing, Other, Ourselves, Proxy};
        let (development, public) = ("http://localhost:3000", "https://app.corp.dev");
        let elsewhere = "http://localhost:8080";
        for (url, responder, serving, level) in [
            (development, Ourselves, false, Level::Ok),
            (development, Other, false, Level::Warning),
            (development, Nothing, false, Level::Ok),
            (development, Nothing, true, Level::Warning),
            (elsewhere, Nothing, false, Level::Warning),
            (elsewhere, Ourselves, true, Level::Ok),
            (public, Nothing, false, Level::Warning),
            (public, Proxy, false, Level::Ok),
            (public, Proxy, true, Level::Warning),
        ] {
            let environment = Environment::new([("PUBLIC_URL", url)], "");
            let (settings, _) = Settings::dry_run(&environment, Capabilities::ALL);
            let found = public_url_finding(&settings, responder, serving);
            assert_eq!(found.level, level, "{url} {responder:?}: {found:?}");
        }
    }

    #[test]
    fn doctor_reports_unusable_ports() {
        let address = SocketAddr::from(([0, 0, 0, 0], 80));
        for (port, level) in [
            (Port::Free, Level::Ok),
            (Port::Taken(Responder::Ourselves), Level::Ok),
            (Port::Taken(Responder::Other), Level::Problem),
            (Port::Taken(Responder::Nothing), Level::Problem),
            (Port::Forbidden, Level::Problem),
            (Port::NoSuchAddress, Level::Problem),
        ] {
            assert_eq!(port_finding("PORT", address, port).level, level, "{port:?}");
        }
        assert_eq!(loopback_url(address).as_ref().map(Url::as_str), Some("http://127.0.0.1/"));
    }

    #[tokio::test]
    async fn occupied_and_free_ports_are_detected() -> Result<(), Box<dyn std::error::Error>> {
        let taken = TcpListener::bind("127.0.0.1:0").await?;
        let address = taken.local_addr()?;
        let refuse = tokio::spawn(async move { while taken.accept().await.is_ok() {} });
        let http = Outbound::new(None, "Latchkey");
        assert!(matches!(try_port(address, &http, "Acme").await, Port::Taken(_)));
        refuse.abort();
        let _ = refuse.await;
        assert_eq!(try_port(address, &http, "Acme").await, Port::Free);
        Ok(())
    }
}
