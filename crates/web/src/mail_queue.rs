//! The e-mail queue. E-mails are stored before the response and sent in the
//! background: neither an unreachable mail server nor a restart loses one.

use std::time::Duration;

use latchkey_auth::random;
use latchkey_auth::secret::Purpose;
use latchkey_domain::{Span, UserId};
use latchkey_store::emails::{self, DueEmail};
use tokio::sync::watch;

use crate::app::App;
use crate::mail::{DeliveryError, EmailMessage};
use crate::mailer::{Mailer, add_to_outbox};
use crate::smtp::Smtp;

const CHECK_FOR_RETRIES_EVERY: Duration = Duration::from_secs(2);

/// Longer than sending one e-mail takes.
const CLAIM_TTL: Span = Span::minutes(5);

/// How long a run continues after the process stops; the other e-mails are sent after the next
/// start.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// Adds an e-mail that is worth sending for `ttl`. An error is only logged: a response
/// must not reveal whether an address has an account.
pub(crate) async fn enqueue(app: &App, user: Option<UserId>, email: EmailMessage, ttl: Span) {
    let smtp = match &app.mailer {
        Mailer::Outbox(outbox) => return add_to_outbox(outbox, email),
        Mailer::Disabled => {
            tracing::warn!("an e-mail was not sent: SMTP_URL is not set");
            return;
        }
        Mailer::Smtp(smtp) => smtp,
    };
    let id = random::token();
    let Ok(sealed) = app.settings.app_secret.seal_json(Purpose::Email, &id, &email) else {
        tracing::error!("an e-mail could not be encrypted");
        return;
    };
    let expires_at = email.at.plus(ttl);
    match emails::insert(&app.db, &id, user, &sealed, email.at, expires_at).await {
        Ok(()) => smtp.queued.notify_one(),
        Err(error) => tracing::error!(%error, "an e-mail could not be stored"),
    }
}

/// Sends what is due until the process stops; after that, sends what is left and returns.
pub(crate) async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    let Mailer::Smtp(smtp) = &app.mailer else { return };
    let mut stop = stopped.clone();
    let timeout = async {
        // An error means that the sender is gone: stop as well.
        let _ = stop.wait_for(|stopped| *stopped).await;
        tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
    };
    let sending = async {
        loop {
            while send_next(&app, smtp).await {}
            if *stopped.borrow() {
                return;
            }
            tokio::select! {
                () = smtp.queued.notified() => {}
                () = tokio::time::sleep(CHECK_FOR_RETRIES_EVERY) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        }
    };
    tokio::select! {
        () = sending => {}
        () = timeout => {}
    }
}

/// Returns whether an e-mail was due.
async fn send_next(app: &App, smtp: &Smtp) -> bool {
    let now = app.clock.now();
    match emails::claim(&app.db, now, now.plus(CLAIM_TTL)).await {
        Ok(Some(due)) => {
            if let Err(error) = send(app, smtp, &due).await {
                tracing::warn!(%error, "the result of sending an e-mail could not be stored");
            }
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(%error, "the e-mail queue could not be read");
            false
        }
    }
}

async fn send(app: &App, smtp: &Smtp, due: &DueEmail) -> latchkey_store::Result<()> {
    let decrypted = app.settings.app_secret.open(Purpose::Email, &due.id, &due.sealed).ok();
    let email = decrypted.and_then(|json| serde_json::from_slice::<EmailMessage>(&json).ok());
    let sent = match &email {
        Some(email) => smtp.send(&due.id, email).await,
        None => Err(DeliveryError {
            reason: "APP_SECRET can no longer decrypt it".to_owned(),
            is_permanent: true,
        }),
    };
    let now = app.clock.now();
    match sent {
        Ok(()) => emails::delete(&app.db, &due.id).await,
        Err(error) if error.is_permanent || now.plus(retry_delay(due.tries)) > due.expires_at => {
            let (reason, tries) = (error.reason, due.tries);
            tracing::error!(reason, tries, "an e-mail could not be delivered");
            emails::give_up(&app.db, &due.id, now, &reason).await
        }
        Err(_) => emails::postpone(&app.db, &due.id, now.plus(retry_delay(due.tries))).await,
    }
}

/// 2 s, 4 s, 8 s, … and at most 512 s.
fn retry_delay(tries: i64) -> Span {
    let doublings = u32::try_from(tries.clamp(1, 9)).unwrap_or(9);
    Span::seconds(1 << doublings)
}
