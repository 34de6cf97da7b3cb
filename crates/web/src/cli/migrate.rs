//! `latchkey migrate`

use latchkey_store::migrations::MigrationStatus;
use latchkey_store::probe::{Probe, probe};
use latchkey_store::{Db, transfer};

use super::common::{Outcome, print};

pub(super) async fn run(from: &str, to: &str) -> Outcome {
    if from == to {
        return Err("--from and --to are the same database".into());
    }
    let source = open(from, "--from").await?;
    let migrations = source.migrations().await?;
    if !matches!(migrations, MigrationStatus::UpToDate(_)) {
        return Err(
            "the database in --from is not up to date: start this version on it first".into()
        );
    }
    Db::open(to).await?.close().await;
    let target = open(to, "--to").await?;
    let mut differing = Vec::new();
    transfer::copy(&source, &target, |copied| {
        if copied.from != copied.to {
            differing.push(copied.table);
        }
        let (table, to) = (copied.table, copied.to);
        // A closed standard output does not stop the copy.
        let _ = print(&format!("{table}\t{} rows\t{:032x}", to.rows, to.digest));
    })
    .await?;
    source.close().await;
    target.close().await;
    if differing.is_empty() {
        print("Both databases hold the same rows.")
    } else {
        let tables = differing.join(", ");
        Err(format!("--to has different rows in {tables}: it was not empty, or is in use").into())
    }
}

/// A probe has no statement timeout, unlike [`Db::open`]: copying a table takes long.
async fn open(url: &str, name: &str) -> Result<Db, Box<dyn std::error::Error>> {
    match probe(url).await {
        Ok(Probe::Database(db)) => Ok(db),
        Ok(_) => Err(format!("{name}: there is no database yet").into()),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}
