//! E-mails: verifying an address, and getting back in.

use std::collections::VecDeque;

use latchkey_auth::secret::Secret;
use latchkey_domain::{Email, Timestamp};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use parking_lot::Mutex;

const OUTBOX: usize = 50;

#[derive(Clone, Debug)]
pub struct EmailMessage {
    pub to: Email,
    pub subject: String,
    pub text: String,
    pub link: Option<String>,
    pub at: Timestamp,
}

#[derive(Debug)]
pub enum Mailer {
    Smtp {
        transport: AsyncSmtpTransport<Tokio1Executor>,
        from: Mailbox,
    },
    /// Into a box that a developer can look into. Nothing is sent.
    Outbox(Mutex<VecDeque<EmailMessage>>),
    /// Nowhere: `SMTP_URL` is not set, and this is nobody's own machine.
    Nowhere,
}

/// The address of the mail server makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("SMTP_URL has to be smtps://user:password@host or smtp://host:port?tls=required")]
pub struct InvalidUrl;

impl Mailer {
    pub fn new(url: Option<&Secret>, development: bool, host: &str) -> Result<Self, InvalidUrl> {
        match url {
            None if development => Ok(Self::Outbox(Mutex::default())),
            None => Ok(Self::Nowhere),
            Some(url) if !is_protected(url.expose()) => Err(InvalidUrl),
            Some(url) => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose());
                let from = format!("Latchkey <no-reply@{host}>");
                Ok(Self::Smtp {
                    transport: transport.map_err(|_| InvalidUrl)?.build(),
                    from: from.parse().map_err(|_| InvalidUrl)?,
                })
            }
        }
    }

    /// A failure is only logged: the requester must not learn whether the
    /// address has an account.
    pub async fn send(&self, email: EmailMessage) {
        match self {
            Self::Outbox(emails) => {
                let mut emails = emails.lock();
                emails.push_front(email);
                emails.truncate(OUTBOX);
            }
            Self::Nowhere => tracing::warn!("an e-mail was not sent: SMTP_URL is not set"),
            Self::Smtp { transport, from } => {
                let message = address(&email.to).and_then(|to| {
                    let message = Message::builder().from(from.clone()).to(to);
                    let message = message.subject(email.subject).header(ContentType::TEXT_PLAIN);
                    message.body(email.text).ok()
                });
                match message {
                    Some(message) => {
                        if let Err(error) = transport.send(message).await {
                            tracing::error!(%error, "an e-mail could not be sent");
                        }
                    }
                    None => tracing::error!("an e-mail could not be composed"),
                }
            }
        }
    }

    /// What would have been sent, the newest first; `None` where it is sent.
    pub fn outbox(&self) -> Option<Vec<EmailMessage>> {
        let Self::Outbox(emails) = self else { return None };
        let emails = emails.lock();
        Some(emails.iter().cloned().collect())
    }
}

/// Whether e-mails can be sent to a server with this address.
pub fn accepts(url: &Secret) -> bool {
    Mailer::new(Some(url), false, "localhost").is_ok()
}

/// Whether e-mails, which open accounts, travel encrypted; on loopback they need not.
fn is_protected(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| match url.scheme() {
        "smtps" => true,
        "smtp" => {
            url.query_pairs().any(|(name, value)| name == "tls" && value == "required")
                || is_loopback_host(&url)
        }
        _ => false,
    })
}

/// The host of an `smtp` URL, which the URL standard does not take apart.
fn is_loopback_host(url: &url::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn address(email: &Email) -> Option<Mailbox> {
    Some(Mailbox::new(None, email.as_str().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_do_not_travel_in_clear() {
        for (url, taken) in [
            ("smtps://user:pass@mail.example.com", true),
            ("smtp://mail.example.com:587?tls=required", true),
            ("smtp://mail.example.com:25", false),
            ("smtp://mail.example.com?tls=opportunistic", false),
            ("smtp://127.0.0.1:2525", true),
            ("smtp://[::1]:2525", true),
            ("smtp://localhost:2525", true),
            ("http://mail.example.com", false),
            ("mail.example.com", false),
        ] {
            let mailer = Mailer::new(Some(&Secret::new(url)), false, "app.example.com");
            assert_eq!(mailer.is_ok(), taken, "{url}");
        }
    }
}
