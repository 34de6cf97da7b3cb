//! Copies all rows from one database to another, of either kind.
//!
//! Rows are copied unchanged: with the same `APP_SECRET`, sign-ins stay valid and encrypted
//! values readable.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::mpsc;

use crate::db::on;
use crate::migrations::tables;
use crate::pool::Driver as _;
use crate::query::PooledConnection;
use crate::{Backend, Db, Error, Result, hash};

/// Rows for each statement.
const BATCH: usize = 500;

/// The content of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableDigest {
    pub rows: u64,
    /// Does not depend on the order of the rows.
    pub digest: u128,
}

/// A table in both databases, after the copy.
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
    /// Name, and whether it is a number.
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

impl PooledConnection {
    /// A statement may read a whole table, so it gets no time limit.
    async fn without_limits(db: &Db) -> Result<Self> {
        let mut connection = db.pooled_connection().await?;
        if let Some(settings) = on!(Db, db, |pool| pool.manager().remove_limits()) {
            connection.command(settings).await?;
        }
        Ok(connection)
    }

    async fn begin_snapshot(&mut self) -> Result<()> {
        self.command(match self.backend() {
            Backend::Sqlite => "BEGIN",
            Backend::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })
        .await
    }

    async fn table(&mut self, name: &'static str) -> Result<Table> {
        let query = match self.backend() {
            Backend::Sqlite => "SELECT name, LOWER(type) FROM pragma_table_info($1)",
            Backend::Postgres => {
                "SELECT column_name::text, data_type::text FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1"
            }
        };
        let columns: Vec<(String, String)> = on!(Self, self, |inner| sqlx::query_as(query)
            .bind(name)
            .fetch_all(&mut **inner)
            .await?);
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

    /// Computes the digest of a table, and sends its rows in batches.
    async fn read(
        &mut self,
        table: &Table,
        to: Option<mpsc::Sender<Vec<Texts>>>,
    ) -> Result<TableDigest> {
        let (mut digest, mut batch) = (TableDigest::default(), Vec::new());
        on!(Self, self, |inner| {
            let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut **inner);
            while let Some(row) = rows.try_next().await? {
                let texts = (0..table.columns.len()).map(|column| row.try_get(column));
                let texts = texts.collect::<std::result::Result<Texts, sqlx::Error>>()?;
                digest.add(&texts);
                let Some(to) = &to else { continue };
                batch.push(texts);
                if batch.len() == BATCH {
                    // Fails only after the writer has failed, which reports its own error.
                    let _ = to.send(std::mem::take(&mut batch)).await;
                }
            }
        });
        if let Some(to) = to.filter(|_| !batch.is_empty()) {
            let _ = to.send(batch).await;
        }
        Ok(digest)
    }

    async fn write(&mut self, table: &Table, mut from: mpsc::Receiver<Vec<Texts>>) -> Result<()> {
        while let Some(batch) = from.recv().await {
            let insert = AssertSqlSafe(table.insert(batch.len()));
            on!(Self, self, |inner| {
                let insert = sqlx::query(insert).persistent(false);
                let values = batch.into_iter().flatten();
                let insert = values.fold(insert, |insert, value| insert.bind(value));
                insert.execute(&mut **inner).await.map(drop)?;
            });
        }
        Ok(())
    }
}

/// Copies the missing rows of each table, and reports both digests for the caller to
/// compare. Can be repeated.
pub async fn copy(from: &Db, to: &Db, mut report: impl FnMut(&TableCopy)) -> Result<()> {
    let mut from = PooledConnection::without_limits(from).await?;
    let mut to = PooledConnection::without_limits(to).await?;
    from.begin_snapshot().await?;
    for name in tables() {
        let table = to.table(name).await?;
        let (send, batches) = mpsc::channel(2);
        let (source, ()) =
            tokio::try_join!(from.read(&table, Some(send)), to.write(&table, batches))?;
        let target = to.read(&table, None).await?;
        report(&TableCopy { table: name, from: source, to: target });
    }
    Ok(())
}
