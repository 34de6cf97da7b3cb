//! Sending e-mails: to a mail server that accepts them, refuses them, or is down.

use std::net::SocketAddr;
use std::time::Duration;

use latchkey_domain::Span;
use latchkey_tests::accounts::sign_up;
use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Database, Latchkey, MailServer, Setup};

use crate::helpers::{CHANGED, OTHER_PASSWORD, RESET, VERIFY, forgot, reset};

const BOB: &str = "bob@example.test";

fn sending_to(server: SocketAddr) -> Setup {
    Setup::new().set("SMTP_URL", MailServer::url(server)).with_frozen_clock()
}

/// Waits for this number of e-mails with a condition like `given_up_at IS NOT NULL`.
async fn until(app: &Latchkey, count: i64, condition: &str) {
    let table = format!("emails WHERE {condition}");
    for _ in 0..1200 {
        if rows(&app.app.db, &table).await == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("there are never {count} {table}");
}

#[tokio::test]
async fn sent_email_has_required_headers_and_multipart_body() {
    let server = MailServer::start().await;
    let in_clear = format!("smtp://localhost:{}?tls=none", server.address.port());
    for (set, from, domain) in [
        (&[][..], "Latchkey <no-reply@localhost>", "localhost"),
        (
            &[
                ("SMTP_URL", in_clear.as_str()),
                ("MAIL_FROM", "Acme <hello@acme.example>"),
                ("MAIL_REPLY_TO", "help@acme.example"),
            ],
            "Acme <hello@acme.example>",
            "acme.example",
        ),
    ] {
        let setup = set
            .iter()
            .fold(sending_to(server.address), |setup, (name, value)| setup.set(name, *value));
        let app = setup.start().await;
        let before = server.emails().len();
        sign_up(&app, BOB).await;
        until(&app, 0, "TRUE").await;
        let letters = server.emails();
        let letter = letters.get(before).expect("an e-mail");
        assert_eq!(letter.hello, domain);
        assert_eq!(letter.header("From"), from);
        assert_eq!(letter.header("To"), BOB);
        assert_eq!(letter.header("Subject"), VERIFY);
        let id = letter.header("Message-ID");
        assert!(id.starts_with('<') && id.ends_with(&format!("@{domain}>")), "{id}");
        let date = app.clock.now().offset_date_time();
        assert!(letter.header("Date").contains(&date.year().to_string()), "{}", letter.raw);
        assert!(letter.header("MIME-Version").starts_with("1.0"));
        assert!(letter.raw.contains("Content-Type: multipart/alternative"), "{}", letter.raw);
        let link = app.url("/verify/");
        let (text, html) = (letter.part("text/plain"), letter.part("text/html"));
        assert!(text.contains(&link) && text.contains("wasn’t you"), "{text}");
        assert!(html.contains(&format!("<a href=\"{link}")), "{html}");
        if set.is_empty() {
            assert!(!letter.raw.contains("Reply-To"));
        } else {
            assert_eq!(letter.header("Reply-To"), "help@acme.example");
        }
    }
}

#[tokio::test]
async fn recipient_idn_domain_is_sent_as_punycode() {
    let server = MailServer::start().await;
    let app = sending_to(server.address).start().await;
    sign_up(&app, "kai@bücher.test").await;
    let letter = server.first_email().await;
    assert!(letter.recipient.contains("<kai@xn--bcher-kva.test>"), "{}", letter.recipient);
}

/// The page promises nothing that has not happened; the e-mail is queued with an encrypted link,
/// and is sent when the server is back.
async fn emails_are_queued_while_mail_server_is_down(database: Option<String>) {
    let address = MailServer::unused_address().await;
    let setup = sending_to(address);
    let setup = match &database {
        Some(url) => setup.set("DATABASE_URL", url),
        None => setup,
    };
    let app = setup.start().await;
    sign_up(&app, BOB).await;
    let page = forgot(&app, BOB).await.expect(200);
    for word in ["sent", "on its way"] {
        assert!(!page.body.contains(word), "{word}: {}", page.summary());
    }
    until(&app, 2, "tries = 1 AND next_try_at = created_at + 2000").await;
    assert_eq!(rows(&app.app.db, "emails WHERE sealed LIKE '%example.test%'").await, 0);
    // Each delay is longer than the one before.
    app.advance(Span::seconds(2));
    until(&app, 2, "tries = 2 AND next_try_at = created_at + 6000").await;
    let server = MailServer::start_at(address).await;
    app.advance(Span::seconds(4));
    until(&app, 0, "TRUE").await;
    let mut subjects: Vec<_> =
        server.emails().iter().map(|letter| letter.header("Subject").to_owned()).collect();
    subjects.sort();
    assert_eq!(subjects, [RESET, VERIFY]);
}

#[tokio::test]
async fn emails_are_queued_while_mail_server_is_down_on_sqlite() {
    emails_are_queued_while_mail_server_is_down(None).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn emails_are_queued_while_mail_server_is_down_on_postgres() {
    emails_are_queued_while_mail_server_is_down(Some(Database::new_postgres_url().await)).await;
}

#[tokio::test]
async fn queued_emails_are_sent_after_restart() {
    let address = MailServer::unused_address().await;
    let app = sending_to(address).start().await;
    sign_up(&app, BOB).await;
    let _ = forgot(&app, BOB).await.expect(200);
    let folder = app.stop().await;
    let server = MailServer::start_at(address).await;
    let again = Setup::in_folder(folder).set("SMTP_URL", MailServer::url(address));
    let app = again.start().await;
    until(&app, 0, "TRUE").await;
    let letters = server.emails();
    let reset_link = letters.iter().find(|letter| letter.header("Subject") == RESET);
    assert!(reset_link.is_some(), "{letters:?}");
}

#[tokio::test]
async fn pending_emails_are_delivered_before_shutdown() {
    let server = MailServer::start().await;
    let app = sending_to(server.address).start().await;
    sign_up(&app, BOB).await;
    let _ = forgot(&app, BOB).await.expect(200);
    drop(app.stop().await);
    let letters = server.emails();
    let mut subjects: Vec<_> = letters.iter().map(|letter| letter.header("Subject")).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, [RESET, VERIFY]);
}

#[tokio::test]
async fn undeliverable_emails_are_given_up_and_reported_by_doctor() {
    let server = MailServer::start().await;
    let app = sending_to(server.address).start().await;
    for (answer, is_final) in [
        ("550 no such user", true),
        ("553 not your sender", true),
        ("451 later", false),
        ("421 too many", false),
        ("535 wrong password", false),
    ] {
        server.respond_to_recipients(answer);
        let email = format!("u{}@example.test", &answer[..3]);
        sign_up(&app, &email).await;
        until(&app, 0, "tries = 0").await;
        if is_final {
            until(&app, 0, "given_up_at IS NULL").await;
        } else {
            until(&app, 1, "given_up_at IS NULL AND next_try_at > created_at").await;
            // The link is valid for a day; after that, sending stops.
            app.advance(Span::days(1));
            until(&app, 0, "given_up_at IS NULL").await;
        }
        assert_eq!(rows(&app.app.db, "emails WHERE sealed <> ''").await, 0, "{answer}");
    }
    assert!(server.emails().is_empty());
    let page = Browser::new().get(&app.url("/doctor")).await.expect(200);
    assert!(page.body.contains("E-mails not delivered in the last week: "), "{}", page.body);
    assert!(page.body.contains("answered 535") && !page.body.contains("no such user"));
}

#[tokio::test]
async fn password_reset_sends_changed_notification_by_smtp() {
    let server = MailServer::start().await;
    let app = sending_to(server.address).start().await;
    sign_up(&app, BOB).await;
    let _ = forgot(&app, BOB).await.expect(200);
    for _ in 0..1200 {
        if server.emails().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let letters = server.emails();
    let letter = letters.iter().find(|letter| letter.header("Subject") == RESET).expect("it");
    let text = letter.part("text/plain");
    let link = text.split_whitespace().find(|word| word.contains("/reset/")).expect("a link");
    let _ = reset(link, OTHER_PASSWORD).await.expect(303);
    until(&app, 0, "TRUE").await;
    assert!(server.emails().iter().any(|letter| letter.header("Subject") == CHANGED));
}

/// Debian's aiosmtpd accepts it, and Python's own parser reads it.
#[tokio::test]
#[ignore = "needs python3-aiosmtpd: tests/run"]
async fn aiosmtpd_accepts_and_python_parses_emails() {
    const READ: &str = "import email.policy, mailbox, sys\n\
        box = mailbox.Maildir(sys.argv[1], create=False)\n\
        (raw,) = (box.get_bytes(key) for key in box.keys())\n\
        mail = email.message_from_bytes(raw, policy=email.policy.default)\n\
        assert not mail.defects and all(not part.defects for part in mail.walk())\n\
        parts = [part.get_content_type() for part in mail.walk()]\n\
        text, html = (mail.get_body((kind,)).get_content() for kind in ('plain', 'html'))\n\
        assert '/verify/' in text and 'wasn\u{2019}t you' in text and '<a href=' in html\n\
        print(mail['From'], mail['To'], mail['Message-ID'], mail['Date'].datetime.year, *parts)";
    let python = || std::process::Command::new("/usr/bin/python3");
    let (folder, address) =
        (tempfile::tempdir().expect("a folder"), MailServer::unused_address().await);
    let maildir = folder.path().join("mail");
    let mut server = python()
        .args(["-m", "aiosmtpd", "-n", "-l", &address.to_string()])
        .args(["-c", "aiosmtpd.handlers.Mailbox"])
        .arg(&maildir)
        .spawn()
        .expect("aiosmtpd");
    let app = Setup::new()
        .set("SMTP_URL", MailServer::url(address))
        .set("MAIL_FROM", "Bücher Kai <hello@bücher.example>")
        .start()
        .await;
    sign_up(&app, BOB).await;
    until(&app, 0, "TRUE").await;
    let mut read = python();
    read.env("PYTHONIOENCODING", "utf-8").arg("-c").arg(READ).arg(&maildir);
    let read = read.output().expect("python3");
    let _ = server.kill();
    let _ = server.wait();
    let said = String::from_utf8_lossy(&read.stdout);
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(
        said.starts_with("Bücher Kai <hello@xn--bcher-kva.example> bob@example.test <"),
        "{said}"
    );
    assert!(said.contains("@xn--bcher-kva.example> "), "{said}");
    assert!(said.trim_end().ends_with("multipart/alternative text/plain text/html"), "{said}");
}
