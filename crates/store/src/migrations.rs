//! The migrations, and which of them a database has.

use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::Error;

/// The files of `migrations/`, in order. Not `sqlx::migrate!`, whose macro would compile
/// both drivers a second time.
pub(crate) static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    macro_rules! migrations {
        ($($version:literal $name:literal $file:literal,)*) => {
            [$(($version, $name, include_str!(concat!("../migrations/", $file)))),*]
        };
    }
    let files = migrations![
        1 "people" "0001_people.sql",
        2 "sign ins" "0002_sign_ins.sql",
        3 "passwords" "0003_passwords.sql",
        4 "jwt" "0004_jwt.sql",
        5 "contacts calendar" "0005_contacts_calendar.sql",
        6 "account" "0006_account.sql",
        7 "connections" "0007_connections.sql",
        8 "traces" "0008_traces.sql",
        9 "blocked" "0009_blocked.sql",
        10 "wrong tries" "0010_wrong_tries.sql",
        11 "emails" "0011_emails.sql",
        12 "order and indexes" "0012_order_and_indexes.sql",
        13 "authorization responses" "0013_authorization_responses.sql",
        14 "wide addresses" "0014_wide_addresses.sql",
    ];
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(files.into_iter().map(migration).collect());
    // A newer version may run beside this one (docs/adr/0042). Session locks do not work
    // behind a transaction pooler.
    migrator.set_ignore_missing(true).set_locking(false);
    // Dangerous only if earlier migrations are forgotten: see `ADOPT`.
    migrator.dangerous_set_table_name(TABLE);
    migrator
});

/// Not sqlx's default table: the application may have its own migrations in this database.
pub(crate) const TABLE: &str = "_latchkey_migrations";

/// The table that earlier versions used.
pub(crate) const SQLX_MIGRATIONS: &str = "SELECT version, success, checksum FROM _sqlx_migrations";

/// Copies only rows whose checksum matches: others belong to another program. They are not
/// deleted, because an older version may run beside this one.
pub(crate) const ADOPT: &str = "INSERT INTO _latchkey_migrations \
    SELECT * FROM _sqlx_migrations WHERE version = $1 AND checksum = $2 ON CONFLICT DO NOTHING";

macro_rules! adopt_sqlx_migrations {
    ($connection:expr) => {{
        use $crate::migrations::{ADOPT, MIGRATIONS, TABLE};
        $connection.ensure_migrations_table(TABLE).await?;
        for known in MIGRATIONS.iter() {
            let adopt = sqlx::query(ADOPT).bind(known.version).bind(&*known.checksum);
            adopt.execute(&mut *$connection).await?;
        }
    }};
}
pub(crate) use adopt_sqlx_migrations;

/// The migrations of a database, compared with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationStatus {
    UpToDate(usize),
    Pending(usize),
    /// A newer version of this program has migrated the database.
    Newer {
        theirs: i64,
        ours: i64,
    },
    /// A checksum differs from ours.
    Altered,
    HalfDone,
}

/// The tables, each after the tables that it references.
pub(crate) fn tables() -> Vec<&'static str> {
    let mut tables = Vec::new();
    for line in MIGRATIONS.iter().flat_map(|one| one.sql.as_str().lines()) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["CREATE", "TABLE", name, ..] => tables.push(name),
            ["DROP", "TABLE", name, ..] => tables.retain(|one| *one != name.trim_end_matches(';')),
            _ => {}
        }
    }
    tables
}

/// Version, success and checksum.
pub(crate) type AppliedMigration = (i64, bool, Vec<u8>);

pub(crate) const APPLIED: &str =
    "SELECT version, success, checksum FROM _latchkey_migrations ORDER BY version";

