//! E-mail: where it goes.

use super::Known;
use super::finding::{Check, Finding};

const NAME: &str = "SMTP_URL";

pub(super) fn findings(known: &Known<'_>) -> Vec<Finding> {
    if known.reads(&[NAME, "PUBLIC_URL"]) { vec![finding(known)] } else { Vec::new() }
}

fn finding(known: &Known<'_>) -> Finding {
    match (&known.settings.smtp_url, known.settings.is_development()) {
        (Some(_), _) => {
            Finding::ok(Check::Mail, NAME, "E-mail is handed over to the server of SMTP_URL.")
        }
        (None, true) => Finding::ok(
            Check::Mail,
            NAME,
            "E-mail is not sent: in development a page shows what would have been.",
        ),
        (None, false) => Finding::warning(
            Check::Mail,
            NAME,
            "SMTP_URL is not set: nobody can verify an address or set a new password.",
        )
        .advise("Set SMTP_URL to smtps://user:password@host."),
    }
}
