//! `latchkey user`

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use latchkey_axum::audit;
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::password::{Password, check};
use latchkey_domain::{DisplayName, Email, Role, Roles, User, UserId};
use latchkey_store::{accounts, identities, passwords, sign_ins, users};

use super::common::{Outcome, app, event_line, find, print, user_line};
use crate::app::App;
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
        #[command(flatten)]
        account: Account,
        /// The role.
        role: Role,
        /// Remove the role instead of granting it.
        #[arg(long)]
        remove: bool,
    },
    /// Show an account: its sign-in methods, active sign-ins and latest events.
    Show(Account),
    /// Block an account: all its sign-ins end, and nobody can sign in to it.
    Block(Account),
    /// Unblock an account.
    Unblock(Account),
    /// Sign an account out everywhere.
    SignOut(Account),
    /// Delete an account and all its personal data.
    Delete {
        /// The account’s ID, as `latchkey user list` shows it.
        id: UserId,
    },
}

#[derive(Debug, Args)]
pub struct Account {
    /// The account’s ID, or its verified e-mail address.
    user: String,
}

pub(super) async fn run(command: Command, built_with: Capabilities) -> Outcome {
    if let Command::Add { email, name, roles } = command {
        return add(&email, name, roles.into_iter().collect(), built_with).await;
    }
    let app = app(built_with).await?;
    let now = app.clock.now();
    let done = async |kind, user: &User, detail: String| {
        let user_id = Some(user.id).filter(|_| kind != Kind::AccountDeleted);
        audit::record(&app, kind, user_id, Actor::Operator, detail, None).await;
        print(&user_line(user))
    };
    match command {
        Command::Add { .. } => Ok(()),
        Command::List => list(&app).await,
        Command::Role { account, role, remove } => {
            let mut user = find(&app.db, &account.user).await?;
            if remove {
                user.roles.remove(&role);
            } else {
                user.roles.insert(role);
            }
            users::set_roles(&app.db, user.id, &user.roles).await?;
            done(Kind::RolesChanged, &user, format!("now: {}", user.roles)).await
        }
        Command::Show(account) => show(&app, &find(&app.db, &account.user).await?).await,
        Command::Block(account) => {
            let user = find(&app.db, &account.user).await?;
            accounts::block(&app.db, user.id, now).await?;
            done(Kind::Blocked, &user, String::new()).await
        }
        Command::Unblock(account) => {
            let user = find(&app.db, &account.user).await?;
            accounts::unblock(&app.db, user.id).await?;
            done(Kind::Unblocked, &user, String::new()).await
        }
        Command::SignOut(account) => {
            let user = find(&app.db, &account.user).await?;
            let ended = sign_ins::end_others(&app.db, user.id, None, now).await?.len();
            done(Kind::SignInEnded, &user, format!("everywhere ({ended})")).await
        }
        Command::Delete { id } => {
            let user = find(&app.db, &id.to_string()).await?;
            app.delete_account(id).await?;
            done(Kind::AccountDeleted, &user, String::new()).await
        }
    }
}

async fn show(app: &App, user: &User) -> Outcome {
    const RECENT: u32 = 10;
    let (db, now) = (&app.db, app.clock.now());
    print(&user_line(user))?;
    print(&format!("created\t{}", user.created_at.rfc3339()))?;
    if let Some(since) = accounts::blocked_at(db, user.id).await? {
        print(&format!("blocked\t{}", since.rfc3339()))?;
    }
    if let Some(email) = passwords::email_of(db, user.id).await? {
        print(&format!("password\t{email}"))?;
    }
    for one in identities::of_user(db, user.id).await? {
        print(&format!("provider\t{}\t{}\t{}", one.provider, one.issuer, one.subject))?;
    }
    for one in sign_ins::list_active(db, user.id, app.settings.session, now).await? {
        let seen = one.last_seen_at.rfc3339();
        print(&format!("sign-in\t{}\t{}\t{}\t{seen}", one.id, one.method, one.address))?;
    }
    for event in latchkey_store::audit::of_user(db, user.id, None, RECENT).await? {
        print(&format!("event\t{}", event_line(&event)))?;
    }
    Ok(())
}

async fn add(email: &str, name: Option<String>, roles: Roles, built_with: Capabilities) -> Outcome {
    let address = Email::parse(email)?;
    let name = DisplayName::first_of([name.as_deref(), Some(address.as_str())]);
    let typed = read_password()?;
    check(&typed, &[address.as_str(), name.as_str()])?;
    let app = app(built_with).await?;
    let hash = app.hasher.hash(&Password::new(typed)?).await?;
    // The operator vouches for the address, so it counts as verified.
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

async fn list(app: &App) -> Outcome {
    const PAGE: u32 = 100;
    let mut after = None;
    loop {
        let page = users::page(&app.db, after, PAGE).await?;
        for user in &page {
            print(&user_line(user))?;
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(()),
        }
    }
}
