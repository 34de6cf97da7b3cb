//! The database, and the signing keys in it. Nothing is created or migrated.

use latchkey_auth::secret::{AppSecret, Purpose};
use latchkey_domain::Clock;
use latchkey_store::migrations::MigrationStatus;
use latchkey_store::probe::{Probe, ProbeError, probe};
use latchkey_store::signing_keys::{self, StoredKey};
use latchkey_store::{Backend, Db, emails, users};

use super::network::judge_skew;
use super::report::{Check, Context, Finding};

pub(super) async fn findings(context: &Context<'_>, clock: &Clock) -> Vec<Finding> {
    if !context.valid(&["DATABASE_URL"]) {
        return Vec::new();
    }
    let finding = match probe(context.settings.database_url.expose()).await {
        Ok(Probe::Database(db)) => {
            let findings = of_open(context, &db, clock).await;
            db.close().await;
            return findings;
        }
        Ok(Probe::Missing) => {
            Check::Database.ok("The database is an SQLite file, created at the first start.")
        }
        Ok(Probe::InMemory) => Check::Database.warning(
            "The database is in memory: everything is lost when the program stops.",
            "Name a file, like sqlite://data/latchkey.db.",
        ),
        Err(error) => unusable(error),
    };
    vec![finding]
}

/// Checks a database that is open already.
pub(super) async fn of_open(context: &Context<'_>, db: &Db, clock: &Clock) -> Vec<Finding> {
    let backend = match db.backend() {
        Backend::Sqlite => "an SQLite file",
        Backend::Postgres => "a PostgreSQL server",
    };
    let mut findings = match db.migrations().await {
        Ok(migrations) => {
            let text = format!("The database is {backend}, and works.");
            vec![Check::Database.ok(text), judge_migrations(migrations)]
        }
        Err(error) => return vec![unusable(error)],
    };
    findings.extend(compare_clocks(db, clock).await);
    findings.extend(emails::given_up(db).await.ok().and_then(|troubles| judge_mail(&troubles)));
    // Before the first start there is no table of keys.
    if context.valid(&["APP_SECRET"])
        && let Ok(keys) = signing_keys::all(db).await
    {
        findings.push(judge_keys(&context.settings.app_secret, &keys));
    }
    if let Ok(longest) = users::longest_roles(db).await {
        findings.extend(judge_roles(longest));
    }
    findings
}

/// So many milliseconds each instance may be off the database's clock: two of them
/// are then within the 5 s that a JWT's times forgive.
const OFF: i64 = 2_000;

/// Compares ours with that of the server, which is one for all instances, by the
/// quickest of its answers.
pub(super) async fn compare_clocks(db: &Db, clock: &Clock) -> Option<Finding> {
    let mut measured = Vec::new();
    for _ in 0..3 {
        let asked_at = clock.now();
        let theirs = db.clock().await.ok()??;
        let took = clock.now().since(asked_at).as_millis();
        measured.push((took, asked_at.as_millis() + took / 2 - theirs.as_millis()));
    }
    let (_, skew) = measured.into_iter().min()?;
    Some(
        judge_skew(Check::DatabaseClock, skew, "the database's", OFF).fact("Forgiven", "2 seconds"),
    )
}

fn unusable(error: ProbeError) -> Finding {
    let what_to_do = match &error {
        ProbeError::Address => {
            "Set it to sqlite://data/latchkey.db or postgres://user:password@host/database."
        }
        ProbeError::Folder => "Name a file in a folder that the program may write to.",
        ProbeError::Unreachable => {
            "Check that the server runs, and the host and port in DATABASE_URL."
        }
        ProbeError::AccessDenied => "Check the user name and the password in DATABASE_URL.",
        ProbeError::NoSuchDatabase => "Create the database on the server: CREATE DATABASE.",
        ProbeError::NotADatabase => "Name another file: this one is not a database.",
        ProbeError::ReadOnly => "Let the program write to the file and its folder.",
        ProbeError::Statement => "Check the database's log.",
        ProbeError::Pooler(_) => "Change the pooler's settings, or lead DATABASE_URL past it.",
        ProbeError::Migration(_) => {
            "Let the user of DATABASE_URL create tables: GRANT CREATE ON SCHEMA. Or run the migrations once as another user."
        }
    };
    let text = format!("The database of DATABASE_URL cannot be used: {error}.");
    Check::Database.problem(text, what_to_do)
}

