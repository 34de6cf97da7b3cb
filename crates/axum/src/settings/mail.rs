//! The sender of e-mails, and whether `SMTP_URL` is encrypted.

use std::net::IpAddr;

use latchkey_domain::Email;
use url::Url;

use super::reader::Reader;
use crate::config::Config;

#[derive(Clone, Debug)]
pub struct Sender {
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
}

/// An address with an optional display name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: Email,
}

impl Mailbox {
    /// `Acme <no-reply@acme.example>`, or the address alone.
    fn parse(text: &str) -> Option<Self> {
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"'), address),
            None => ("", text),
        };
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Some(Self { name, address: Email::parse(address).ok()? })
    }
}

/// `MAIL_FROM` defaults to `no-reply@` the host of `PUBLIC_URL`.
pub(super) fn sender(read: &mut Reader<'_>, config: &Config) -> Sender {
    let reply_to = read.optional("MAIL_REPLY_TO", Mailbox::parse);
    let host = config.public_url.host_str().unwrap_or_default();
    let from = read.optional("MAIL_FROM", Mailbox::parse).or_else(|| {
        let address = Email::parse(&format!("no-reply@{host}")).ok()?;
        Some(Mailbox { name: Some(config.product.name.clone()), address })
    });
    #[expect(clippy::expect_used, reason = "a constant")]
    let fallback = || Mailbox::parse("no-reply@localhost").expect("an address");
    Sender { from: from.unwrap_or_else(fallback), reply_to }
}

/// Whether e-mails are sent encrypted, or need not be: on loopback, or on a private network with
/// `?tls=none`. `None` if this is not an SMTP URL.
pub(super) fn is_protected(text: &str) -> Option<bool> {
    let url = Url::parse(text).ok()?;
    let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
    let network = Network::of(&url);
    match (url.scheme(), tls.as_deref()) {
        ("smtps", _) | ("smtp", Some("required")) => Some(true),
        ("smtp", Some("none")) => Some(network != Network::Public),
        ("smtp", _) => Some(network == Network::Loopback),
        _ => None,
    }
}

/// The network of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Loopback,
    /// A private address, or a name that does not resolve on the Internet, like `mailpit`.
    Private,
    Public,
}

impl Network {
    /// The URL standard does not parse the host of an `smtp` URL.
    fn of(url: &Url) -> Self {
        const PRIVATE: [&str; 5] = [".local", ".internal", ".lan", ".home.arpa", ".localhost"];
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
        let address = host.parse::<IpAddr>().ok();
        let is_private = match address {
            Some(IpAddr::V4(ip)) => ip.is_private() || ip.is_link_local(),
            Some(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_unicast_link_local(),
            None => !host.contains('.') || PRIVATE.iter().any(|end| host.ends_with(end)),
        };
        if host == "localhost" || address.is_some_and(|ip| ip.is_loopback()) {
            Self::Loopback
        } else if is_private {
            Self::Private
        } else {
            Self::Public
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_smtp_is_safe_only_on_private_hosts() {
        for (url, protected) in [
            ("smtps://user:pass@mail.example.com", Some(true)),
            ("smtp://mail.example.com:587?tls=required", Some(true)),
            ("smtp://mail.example.com:25", Some(false)),
            ("smtp://mail.example.com?tls=opportunistic", Some(false)),
            ("smtp://mail.example.com:587?tls=none", Some(false)),
            ("smtp://198.51.100.7:587?tls=none", Some(false)),
            ("smtp://127.0.0.1:2525", Some(true)),
            ("smtp://[::1]:2525", Some(true)),
            ("smtp://localhost:2525", Some(true)),
            ("smtp://10.0.0.7:587", Some(false)),
            ("smtp://10.0.0.7:587?tls=none", Some(true)),
            ("smtp://user:pass@[fd00::7]:587?tls=none", Some(true)),
            ("smtp://mailpit:1025", Some(false)),
            ("smtp://mailpit:1025?tls=none", Some(true)),
            ("smtp://relay.corp.internal:587?tls=none", Some(true)),
            ("http://mail.example.com", None),
            ("mail.example.com", None),
        ] {
            assert_eq!(is_protected(url), protected, "{url}");
        }
    }

    #[test]
    fn mail_sender_parses_with_and_without_display_name() {
        for (text, expected) in [
            ("no-reply@acme.example", Some((None, "no-reply@acme.example"))),
            ("Acme <no-reply@acme.example>", Some((Some("Acme"), "no-reply@acme.example"))),
            ("Acme, Inc. <a@acme.example>", Some((Some("Acme, Inc."), "a@acme.example"))),
            ("Bücher <a@bücher.example>", Some((Some("Bücher"), "a@xn--bcher-kva.example"))),
            ("Acme", None),
            ("Acme <no-reply>", None),
            ("a@acme.example, b@acme.example", None),
        ] {
            let found = Mailbox::parse(text);
            let found = found.as_ref().map(|one| (one.name.as_deref(), one.address.as_str()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
