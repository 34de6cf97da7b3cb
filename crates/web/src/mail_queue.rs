//! E-mails are written down before anybody is told of them, and handed over
//! beside the requests: neither a mail server that is away nor the end of this
//! process loses one.

use std::time::Duration;

use latchkey_auth::random;
use latchkey_auth::secret::Purpose;
use latchkey_domain::{Span, UserId};
use latchkey_store::emails::{self, DueEmail};
use tokio::sync::watch;

use crate::app::App;
use crate::mail::{EmailMessage, NotTaken};
use crate::mailer::{Mailer, put_into_outbox};
use crate::smtp::Smtp;

/// How often is looked for e-mails whose turn has come again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Longer than a mail server may take over one.
const CLAIMED_FOR: Span = Span::minutes(5);

/// How long the end of the process waits for what is being handed over. The
/// rest is handed over after the next start.
const PATIENCE: Duration = Duration::from_secs(3);

/// Writes an e-mail down; after `lasts` nobody has any use for it. A failure is
/// only logged: whoever asked must not learn whether the address has an account.
pub(crate) async fn post(app: &App, user: Option<UserId>, email: EmailMessage, lasts: Span) {
    let smtp = match &app.mailer {
        Mailer::Outbox(outbox) => return put_into_outbox(outbox, email),
        Mailer::Nowhere => {
            tracing::warn!("an e-mail was not sent: SMTP_URL is not set");
            return;
        }
        Mailer::Smtp(smtp) => smtp,
    };
    let id = random::token();
    let Ok(sealed) = app.settings.app_secret.seal_json(Purpose::Email, &id, &email) else {
        tracing::error!("an e-mail could not be sealed");
        return;
    };
    let expires_at = email.at.plus(lasts);
    match emails::insert(&app.db, &id, user, &sealed, email.at, expires_at).await {
        Ok(()) => smtp.waiting.notify_one(),
        Err(error) => tracing::error!(%error, "an e-mail could not be written down"),
    }
}

/// Hands over what is due until it is told to stop, and then once more.
pub(crate) async fn work(app: App, mut stopped: watch::Receiver<bool>) {
    let Mailer::Smtp(smtp) = &app.mailer else { return };
    let mut stop = stopped.clone();
    let out_of_patience = async {
        // A sender that is gone means the same.
        let _ = stop.wait_for(|stopped| *stopped).await;
        tokio::time::sleep(PATIENCE).await;
    };
    let handing_over = async {
        loop {
            let is_last = *stopped.borrow();
            while hand_over_next(&app, smtp).await {}
            if is_last {
                return;
            }
            tokio::select! {
                () = smtp.waiting.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        }
    };
    tokio::select! {
        () = handing_over => {}
        () = out_of_patience => {}
    }
}

/// Says whether there was one.
async fn hand_over_next(app: &App, smtp: &Smtp) -> bool {
    let now = app.clock.now();
    match emails::claim(&app.db, now, now.plus(CLAIMED_FOR)).await {
        Ok(Some(due)) => {
            if let Err(error) = hand_over(app, smtp, &due).await {
                tracing::warn!(%error, "what became of an e-mail could not be written down");
            }
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(%error, "waiting e-mails could not be read");
            false
        }
    }
}

async fn hand_over(app: &App, smtp: &Smtp, due: &DueEmail) -> latchkey_store::Result<()> {
    let opened = app.settings.app_secret.open(Purpose::Email, &due.id, &due.sealed).ok();
    let email = opened.and_then(|json| serde_json::from_slice::<EmailMessage>(&json).ok());
    let taken = match &email {
        Some(email) => smtp.hand_over(&due.id, email).await,
        None => Err(NotTaken {
            trouble: "APP_SECRET does not open it any more".to_owned(),
            is_final: true,
        }),
    };
    let now = app.clock.now();
    match taken {
        Ok(()) => emails::delete(&app.db, &due.id).await,
        Err(not) if not.is_final || now.plus(pause(due.tries)) > due.expires_at => {
            tracing::error!(trouble = not.trouble, tries = due.tries, "an e-mail is given up");
            emails::give_up(&app.db, &due.id, now, &not.trouble).await
        }
        Err(_) => emails::postpone(&app.db, &due.id, now.plus(pause(due.tries))).await,
    }
}

/// After so many tries: 2 s, 4 s, 8 s, … and at last some eight minutes.
fn pause(tries: i64) -> Span {
    let doublings = u32::try_from(tries.clamp(1, 9)).unwrap_or(9);
    Span::seconds(1 << doublings)
}
