//! Sends e-mails through a mail server.

use std::time::Duration;

use askama::Template;
use latchkey_auth::secret::Secret;
use latchkey_domain::Email;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::sync::Notify;
use url::Url;

use crate::mail::{DeliveryError, EmailMessage, InvalidUrl};
use crate::settings::Sender;

/// For each response of the mail server.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Sender,
    /// Notified when an e-mail was added to the queue.
    pub(crate) queued: Notify,
}

impl Smtp {
    pub(crate) fn new(url: &Secret, sender: Sender) -> Result<Self, InvalidUrl> {
        // Some relays refuse a client whose name is not a domain.
        let hello = ClientId::Domain(domain(&sender).to_owned());
        let transport = smtp_server(url)?.hello_name(hello).timeout(Some(TIMEOUT)).build();
        Ok(Self { transport, sender, queued: Notify::new() })
    }

    /// The `Message-ID` is made from `id`, so that it is the same in every retry.
    pub(crate) async fn send(&self, id: &str, email: &EmailMessage) -> Result<(), DeliveryError> {
        let message = compose(&self.sender, id, email).ok_or_else(|| DeliveryError {
            reason: "it could not be composed".to_owned(),
            is_permanent: true,
        })?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| {
            tracing::warn!(%error, "an e-mail could not be sent");
            let code = error.status().map(u16::from);
            DeliveryError {
                reason: match code {
                    Some(code) => format!("the mail server answered {code}"),
                    None => "the mail server could not be reached".to_owned(),
                },
                // 53x refuses our own credentials, which the operator can correct.
                is_permanent: error.is_permanent() && code.is_none_or(|code| code / 10 != 53),
            }
        })
    }
}

#[derive(Template)]
#[template(path = "email.html")]
struct HtmlPart<'a> {
    subject: &'a str,
    paragraphs: Vec<&'a str>,
    link: Option<&'a str>,
}

impl HtmlPart<'_> {
    fn is_link(&self, paragraph: &str) -> bool {
        self.link == Some(paragraph)
    }
}

fn compose(sender: &Sender, id: &str, email: &EmailMessage) -> Option<Message> {
    let paragraphs = email.text.split("\n\n").map(str::trim).filter(|text| !text.is_empty());
    let (subject, link) = (email.subject.as_str(), email.link.as_deref());
    let html = HtmlPart { subject, link, paragraphs: paragraphs.collect() }.render().ok()?;
    let mut message = Message::builder()
        .from(mailbox(sender.from.name.as_deref(), &sender.from.address)?)
        .to(mailbox(None, &email.to)?)
        .subject(subject)
        // Large mail hosts refuse e-mails without Date and Message-ID (RFC 5322 §3.6).
        .date(email.at.offset_date_time().into())
        .message_id(Some(format!("<{id}@{}>", domain(sender))));
    if let Some(reply_to) = &sender.reply_to {
        message = message.reply_to(mailbox(reply_to.name.as_deref(), &reply_to.address)?);
    }
    message.multipart(MultiPart::alternative_plain_html(email.text.clone(), html)).ok()
}

fn domain(sender: &Sender) -> &str {
    sender.from.address.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain)
}

/// Whether `SMTP_URL` is valid.
pub const ACCEPTS_SMTP_URL: Option<fn(&Secret) -> bool> = Some(|url| smtp_server(url).is_ok());

/// The settings have already checked that the connection is encrypted.
fn smtp_server(url: &Secret) -> Result<AsyncSmtpTransportBuilder, InvalidUrl> {
    let mut url = Url::parse(url.expose()).map_err(|_| InvalidUrl)?;
    // Our own parameter, which lettre does not know.
    if url.query() == Some("tls=none") {
        url.set_query(None);
    }
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str()).map_err(|_| InvalidUrl)
}

fn mailbox(name: Option<&str>, address: &Email) -> Option<Mailbox> {
    Some(Mailbox::new(name.map(str::to_owned), address.as_str().parse().ok()?))
}
