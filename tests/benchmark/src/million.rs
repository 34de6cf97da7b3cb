//! Compares a thousand sessions with a million.

use std::io::{Error, Result};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::{Bench, COOKIE, ME, Plan, Target, interleave, with_cookie};

/// Sessions that are requested, spread over all of them.
const SAMPLED: u32 = 1000;

const PEOPLE: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) \
    INSERT INTO users (id, name, email, email_verified_at, roles, created_at) \
    SELECT printf('%08x-0000-7000-8000-%012x', i, i), 'Ada', \
        'person' || i || '@bench.example.com', 1, '', 1 FROM n";

const SESSIONS: &str = "INSERT INTO sign_ins (id, user_id, carries, door, session_hash, user_agent, \
        address, created_at, authenticated_at, last_seen_at, expires_at) \
    SELECT u.id, u.id, 'session', 'password', lower(hex(randomblob(32))), 'curl', '10.0.0.1', \
        t.now, t.now, t.now, t.now + 86400000 \
    FROM users u, (SELECT unixepoch('now') * 1000 AS now) t";

const NAME: &str = "UPDATE sign_ins SET session_hash = ? \
    WHERE rowid = (SELECT rowid FROM sign_ins LIMIT 1 OFFSET ?)";

pub async fn compare(bench: &Bench, plan: &Plan) -> Result<()> {
    let mut targets = Vec::new();
    for (name, people) in [("a thousand sessions", 1000), ("a million sessions", 1_000_000)] {
        let database = bench.sqlite(&format!("{people}.db"));
        bench.add_user(&database)?;
        let cookies = fill(&database, people).await.map_err(Error::other)?;
        let server = bench.start(&database, &[]).await?;
        let requests = cookies.iter().flat_map(|cookie| with_cookie(ME, cookie)).collect();
        targets.push(Target::new(name, &server, requests));
    }
    let hello = bench.peer("hello", None).await?;
    let get = vec![crate::Request::get("/").bytes()];
    let mut bare = Target::new("bare axum, hello", &hello, get);
    interleave(plan, &mut bare, &mut targets).await?;
    println!("| | of bare axum | spread | requests/s | CPU µs | p50 ms | p99 ms |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for target in &mut targets {
        println!("{}", target.row());
    }
    println!();
    Ok(())
}

/// Fills a database, and returns the cookies of some of its sessions.
async fn fill(database: &str, people: u32) -> sqlx::Result<Vec<String>> {
    let options = database.parse::<SqliteConnectOptions>()?;
    let mut db = SqliteConnection::connect_with(&options).await?;
    let mut tx = db.begin().await?;
    sqlx::query(PEOPLE).bind(people).execute(&mut *tx).await?;
    sqlx::query(SESSIONS).execute(&mut *tx).await?;
    let mut cookies = Vec::new();
    for n in 0..SAMPLED {
        let id = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(u128::from(n).to_le_bytes());
        let hash: String = Sha256::digest(&id).iter().map(|byte| format!("{byte:02x}")).collect();
        let offset = n * (people / SAMPLED);
        sqlx::query(NAME).bind(hash).bind(offset).execute(&mut *tx).await?;
        cookies.push(format!("{COOKIE}={id}"));
    }
    tx.commit().await?;
    Ok(cookies)
}
