//! The client of a request: its IP address and its `User-Agent`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Once;

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, header};
use ipnet::IpNet;

/// In characters.
const MAX_USER_AGENT: usize = 200;

/// All clients without a readable address share this one, and its rate limits.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[derive(Clone, Debug)]
pub struct Client {
    pub address: IpAddr,
    pub user_agent: String,
}

impl Client {
    pub(crate) fn from_parts(parts: &Parts, trusted_proxies: &[IpNet]) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or_else(
            || {
                WARNED_OF_MISSING_PEER.call_once(warn_of_missing_peer);
                UNKNOWN
            },
            |peer| peer.0.ip(),
        );
        let address = client_address(peer, &parts.headers, trusted_proxies).unwrap_or_else(|| {
            warn_of_unreadable_hop(peer);
            UNKNOWN
        });
        Self { address, user_agent: user_agent(&parts.headers) }
    }

    /// The address, or "unknown".
    pub fn display_address(&self) -> String {
        if self.address == UNKNOWN { "unknown".to_owned() } else { self.address.to_string() }
    }
}

pub(crate) fn user_agent(headers: &HeaderMap) -> String {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    user_agent.unwrap_or_default().chars().take(MAX_USER_AGENT).collect()
}

/// The address of the client, not of our proxies; `None` if one of our proxies wrote an
/// address that cannot be parsed.
///
/// Each hop appends the address that it saw, so we read from the right and take the first
/// address that is not a trusted proxy. Anyone could have written what is left of it.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_proxy = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut nearest = peer.to_canonical();
    if is_proxy(&nearest) {
        for hop in hops(headers).iter().rev() {
            nearest = parse_hop(hop)?;
            if !is_proxy(&nearest) {
                break;
            }
        }
    }
    Some(nearest)
}

/// The address that each hop saw, unparsed. `Forwarded` (RFC 7239) is ignored if there is
/// an `X-Forwarded-For`: a proxy that writes the latter may pass on a forged `Forwarded`.
fn hops(headers: &HeaderMap) -> Vec<String> {
    let elements = |name: &str| {
        let lines = headers.get_all(name).into_iter();
        let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
        let elements =
            lines.flat_map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        elements.filter(|element| !element.trim().is_empty()).collect::<Vec<_>>()
    };
    let simple = elements("x-forwarded-for");
    if !simple.is_empty() {
        return simple;
    }
    // An address has no comma or semicolon, so we ignore quotes: a forged open quote must
    // not swallow what a proxy appended.
    let node = |element: String| {
        let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
        let found = pairs.find(|(name, _)| name.trim_end().eq_ignore_ascii_case("for"));
        found.map(|(_, node)| node.to_owned()).unwrap_or_default()
    };
    elements("forwarded").into_iter().map(node).collect()
}

/// `203.0.113.9`, `203.0.113.9:40000`, `2001:db8::1`, `[2001:db8::1]:443`, with a
/// zone, and any of them in quotes.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"').trim();
    let without_zone = match hop.split_once('%') {
        Some((address, rest)) => {
            format!("{address}{}", rest.find(']').map_or("", |at| &rest[at..]))
        }
        None => hop.to_owned(),
    };
    let with_port = || without_zone.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || without_zone.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let found = without_zone.parse().ok().or_else(with_port).or_else(in_brackets)?;
    Some(found.to_canonical())
}

static WARNED_OF_MISSING_PEER: Once = Once::new();

fn warn_of_missing_peer() {
    tracing::warn!(
        "requests come without their client's address: all clients count as one and share its \
         rate limits. Serve the application with \
         into_make_service_with_connect_info::<SocketAddr>()"
    );
}

/// Logged once per process.
fn warn_of_unreadable_hop(proxy: IpAddr) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            %proxy,
            "a proxy in TRUSTED_PROXIES writes no valid address into X-Forwarded-For or \
             Forwarded: all its clients count as one, unknown"
        );
    });
}

