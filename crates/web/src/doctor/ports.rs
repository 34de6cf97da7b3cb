//! The ports, when nothing is served yet: are they free?

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use latchkey_auth::http::Outbound;
use tokio::net::TcpListener;
use url::Url;

use super::Known;
use super::address::{Answering, who_answers};
use super::finding::{Check, Finding};

/// Whether an address can be listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Free,
    /// Another program has it, or we have it ourselves.
    Taken(Answering),
    /// This user may not have it: below 1024, mostly.
    Forbidden,
    /// This machine has no such address.
    NoSuchAddress,
}

/// A finding for each port that a start would take.
pub(super) async fn findings(known: &Known<'_>, http: &Outbound) -> Vec<Finding> {
    let mut findings = Vec::new();
    let settings = known.settings;
    if known.reads(&["HOST", "PORT"]) {
        for address in &settings.listen {
            let port = look(*address, http).await;
            // A machine without IPv6 has only one of the two loopbacks.
            let optional = address.is_ipv6() && settings.listen.len() > 1;
            if !(optional && port == Port::NoSuchAddress) {
                findings.push(judge("PORT", *address, port));
            }
        }
    }
    if let Some(idp) = &settings.local_idp
        && known.reads(&["LOCAL_IDP_PORT", "PUBLIC_URL"])
    {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, idp.port));
        let running = findings.iter().any(|one| one.finding.contains("Latchkey itself"));
        let port = match look(address, http).await {
            Port::Taken(_) if running => Port::Taken(Answering::Latchkey),
            port => port,
        };
        findings.push(judge("LOCAL_IDP_PORT", address, port));
    }
    findings
}

async fn look(address: SocketAddr, http: &Outbound) -> Port {
    match TcpListener::bind(address).await {
        Ok(_) => Port::Free,
        Err(error) => match error.kind() {
            io::ErrorKind::AddrInUse => match url(address) {
                Some(url) => Port::Taken(who_answers(http, &url).await),
                None => Port::Taken(Answering::Nobody),
            },
            io::ErrorKind::PermissionDenied => Port::Forbidden,
            _ => Port::NoSuchAddress,
        },
    }
}

/// An address as one asks it: what listens everywhere listens on loopback, too.
fn url(address: SocketAddr) -> Option<Url> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Url::parse(&format!("http://{}", SocketAddr::new(ip, address.port()))).ok()
}

fn judge(variable: &str, address: SocketAddr, port: Port) -> Finding {
    let problem = |says: String| Finding::problem(Check::Listen, variable, says);
    match port {
        Port::Free => Finding::ok(Check::Listen, variable, format!("{address} is free.")),
        Port::Taken(Answering::Latchkey) => Finding::ok(
            Check::Listen,
            variable,
            format!("{address} is taken by Latchkey itself, which is running."),
        ),
        Port::Taken(_) => problem(format!("{address} is taken by another program."))
            .advise(format!("Stop it, or set {variable} to another port.")),
        Port::Forbidden => problem(format!("{address} may not be taken by this user."))
            .advise(format!("Set {variable} to a port from 1024 on.")),
        Port::NoSuchAddress => problem(format!("{address} is no address of this machine."))
            .advise("Set HOST to an address of this machine, or leave it out."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn ports_are_judged() {
        let address = SocketAddr::from(([0, 0, 0, 0], 80));
        for (port, level) in [
            (Port::Free, Level::Ok),
            (Port::Taken(Answering::Latchkey), Level::Ok),
            (Port::Taken(Answering::Another), Level::Problem),
            (Port::Taken(Answering::Nobody), Level::Problem),
            (Port::Forbidden, Level::Problem),
            (Port::NoSuchAddress, Level::Problem),
        ] {
            assert_eq!(judge("PORT", address, port).level, level, "{port:?}");
        }
        assert_eq!(url(address).as_ref().map(Url::as_str), Some("http://127.0.0.1/"));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_seen() -> Result<(), Box<dyn std::error::Error>> {
        let taken = TcpListener::bind("127.0.0.1:0").await?;
        let address = taken.local_addr()?;
        let refuse = tokio::spawn(async move { while taken.accept().await.is_ok() {} });
        let http = Outbound::new()?;
        assert!(matches!(look(address, &http).await, Port::Taken(_)));
        refuse.abort();
        let _ = refuse.await;
        assert_eq!(look(address, &http).await, Port::Free);
        Ok(())
    }
}
