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
            "the database of --from is not up to date: start this version on it first".into()
        );
    }
    Db::open(to).await?.close().await;
    let target = open(to, "--to").await?;
    let mut differing = Vec::new();
    transfer::copy(&source, &target, |moved| {
        if moved.from != moved.to {
            differing.push(moved.table);
        }
        // What was copied is copied, whether or not anybody reads this.
        let _ =
            print(&format!("{}\t{} rows\t{:032x}", moved.table, moved.to.rows, moved.to.digest));
    })
    .await?;
    source.close().await;
    target.close().await;
    if differing.is_empty() {
        print("Both databases hold the same.")
    } else {
        let tables = differing.join(", ");
        Err(format!("--to holds other rows in {tables}: it was not empty, or is in use").into())
    }
}

/// Without the limits of the app: a whole table takes its time.
async fn open(url: &str, name: &str) -> Result<Db, Box<dyn std::error::Error>> {
    match probe(url).await {
        Ok(Probe::Database(db)) => Ok(db),
        Ok(_) => Err(format!("{name}: there is no database yet").into()),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}