fn judge_migrations(migrations: MigrationStatus) -> Finding {
    let check = Check::Migrations;
    match migrations {
        MigrationStatus::UpToDate(count) => check.ok(format!("All {count} migrations have been run.")),
        MigrationStatus::Pending(1) => check.ok("One migration is run at the next start."),
        MigrationStatus::Pending(count) => {
            check.ok(format!("{count} migrations are run at the next start."))
        }
        MigrationStatus::Newer { theirs, ours } => check.warning(
            format!("A newer version has migrated the database to {theirs}; this one knows the migrations up to {ours}."),
            "Go on to the newer version: only the one before it is sure to work beside it.",
        ),
        MigrationStatus::Altered => check.problem(
            "A migration that was run differs from this version's.",
            "Start the version that the database belongs to, or restore a backup.",
        ),
        MigrationStatus::HalfDone => check.problem(
            "A migration was started but not finished.",
            "Restore the backup from before it, and start again.",
        ),
    }
}

/// Whether e-mails of the last week were given up, and why the last one was.
fn judge_mail(troubles: &[String]) -> Option<Finding> {
    let last = troubles.first()?;
    let text = format!("{} e-mails of the last week were given up.", troubles.len());
    let what_to_do = "Check SMTP_URL and MAIL_FROM, and the log of the mail server.";
    Some(Check::MailDelivery.warning(text, what_to_do).fact("The last one", last))
}

/// With so many characters of roles, a JWT comes near the 4,096 bytes that a browser keeps of a
/// cookie: a few hundred bytes are its own, and base64url makes four of three.
const MANY_ROLES: i64 = 2_000;

fn judge_roles(longest: i64) -> Option<Finding> {
    (longest > MANY_ROLES).then(|| {
        Check::Cookies.warning(
            format!("Somebody has {longest} characters of roles: a JWT with them hardly fits into a cookie (4,096 bytes)."),
            "Give them fewer or shorter roles. Without that, who asks for a JWT gets a session.",
        )
    })
}

/// Whether the keys that sign JWTs can be decrypted with `APP_SECRET`.
fn judge_keys(secret: &AppSecret, keys: &[StoredKey]) -> Finding {
    let what_to_do =
        "Append the secret that encrypted them to the current one: APP_SECRET=new,old.";
    let opens =
        |key: &&StoredKey| secret.open(Purpose::SigningKey, &key.kid, &key.private_key).is_ok();
    let check = Check::SigningKeys;
    match (keys.len(), keys.iter().filter(opens).count()) {
        (0, _) => check.ok("The key that signs JWTs is created at the first start."),
        (all, 0) => check.problem(
            format!("APP_SECRET decrypts none of the {all} signing keys: every issued JWT is refused."),
            what_to_do,
        ),
        (all, open) if open < all => check.warning(
            format!("APP_SECRET decrypts only {open} of the {all} signing keys: JWTs of the others are refused."),
            what_to_do,
        ),
        _ => check.ok("APP_SECRET decrypts the keys that sign JWTs."),
    }
}

#[cfg(test)]
mod tests {
    use latchkey_auth::secret::Secret;
    use latchkey_domain::Timestamp;

    use super::*;
    use crate::doctor::report::Level;

    fn key(secret: &AppSecret, kid: &str) -> StoredKey {
        StoredKey {
            kid: kid.to_owned(),
            algorithm: "EdDSA".to_owned(),
            private_key: secret.seal(Purpose::SigningKey, kid, b"private").expect("a ciphertext"),
            created_at: Timestamp::from_seconds(0),
            signs_from: Timestamp::from_seconds(0),
            retired_at: None,
        }
    }

    #[test]
    fn many_roles_are_said_to_be_too_many_for_a_cookie() {
        assert!(judge_roles(MANY_ROLES).is_none());
        let finding = judge_roles(MANY_ROLES + 1).expect("a warning");
        assert_eq!(finding.level, Level::Warning);
    }

    #[test]
    fn keys_are_judged() {
        let app = |secret: &str| AppSecret::new(&Secret::new(secret), &[]);
        let (ours, other) = (app("ours"), app("other"));
        for (keys, level) in [
            (vec![], Level::Ok),
            (vec![key(&ours, "a")], Level::Ok),
            (vec![key(&ours, "a"), key(&other, "b")], Level::Warning),
            (vec![key(&other, "b")], Level::Problem),
        ] {
            assert_eq!(judge_keys(&ours, &keys).level, level, "{keys:?}");
        }
    }

    #[test]
    fn migrations_are_judged() {
        for (migrations, level) in [
            (MigrationStatus::UpToDate(6), Level::Ok),
            (MigrationStatus::Pending(1), Level::Ok),
            (MigrationStatus::Newer { theirs: 9, ours: 8 }, Level::Warning),
            (MigrationStatus::Altered, Level::Problem),
            (MigrationStatus::HalfDone, Level::Problem),
        ] {
            assert_eq!(judge_migrations(migrations).level, level);
        }
    }
}
