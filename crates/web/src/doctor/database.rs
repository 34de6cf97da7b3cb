//! Checks the database: its migrations, clock, e-mail queue and signing keys.

use latchkey_auth::secret::{AppSecret, Purpose};
use latchkey_domain::Clock;
use latchkey_store::migrations::MigrationStatus;
use latchkey_store::probe::{Probe, ProbeError, probe};
use latchkey_store::signing_keys::{self, StoredKey};
use latchkey_store::{Backend, Db, emails, users};

use super::providers::skew_finding;
use super::report::{Check, Context, Finding};

pub(super) async fn findings(context: &Context<'_>, clock: &Clock) -> Vec<Finding> {
    if !context.valid(&["DATABASE_URL"]) {
        return Vec::new();
    }
    let finding = match probe(context.settings.database_url.expose()).await {
        Ok(Probe::Database(db)) => {
            let findings = open_database_findings(context, &db, clock).await;
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

pub(super) async fn open_database_findings(
    context: &Context<'_>,
    db: &Db,
    clock: &Clock,
) -> Vec<Finding> {
    let backend = match db.backend() {
        Backend::Sqlite => "an SQLite file",
        Backend::Postgres => "a PostgreSQL server",
    };
    let mut findings = match db.migrations().await {
        Ok(migrations) => {
            let text = format!("The database is {backend} and works.");
            vec![Check::Database.ok(text), migrations_finding(migrations)]
        }
        Err(error) => return vec![unusable(error)],
    };
    findings.extend(compare_clocks(db, clock).await);
    findings.extend(emails::given_up(db).await.ok().and_then(|reasons| mail_finding(&reasons)));
    // The table of keys does not exist before the first start.
    if context.valid(&["APP_SECRET"])
        && let Ok(keys) = signing_keys::all(db).await
    {
        findings.push(keys_finding(&context.settings.app_secret, &keys));
    }
    if let Ok(longest) = users::longest_roles(db).await {
        findings.extend(roles_finding(longest));
    }
    findings
}

/// Milliseconds that an instance may differ from the database's clock. Two instances
/// then differ by less than the 5 s leeway for JWTs.
const MAX_DATABASE_SKEW: i64 = 2_000;

/// Compares our clock with the database's, which all instances share. The fastest of
/// three responses is the most precise.
pub(super) async fn compare_clocks(db: &Db, clock: &Clock) -> Option<Finding> {
    let mut measured = Vec::new();
    for _ in 0..3 {
        let asked_at = clock.now();
        let theirs = db.clock().await.ok()??;
        let took = clock.now().since(asked_at).as_millis();
        measured.push((took, asked_at.as_millis() + took / 2 - theirs.as_millis()));
    }
    let (_, skew) = measured.into_iter().min()?;
    let finding = skew_finding(Check::DatabaseClock, skew, "the database's", MAX_DATABASE_SKEW);
    Some(finding.fact("Tolerance", "2 seconds"))
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
        ProbeError::Pooler(_) => {
            "Change the pooler's settings, or point DATABASE_URL directly at the server."
        }
        ProbeError::Migration(_) => {
            "Let the user of DATABASE_URL create tables: GRANT CREATE ON SCHEMA. Or run the migrations once as another user."
        }
    };
    let text = format!("The database in DATABASE_URL cannot be used: {error}.");
    Check::Database.problem(text, what_to_do)
}

fn migrations_finding(migrations: MigrationStatus) -> Finding {
    let check = Check::Migrations;
    match migrations {
        MigrationStatus::UpToDate(count) => check.ok(format!("All {count} migrations have been run.")),
        MigrationStatus::Pending(1) => check.ok("One migration will run at the next start."),
        MigrationStatus::Pending(count) => {
            check.ok(format!("{count} migrations will run at the next start."))
        }
        MigrationStatus::Newer { theirs, ours } => check.warning(
            format!("A newer version has migrated the database to {theirs}; this version knows migrations up to {ours}."),
            "Start the newer version: only the version right before it is sure to work with its database.",
        ),
        MigrationStatus::Altered => check.problem(
            "A migration that was run differs from this version's.",
            "Start the version that migrated the database, or restore a backup.",
        ),
        MigrationStatus::HalfDone => check.problem(
            "A migration was started but not finished.",
            "Restore the backup from before it, and start again.",
        ),
    }
}

/// `reasons`: why e-mails of the last week were not delivered, latest first.
fn mail_finding(reasons: &[String]) -> Option<Finding> {
    let last = reasons.first()?;
    let text = format!("E-mails not delivered in the last week: {}.", reasons.len());
    let what_to_do = "Check SMTP_URL and MAIL_FROM, and the log of the mail server.";
    Some(Check::MailDelivery.warning(text, what_to_do).fact("Latest reason", last))
}

/// Characters of roles that bring a JWT near the 4,096 bytes of a cookie: a few hundred
/// bytes are other claims, and base64url turns three bytes into four.
const MAX_ROLES_LENGTH: i64 = 2_000;

fn roles_finding(longest: i64) -> Option<Finding> {
    (longest > MAX_ROLES_LENGTH).then(|| {
        Check::Cookies.warning(
            format!("An account has {longest} characters of roles: a JWT with them may not fit in a cookie (4,096 bytes)."),
            "Give it fewer or shorter roles. Otherwise it gets a session instead of a JWT.",
        )
    })
}

/// Whether `APP_SECRET` decrypts the signing keys.
fn keys_finding(secret: &AppSecret, keys: &[StoredKey]) -> Finding {
    let what_to_do =
        "Append the secret that encrypted them to the current one: APP_SECRET=new,old.";
    let decrypts =
        |key: &&StoredKey| secret.open(Purpose::SigningKey, &key.kid, &key.private_key).is_ok();
    let check = Check::SigningKeys;
    match (keys.len(), keys.iter().filter(decrypts).count()) {
        (0, _) => check.ok("The key that signs JWTs is created at the first start."),
        (all, 0) => check.problem(
            format!("APP_SECRET decrypts none of the {all} signing keys: every issued JWT is refused."),
            what_to_do,
        ),
        (all, decrypted) if decrypted < all => check.warning(
            format!("APP_SECRET decrypts only {decrypted} of the {all} signing keys: JWTs of the others are refused."),
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
    fn doctor_warns_when_roles_exceed_cookie_size() {
        assert!(roles_finding(MAX_ROLES_LENGTH).is_none());
        let finding = roles_finding(MAX_ROLES_LENGTH + 1).expect("a warning");
        assert_eq!(finding.level, Level::Warning);
    }

    #[test]
    fn doctor_reports_keys_of_another_app_secret() {
        let app = |secret: &str| AppSecret::new(&Secret::new(secret), &[]);
        let (ours, other) = (app("ours"), app("other"));
        for (keys, level) in [
            (vec![], Level::Ok),
            (vec![key(&ours, "a")], Level::Ok),
            (vec![key(&ours, "a"), key(&other, "b")], Level::Warning),
            (vec![key(&other, "b")], Level::Problem),
        ] {
            assert_eq!(keys_finding(&ours, &keys).level, level, "{keys:?}");
        }
    }

    #[test]
    fn doctor_reports_altered_or_incomplete_migrations() {
        for (migrations, level) in [
            (MigrationStatus::UpToDate(6), Level::Ok),
            (MigrationStatus::Pending(1), Level::Ok),
            (MigrationStatus::Newer { theirs: 9, ours: 8 }, Level::Warning),
            (MigrationStatus::Altered, Level::Problem),
            (MigrationStatus::HalfDone, Level::Problem),
        ] {
            assert_eq!(migrations_finding(migrations).level, level);
        }
    }
}
