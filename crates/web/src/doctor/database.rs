//! The database, and the keys that are kept in it.

use latchkey_auth::secret::{AppSecret, Purpose};
use latchkey_store::probe::{Migrations, Probe, ProbeError, probe};
use latchkey_store::signing_keys::{self, StoredKey};
use latchkey_store::{Backend, Db};

use super::Known;
use super::finding::{Check, Finding};

const SUBJECT: &str = "DATABASE_URL";

/// Looks at the database, and makes nothing.
pub(super) async fn findings(known: &Known<'_>) -> Vec<Finding> {
    if !known.reads(&[SUBJECT]) {
        return Vec::new();
    }
    match probe(known.settings.database_url.expose()).await {
        Ok(Probe::Database(db)) => {
            let findings = of_open(known, &db).await;
            db.close().await;
            findings
        }
        Ok(Probe::Nothing) => vec![Finding::ok(
            Check::Database,
            SUBJECT,
            "The database is a file of SQLite's, and is made at the first start.",
        )],
        Ok(Probe::InMemory) => vec![
            Finding::warning(
                Check::Database,
                SUBJECT,
                "The database is in memory: everything is gone when Latchkey stops.",
            )
            .advise("Name a file, like sqlite://data/latchkey.db."),
        ],
        Err(probe_error) => vec![unusable(probe_error)],
    }
}

/// Looks at a database that is open already.
pub(super) async fn of_open(known: &Known<'_>, db: &Db) -> Vec<Finding> {
    let backend = match db.backend() {
        Backend::Sqlite => "a file of SQLite's",
        Backend::Postgres => "a PostgreSQL server",
    };
    let mut findings = match db.migrations().await {
        Ok(migrations) => {
            let there = format!("The database is {backend}, and answers.");
            vec![Finding::ok(Check::Database, SUBJECT, there), of_migrations(migrations)]
        }
        Err(probe_error) => return vec![unusable(probe_error)],
    };
    // A table that is not there yet holds no keys.
    if known.reads(&["APP_SECRET"])
        && let Ok(keys) = signing_keys::all(db).await
    {
        findings.push(of_keys(&known.settings.app_secret, &keys));
    }
    findings
}

fn unusable(trouble: ProbeError) -> Finding {
    let what = match trouble {
        ProbeError::Address => {
            "Write sqlite://data/latchkey.db, or postgres://user:password@host/database."
        }
        ProbeError::Folder => "Name a file in a folder that Latchkey may write to.",
        ProbeError::Unreachable => {
            "Check that the server runs, and the host and the port in DATABASE_URL."
        }
        ProbeError::Refused => "Check the user name and the password in DATABASE_URL.",
        ProbeError::NoSuchDatabase => "Make the database on the server: CREATE DATABASE.",
        ProbeError::NotADatabase => "Name another file: this one holds something else.",
        ProbeError::ReadOnly => "Let Latchkey write to the file and to its folder.",
        ProbeError::Statement => "Look into the log of the database.",
    };
    let says = format!("The database of DATABASE_URL cannot be used: {trouble}.");
    Finding::problem(Check::Database, SUBJECT, says).advise(what)
}

fn of_migrations(migrations: Migrations) -> Finding {
    let ok = |says: String| Finding::ok(Check::Migrations, "migrations", says);
    let problem = |says: &str| Finding::problem(Check::Migrations, "migrations", says);
    match migrations {
        Migrations::UpToDate(count) => ok(format!("All {count} migrations have been run.")),
        Migrations::Pending(1) => ok("One migration is run at the next start.".to_owned()),
        Migrations::Pending(count) => ok(format!("{count} migrations are run at the next start.")),
        Migrations::Newer => problem("The database belongs to a newer version of Latchkey.")
            .advise("Start the newer version, or go back to a backup that is older than it."),
        Migrations::Altered => {
            problem("A migration that has been run is not the one of this version.")
                .advise("Start the version that the database belongs to, or go back to a backup.")
        }
        Migrations::HalfDone => problem("A migration was begun and not finished.")
            .advise("Go back to the backup from before it, and start again."),
    }
}

/// Whether the keys that sign JWTs can be opened with `APP_SECRET`.
fn of_keys(secret: &AppSecret, keys: &[StoredKey]) -> Finding {
    const SUBJECT: &str = "signing keys";
    let opens =
        |key: &&StoredKey| secret.open(Purpose::SigningKey, &key.kid, &key.private_key).is_ok();
    let (all, open) = (keys.len(), keys.iter().filter(opens).count());
    let lost = "Put the secret with which they were sealed behind the current one, with a comma: APP_SECRET=new,old.";
    match (all, open) {
        (0, _) => {
            Finding::ok(Check::SigningKeys, SUBJECT, "The key that signs JWTs is made at the first start.")
        }
        (all, 0) => Finding::problem(
            Check::SigningKeys,
            SUBJECT,
            format!("None of the {all} keys that sign JWTs opens with APP_SECRET: every JWT that was issued is refused."),
        )
        .advise(lost),
        (all, open) if open < all => Finding::warning(
            Check::SigningKeys,
            SUBJECT,
            format!("Only {open} of the {all} keys that sign JWTs open with APP_SECRET: what the others signed is refused."),
        )
        .advise(lost),
        _ => Finding::ok(Check::SigningKeys, SUBJECT, "The keys that sign JWTs open with APP_SECRET."),
    }
}

#[cfg(test)]
mod tests {
    use latchkey_auth::secret::Secret;
    use latchkey_domain::Timestamp;

    use super::super::finding::Level;
    use super::*;

    fn key(secret: &AppSecret, kid: &str) -> StoredKey {
        StoredKey {
            kid: kid.to_owned(),
            algorithm: "EdDSA".to_owned(),
            private_key: secret.seal(Purpose::SigningKey, kid, b"private"),
            created_at: Timestamp::from_seconds(0),
            signs_from: Timestamp::from_seconds(0),
            retired_at: None,
        }
    }

    #[test]
    fn keys_open_or_do_not() {
        let app = |secret: &str| AppSecret::new(&Secret::new(secret), &[]);
        let (ours, other) = (app("ours"), app("other"));
        for (keys, level) in [
            (vec![], Level::Ok),
            (vec![key(&ours, "a")], Level::Ok),
            (vec![key(&ours, "a"), key(&other, "b")], Level::Warning),
            (vec![key(&other, "b")], Level::Problem),
        ] {
            assert_eq!(of_keys(&ours, &keys).level, level, "{keys:?}");
        }
    }

    #[test]
    fn migrations_are_told() {
        for (migrations, level) in [
            (Migrations::UpToDate(6), Level::Ok),
            (Migrations::Pending(1), Level::Ok),
            (Migrations::Newer, Level::Problem),
            (Migrations::Altered, Level::Problem),
            (Migrations::HalfDone, Level::Problem),
        ] {
            assert_eq!(of_migrations(migrations).level, level);
        }
    }
}
