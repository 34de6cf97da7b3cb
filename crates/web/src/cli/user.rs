//! `latchkey user`

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Subcommand;
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::password::{Password, check};
use latchkey_domain::{DisplayName, Email, Role, Roles, User};
use latchkey_store::{passwords, users};

use super::common::{Outcome, app, print};
use crate::audit;
use crate::settings::Capabilities;
use latchkey_axum::password::new_user;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add an account. The password is read from standard input.
    Add {
        /// The account’s e-mail address.
        email: String,
        /// The user’s name.
        #[arg(long)]
        name: Option<String>,
        /// A role; may be repeated.
        #[arg(long = "role")]
        roles: Vec<Role>,
    },
    /// List all accounts.
    List,
    /// Grant a role to an account, or remove it.
    Role {
        /// The account’s e-mail address or ID.
        user: String,
        /// The role.
        role: Role,
        /// Remove the role instead of granting it.
        #[arg(long)]
        remove: bool,
    },
}

pub(super) async fn run(command: Command, built_with: Capabilities) -> Outcome {
    match command {
        Command::Add { email, name, roles } => {
            add(&email, name, roles.into_iter().collect(), built_with).await
        }
        Command::List => list(built_with).await,
        Command::Role { user, role, remove } => change_role(&user, role, remove, built_with).await,
    }
}

async fn add(email: &str, name: Option<String>, roles: Roles, built_with: Capabilities) -> Outcome {
    let address = Email::parse(email)?;
    let name = DisplayName::first_of([name.as_deref(), Some(address.as_str())]);
    let typed = read_password()?;
    check(&typed, &[address.as_str(), name.as_str()])?;
    let app = app(built_with).await?;
    let hash = app.hasher.hash(&Password::new(typed)?).await?;
    // Whoever can write to the database vouches for the address.
    let user = new_user(&app, name, address, true, roles);
    let samples = app.config.samples(user.id, user.created_at);
    match passwords::create_account(&app.db, &user, &hash, &samples).await {
        Ok(()) => {
            audit::record(&app, Kind::SignedUp, Some(user.id), Actor::Operator, "", None).await;
            print(&user.id.to_string())
        }
        Err(latchkey_store::Error::Exists) => {
            Err("there is already an account with this address".into())
        }
        Err(error) => Err(error.into()),
    }
}

fn read_password() -> Result<String, std::io::Error> {
    let input = std::io::stdin();
    if input.is_terminal() {
        write!(std::io::stderr(), "Password (visible as you type): ")?;
    }
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn list(built_with: Capabilities) -> Outcome {
    const PAGE: u32 = 100;
    let app = app(built_with).await?;
    let mut after = None;
    loop {
        let page = users::page(&app.db, after, PAGE).await?;
        for user in &page {
            print(&line(user))?;
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(()),
        }
    }
}

fn line(user: &User) -> String {
    let verified = if user.email_verified { "" } else { " (not verified)" };
    let email = user.email.as_ref().map_or("-".to_owned(), ToString::to_string);
    let roles = if user.roles.is_empty() { "-".to_owned() } else { user.roles.to_string() };
    format!("{}\t{email}{verified}\t{roles}\t{}", user.id, user.name)
}

async fn change_role(who: &str, role: Role, remove: bool, built_with: Capabilities) -> Outcome {
    let app = app(built_with).await?;
    let mut found = match (who.parse(), Email::parse(who)) {
        (Ok(id), _) => users::by_id(&app.db, id).await?.into_iter().collect(),
        (_, Ok(email)) => users::by_email(&app.db, &email).await?,
        _ => Vec::new(),
    };
    let user = found.pop().ok_or("no such account")?;
    if !found.is_empty() {
        return Err(
            "several accounts have this address: use the ID from `latchkey user list`".into()
        );
    }
    let mut roles = user.roles.clone();
    if remove {
        roles.remove(&role);
    } else {
        roles.insert(role);
    }
    users::set_roles(&app.db, user.id, &roles).await?;
    let detail = format!("now: {roles}");
    audit::record(&app, Kind::RolesChanged, Some(user.id), Actor::Operator, detail, None).await;
    print(&line(&User { roles, ..user }))
}
