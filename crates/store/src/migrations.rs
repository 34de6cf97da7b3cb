//! The migrations: what they are, how they are run, and how far a database is.

use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::Error;

/// The files of `migrations/`, in their order. Listed rather than found by
/// `sqlx::migrate!`, which would compile both drivers a second time for its macro.
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
    // A newer version may run beside this one: docs/adr/0042. And a session's
    // lock is nobody's behind a pooler that hands sessions around.
    migrator.set_ignore_missing(true).set_locking(false);
    // Only dangerous for who forgets what has been run: see `carry_over`.
    migrator.dangerous_set_table_name(LIST);
    migrator
});

/// Which of them were run. Not sqlx's own table: that is the application's, whose
/// migrations may be in the same database.
pub(crate) const LIST: &str = "_latchkey_migrations";

/// Where they were written down before, with nobody else's.
pub(crate) const LIST_BEFORE: &str = "SELECT version, success, checksum FROM _sqlx_migrations";

/// Of the same number and the same text, or it is another program's. Whoever is asked
/// twice finds it done; an older version beside this one still finds its own list.
pub(crate) const CARRY_OVER: &str = "INSERT INTO _latchkey_migrations SELECT * FROM _sqlx_migrations \
    WHERE version = $1 AND checksum = $2 ON CONFLICT DO NOTHING";

macro_rules! carry_over {
    ($one:expr) => {{
        use $crate::migrations::{CARRY_OVER, LIST, MIGRATIONS};
        $one.ensure_migrations_table(LIST).await?;
        for known in MIGRATIONS.iter() {
            let carry = sqlx::query(CARRY_OVER).bind(known.version).bind(&*known.checksum);
            carry.execute(&mut *$one).await?;
        }
    }};
}
pub(crate) use carry_over;

/// How the database's tables stand to the migrations that we know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationStatus {
    UpToDate(usize),
    Pending(usize),
    /// A newer version of this program has gone on from here.
    Newer {
        theirs: i64,
        ours: i64,
    },
    /// One that was run is not the one that we know by its number.
    Altered,
    HalfDone,
}

/// The tables, each after those that it refers to.
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

/// A row of the list of what was run.
pub(crate) type Applied = (i64, bool, Vec<u8>);

pub(crate) const APPLIED: &str =
    "SELECT version, success, checksum FROM _latchkey_migrations ORDER BY version";

/// Says at which statement, and what the database said to it.
pub(crate) fn failed(
    error: MigrateError,
    position: impl Fn(&sqlx::Error) -> Option<usize>,
) -> Error {
    match error {
        MigrateError::Execute(source) => {
            Error::Migration { at: format!("its list of migrations, {LIST}"), source }
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

/// The first line of the statement in which this character stands, counted from 1.
fn statement_at(sql: &str, position: usize) -> Option<&str> {
    let at = sql.char_indices().nth(position.checked_sub(1)?)?.0;
    let start = sql[..at].rfind(';').map_or(0, |end| end + 1);
    let mut lines = sql[start..].lines().map(str::trim);
    lines.find(|line| !line.is_empty() && !line.starts_with("--"))
}

/// How far a database is that has run these.
pub(crate) fn judge(rows: &[Applied]) -> MigrationStatus {
    let known: Vec<_> = MIGRATIONS.iter().map(|one| (one.version, &*one.checksum)).collect();
    compare(rows, &known)
}

/// Compares what was run with what we know of, as the migrator does at a start.
fn compare(rows: &[Applied], known: &[(i64, &[u8])]) -> MigrationStatus {
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
    fn migrations_are_compared() {
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
    fn a_statement_is_found_by_its_place() {
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
    fn every_file_of_the_folder_is_a_migration() {
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
