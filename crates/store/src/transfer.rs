//! Moving house: every row from one database to another, whichever kind each is.
//!
//! Nothing is changed on the way, so whoever is signed in stays signed in, and
//! with the same `APP_SECRET` everything that is encrypted stays readable.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::mpsc;

use crate::db::on;
use crate::migrations::tables;
use crate::pool::Driver as _;
use crate::query::Pooled;
use crate::{Backend, Db, Error, Result, hash};

/// So many rows go with one statement.
const AT_ONCE: usize = 500;

/// What one of the databases holds in a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableDigest {
    pub rows: u64,
    /// Of all rows, in whatever order they come.
    pub digest: u128,
}

/// What both databases hold in a table now.
#[derive(Clone, Debug)]
pub struct TableCopy {
    pub table: &'static str,
    pub from: TableDigest,
    pub to: TableDigest,
}

type Texts = Vec<Option<String>>;

impl TableDigest {
    fn add(&mut self, row: &Texts) {
        let text = serde_json::Value::from_iter(row.iter().cloned()).to_string();
        let first =
            hash::sha256_hex(&text).get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok());
        self.rows += 1;
        self.digest = self.digest.wrapping_add(first.unwrap_or_default());
    }
}

#[derive(Debug)]
struct Table {
    name: &'static str,
    /// With whether it holds a number.
    columns: Vec<(String, bool)>,
}

impl Table {
    fn select(&self) -> String {
        let texts = self.columns.iter().map(|(name, _)| format!("CAST(\"{name}\" AS TEXT)"));
        format!("SELECT {} FROM {}", texts.collect::<Vec<_>>().join(", "), self.name)
    }

    fn insert(&self, rows: usize) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let mut next = 0;
        let mut row = || {
            let values = self.columns.iter().map(|(_, is_number)| {
                next += 1;
                if *is_number { format!("CAST(${next} AS BIGINT)") } else { format!("${next}") }
            });
            format!("({})", values.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<_> = (0..rows).map(|_| row()).collect();
        let (names, rows) = (names.join(", "), rows.join(", "));
        format!("INSERT INTO {} ({names}) VALUES {rows} ON CONFLICT DO NOTHING", self.name)
    }
}

impl Pooled {
    /// A whole table is one statement here: no request waits for it, so it may take its time.
    async fn without_limits(db: &Db) -> Result<Self> {
        let mut pooled = db.pooled().await?;
        if let Some(settings) = on!(Db, db, |pool| pool.manager().lift_limits()) {
            pooled.command(settings).await?;
        }
        Ok(pooled)
    }

    /// From here on, all tables as they are at this moment.
    async fn stand_still(&mut self) -> Result<()> {
        self.command(match self.backend() {
            Backend::Sqlite => "BEGIN",
            Backend::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })
        .await
    }

    async fn table(&mut self, name: &'static str) -> Result<Table> {
        let ask = match self.backend() {
            Backend::Sqlite => "SELECT name, LOWER(type) FROM pragma_table_info($1)",
            Backend::Postgres => {
                "SELECT column_name::text, data_type::text FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1"
            }
        };
        let columns: Vec<(String, String)> =
            on!(Self, self, |one| { sqlx::query_as(ask).bind(name).fetch_all(&mut **one).await? });
        let mut columns = columns
            .into_iter()
            .map(|(name, kind)| match kind.as_str() {
                "text" => Ok((name, false)),
                "bigint" => Ok((name, true)),
                _ => Err(Error::Unreadable("type of a column")),
            })
            .collect::<Result<Vec<_>>>()?;
        columns.sort();
        Ok(Table { name, columns })
    }

    /// Adds up what a table holds, and hands it on in batches.
    async fn read(
        &mut self,
        table: &Table,
        to: Option<mpsc::Sender<Vec<Texts>>>,
    ) -> Result<TableDigest> {
        let (mut sum, mut batch) = (TableDigest::default(), Vec::new());
        on!(Self, self, |one| {
            let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut **one);
            while let Some(row) = rows.try_next().await? {
                let texts = (0..table.columns.len()).map(|column| row.try_get(column));
                let texts = texts.collect::<std::result::Result<Texts, sqlx::Error>>()?;
                sum.add(&texts);
                let Some(to) = &to else { continue };
                batch.push(texts);
                if batch.len() == AT_ONCE {
                    // Whoever writes has failed, and says so.
                    let _ = to.send(std::mem::take(&mut batch)).await;
                }
            }
        });
        if let Some(to) = to.filter(|_| !batch.is_empty()) {
            let _ = to.send(batch).await;
        }
        Ok(sum)
    }

    async fn write(&mut self, table: &Table, mut from: mpsc::Receiver<Vec<Texts>>) -> Result<()> {
        while let Some(batch) = from.recv().await {
            let insert = AssertSqlSafe(table.insert(batch.len()));
            on!(Self, self, |one| {
                let insert = sqlx::query(insert).persistent(false);
                let values = batch.into_iter().flatten();
                let insert = values.fold(insert, |insert, value| insert.bind(value));
                insert.execute(&mut **one).await.map(drop)?;
            });
        }
        Ok(())
    }
}

/// Copies what is not there yet, table by table, and tells what each holds in
/// the end. What was copied before is passed over, so it can be run again.
///
/// # Errors
/// When one of them does not answer. Whether they hold the same is for the
/// caller to compare.
pub async fn copy(from: &Db, to: &Db, mut tell: impl FnMut(&TableCopy)) -> Result<()> {
    let (mut from, mut to) =
        (Pooled::without_limits(from).await?, Pooled::without_limits(to).await?);
    from.stand_still().await?;
    for name in tables() {
        let table = to.table(name).await?;
        let (send, batches) = mpsc::channel(2);
        let copied = tokio::try_join!(from.read(&table, Some(send)), to.write(&table, batches))?;
        let there = to.read(&table, None).await?;
        tell(&TableCopy { table: name, from: copied.0, to: there });
    }
    Ok(())
}