/// A name like "Firefox on Linux", guessed from the `User-Agent`. For display only.
pub fn device_name(user_agent: &str) -> String {
    // The order matters: Edge and Opera call themselves Chrome, and Chrome Safari.
    const BROWSERS: [(&str, &str); 9] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A program on {system}"),
        (None, None) if user_agent.is_empty() => "Unnamed program".to_owned(),
        (None, None) => user_agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_address_trusts_only_configured_proxies() {
        const FOR: &str = "x-forwarded-for";
        const RFC: &str = "forwarded";
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        for (peer, lines, expected) in [
            ("203.0.113.9", &[(FOR, "1.1.1.1")][..], "203.0.113.9"),
            ("203.0.113.9", &[(RFC, "for=1.1.1.1")], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[(FOR, "")], "10.0.0.1"),
            ("10.0.0.1", &[(FOR, "198.51.100.7")], "198.51.100.7"),
            ("::ffff:10.0.0.1", &[(FOR, "::ffff:198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[(FOR, "1.1.1.1, 198.51.100.7, 10.0.0.2")], "198.51.100.7"),
            ("10.0.0.1", &[(FOR, "1.1.1.1"), (FOR, "198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[(FOR, "198.51.100.7:40000")], "198.51.100.7"),
            ("10.0.0.1", &[(FOR, "1.1.1.1, 198.51.100.7:4, 10.0.0.2:5")], "198.51.100.7"),
            ("10.0.0.1", &[(FOR, "2001:db8::1")], "2001:db8::1"),
            ("10.0.0.1", &[(FOR, "[2001:db8::1]:443")], "2001:db8::1"),
            ("10.0.0.1", &[(FOR, "[2001:db8::1]")], "2001:db8::1"),
            ("10.0.0.1", &[(FOR, "\"[2001:db8::1]:443\"")], "2001:db8::1"),
            ("10.0.0.1", &[(FOR, "fe80::1%eth0")], "fe80::1"),
            ("10.0.0.1", &[(FOR, "[fe80::1%25eth0]:443")], "fe80::1"),
            ("10.0.0.1", &[(FOR, "198.51.100.7, ,")], "198.51.100.7"),
            ("10.0.0.1", &[(RFC, "for=198.51.100.7")], "198.51.100.7"),
            (
                "10.0.0.1",
                &[(RFC, "by=10.0.0.1;proto=https;For=\"198.51.100.7:80\"")],
                "198.51.100.7",
            ),
            ("10.0.0.1", &[(RFC, "for=1.1.1.1, for=\"[2001:db8::1]:4711\";host=a")], "2001:db8::1"),
            ("10.0.0.1", &[(RFC, "for=1.1.1.1"), (RFC, "for = 198.51.100.7")], "198.51.100.7"),
            // A forged open quote does not swallow what a proxy adds.
            ("10.0.0.1", &[(RFC, "for=\"1.1.1.1, for=198.51.100.7")], "198.51.100.7"),
            // A forged header of the other kind is ignored.
            ("10.0.0.1", &[(RFC, "for=1.1.1.1"), (FOR, "198.51.100.7")], "198.51.100.7"),
            // Never the proxy's address, if the client's cannot be parsed.
            ("10.0.0.1", &[(FOR, "198.51.100.7, junk")], "unknown"),
            ("10.0.0.1", &[(FOR, "unknown")], "unknown"),
            ("10.0.0.1", &[(FOR, "198.51.100.7, 10.0.0.2, 203.0.113.9:")], "unknown"),
            ("10.0.0.1", &[(RFC, "for=_hidden")], "unknown"),
            ("10.0.0.1", &[(RFC, "proto=https;by=10.0.0.1")], "unknown"),
            ("10.0.0.1", &[(FOR, "junk, 198.51.100.7")], "198.51.100.7"),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().expect("a header"));
            }
            let peer = peer.parse().expect("an address");
            let address = client_address(peer, &headers, &trusted).unwrap_or(UNKNOWN);
            let client = Client { address, user_agent: String::new() };
            assert_eq!(client.display_address(), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn missing_connect_info_is_logged_once() {
        let (mut with, ()) = http::Request::new(()).into_parts();
        with.extensions.insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 9], 40000))));
        assert_eq!(Client::from_parts(&with, &[]).display_address(), "203.0.113.9");
        assert!(!WARNED_OF_MISSING_PEER.is_completed());
        let (without, ()) = http::Request::new(()).into_parts();
        assert_eq!(Client::from_parts(&without, &[]).display_address(), "unknown");
        assert!(WARNED_OF_MISSING_PEER.is_completed());
    }

    #[test]
    fn user_agent_becomes_a_device_name() {
        for (user_agent, called) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Chrome/126.0 Safari/537.36",
                "Chrome on macOS",
            ),
            ("curl/8.9.1", "curl"),
            ("my-script 1.0", "my-script 1.0"),
            ("", "Unnamed program"),
        ] {
            assert_eq!(device_name(user_agent), called);
        }
    }
}
