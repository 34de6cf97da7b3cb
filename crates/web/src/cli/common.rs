//! Shared by the commands.

use std::io::Write as _;

use latchkey_domain::audit::Event;
use latchkey_domain::{Clock, Email, User};
use latchkey_store::{Db, users};

use crate::app::App;
use crate::links::Links;
use crate::settings::{Capabilities, Environment, Settings};

/// An error is a sentence for the person at the terminal.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

pub(super) async fn app(built_with: Capabilities) -> Result<App, Box<dyn std::error::Error>> {
    let settings = Settings::load(&Environment::from_process(), built_with)?;
    Ok(App::open(settings, Clock::System, Links::default()).await?)
}

pub fn print(line: &str) -> Outcome {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// An unverified e-mail address does not identify an account: anyone can sign up with it.
pub(super) async fn find(db: &Db, id_or_email: &str) -> Result<User, Box<dyn std::error::Error>> {
    let found = match (id_or_email.parse(), Email::parse(id_or_email)) {
        (Ok(id), _) => return Ok(users::by_id(db, id).await?.ok_or("no such account")?),
        (_, Ok(email)) => users::by_email(db, &email).await?,
        _ => Vec::new(),
    };
    if let Some(user) = found.iter().find(|user| user.email_verified) {
        return Ok(user.clone());
    }
    if found.is_empty() {
        return Err("no such account".into());
    }
    let claims = found.iter().map(user_line).collect::<Vec<_>>().join("\n");
    Err(format!(
        "no account has verified this address; to use one that claims it, give its ID:\n{claims}"
    )
    .into())
}

pub(super) fn user_line(user: &User) -> String {
    let verified = if user.email_verified { "" } else { " (not verified)" };
    let email = user.email.as_ref().map_or("-", |email| email.as_str());
    let roles = if user.roles.is_empty() { "-".to_owned() } else { user.roles.to_string() };
    format!("{}\t{email}{verified}\t{roles}\t{}", user.id, user.name)
}

pub(super) fn event_line(event: &Event) -> String {
    let user = event.user_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let address = event.address.as_deref().unwrap_or("-");
    let (at, kind, actor) = (event.at.rfc3339(), event.kind, event.actor);
    format!("{at}\t{kind}\t{user}\t{actor}\t{}\t{address}", event.detail)
}