/// Adds the statement that failed, if its position is known.
pub(crate) fn migration_error(
    error: MigrateError,
    position: impl Fn(&sqlx::Error) -> Option<usize>,
) -> Error {
    match error {
        MigrateError::Execute(source) => {
            Error::Migration { at: format!("its list of migrations, {TABLE}"), source }
        }
        MigrateError::ExecuteMigration(source, version) => {
            let sql = MIGRATIONS.iter().find(|one| one.version == version);
            let statement = sql.and_then(|one| statement_at(one.sql.as_str(), position(&source)?));
            let statement = statement.map(|text| format!(": {text}")).unwrap_or_default();
            Error::Migration { at: format!("migration {version}{statement}"), source }
        }
        other => Error::Migrations(other),
    }
}

/// The first line of the statement that contains this character, counted from 1.
fn statement_at(sql: &str, position: usize) -> Option<&str> {
    let at = sql.char_indices().nth(position.checked_sub(1)?)?.0;
    let start = sql[..at].rfind(';').map_or(0, |end| end + 1);
    let mut lines = sql[start..].lines().map(str::trim);
    lines.find(|line| !line.is_empty() && !line.starts_with("--"))
}

pub(crate) fn status(rows: &[AppliedMigration]) -> MigrationStatus {
    let known: Vec<_> = MIGRATIONS.iter().map(|one| (one.version, &*one.checksum)).collect();
    compare(rows, &known)
}

/// Compares applied migrations with known ones, as the migrator does.
fn compare(rows: &[AppliedMigration], known: &[(i64, &[u8])]) -> MigrationStatus {
    let ours = |version: i64| known.iter().find(|(of, _)| *of == version);
    let of_ours = rows.iter().filter(|(version, ..)| ours(*version).is_some()).count();
    if rows.iter().any(|(_, success, _)| !success) {
        MigrationStatus::HalfDone
    } else if rows.iter().any(|(version, _, sum)| ours(*version).is_some_and(|(_, our)| our != sum))
    {
        MigrationStatus::Altered
    } else if of_ours < known.len() {
        MigrationStatus::Pending(known.len() - of_ours)
    } else if let Some((newest, ..)) = rows.last()
        && rows.len() > known.len()
    {
        let ours = known.last().map_or(0, |(version, _)| *version);
        MigrationStatus::Newer { theirs: *newest, ours }
    } else {
        MigrationStatus::UpToDate(known.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_migrations_determine_the_status() {
        let row = |version, success, sum: u8| (version, success, vec![sum]);
        let known: [(i64, &[u8]); 2] = [(1, &[1]), (2, &[2])];
        for (rows, expected) in [
            (vec![], MigrationStatus::Pending(2)),
            (vec![row(1, true, 1)], MigrationStatus::Pending(1)),
            (vec![row(1, true, 1), row(2, true, 2)], MigrationStatus::UpToDate(2)),
            (vec![row(1, true, 1), row(2, false, 2)], MigrationStatus::HalfDone),
            (vec![row(1, true, 9), row(2, true, 2)], MigrationStatus::Altered),
            (
                vec![row(1, true, 1), row(2, true, 2), row(3, true, 3)],
                MigrationStatus::Newer { theirs: 3, ours: 2 },
            ),
            (vec![row(1, true, 1), row(3, true, 3)], MigrationStatus::Pending(1)),
        ] {
            assert_eq!(compare(&rows, &known), expected, "{rows:?}");
        }
    }

    #[test]
    fn sql_statement_is_found_by_error_position() {
        let sql = "-- é\nCREATE TABLE a (\n b TEXT);\n\n-- more\nCREATE INDEX c ON a (b);";
        for (position, expected) in [
            (0, None),
            (1, Some("CREATE TABLE a (")),
            (24, Some("CREATE TABLE a (")),
            (55, Some("CREATE INDEX c ON a (b);")),
            (999, None),
        ] {
            assert_eq!(statement_at(sql, position), expected, "{position}");
        }
    }

    #[test]
    fn every_migration_file_is_registered() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let ours: Vec<_> = MIGRATIONS
            .iter()
            .map(|one| format!("{:04}_{}.sql", one.version, one.description.replace(' ', "_")))
            .collect();
        assert_eq!(ours, files);
    }
}
