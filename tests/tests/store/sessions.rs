//! The tower-sessions store.

use std::sync::Arc;
use std::time::Duration;

use latchkey_domain::sign_in::{CredentialKind, Lifetime, SignIn};
use latchkey_domain::{Clock, Roles, Span};
use latchkey_store::sessions::SIGN_IN;
use latchkey_store::{Db, Error, Limits, Sessions, sign_ins, users};
use latchkey_tests::Database;
use tower_sessions::SessionStore as _;
use tower_sessions::session::{Id, Record};

use crate::people::{NOW, sign_in, somebody};

const LIFETIME: Lifetime = Lifetime { idle: Span::days(7), absolute: Span::days(30) };

fn sessions(db: &Db) -> (Sessions, Clock) {
    let clock = Clock::manual(NOW);
    (Sessions::new(db.clone(), clock.clone(), LIFETIME), clock)
}

fn record(sign_in: &SignIn) -> Record {
    let data = [(SIGN_IN.to_owned(), serde_json::to_value(sign_in).expect("JSON"))];
    Record { id: Id(7), data: data.into(), expiry_date: sign_in.expires_at.offset_date_time() }
}

on_both! {
    async fn session_is_loaded_with_sign_in_and_user(database) {
        let (sessions, _) = sessions(&database.db);
        let ada = somebody(&database.db).await;
        let sign_in = sign_in(&ada, CredentialKind::Session);
        let mut record = record(&sign_in);
        sessions.create(&mut record).await.expect("a session");
        let found = sessions.find(&record.id).await.expect("an answer");
        assert_eq!(found, Some((Arc::new(sign_in), Arc::new(ada))));
        // tower-sessions loads it like this to change the id.
        let loaded = sessions.load(&record.id).await.expect("an answer").expect("the session");
        assert_eq!((&loaded.data, loaded.expiry_date), (&record.data, record.expiry_date));
    }

    async fn client_supplied_session_id_is_never_used(database) {
        let (sessions, _) = sessions(&database.db);
        let ada = somebody(&database.db).await;
        let mut record = record(&sign_in(&ada, CredentialKind::Session));
        sessions.create(&mut record).await.expect("a session");
        assert_ne!(record.id, Id(7));
        assert!(sessions.find(&Id(7)).await.expect("an answer").is_none());
    }

    async fn session_lookup_returns_current_user_roles(database) {
        let (sessions, _) = sessions(&database.db);
        let ada = somebody(&database.db).await;
        let mut record = record(&sign_in(&ada, CredentialKind::Session));
        sessions.create(&mut record).await.expect("a session");
        users::set_roles(&database.db, ada.id, &Roles::from("admin")).await.expect("an answer");
        let (_, found) = sessions.find(&record.id).await.expect("an answer").expect("the session");
        assert_eq!(found.roles, Roles::from("admin"));
    }

    async fn session_expires_at_idle_or_absolute_limit(database) {
        let (sessions, clock) = sessions(&database.db);
        let ada = somebody(&database.db).await;
        let sign_in = sign_in(&ada, CredentialKind::Session);
        let mut record = record(&sign_in);
        sessions.create(&mut record).await.expect("a session");
        let lives = async || sessions.find(&record.id).await.expect("an answer").is_some();

        clock.advance(Span::days(7).min(Span::millis(Span::days(7).as_millis() - 1)));
        assert!(lives().await, "a moment before it was idle for too long");
        clock.advance(Span::millis(1));
        assert!(!lives().await, "idle for too long");

        // Used every six days, it still ends after thirty.
        for day in [6, 12, 18, 24] {
            sign_ins::record_use(&database.db, sign_in.id, NOW.plus(Span::days(day))).await.expect("an answer");
        }
        let (fresh, clock) = self::sessions(&database.db);
        clock.advance(Span::millis(Span::days(30).as_millis() - 1));
        assert!(fresh.find(&record.id).await.expect("an answer").is_some());
        clock.advance(Span::millis(1));
        assert!(fresh.find(&record.id).await.expect("an answer").is_none());
    }

    async fn deleted_session_cannot_be_saved_again(database) {
        let (sessions, _) = sessions(&database.db);
        let ada = somebody(&database.db).await;
        let (mut one, mut other) =
            (record(&sign_in(&ada, CredentialKind::Session)), record(&sign_in(&ada, CredentialKind::Session)));
        sessions.create(&mut one).await.expect("a session");
        sessions.create(&mut other).await.expect("a session");
        sessions.delete(&one.id).await.expect("an answer");
        assert!(sessions.find(&one.id).await.expect("an answer").is_none());
        sessions.save(&one).await.expect("an answer");
        assert!(sessions.find(&one.id).await.expect("an answer").is_none());
        assert!(sessions.find(&other.id).await.expect("an answer").is_some());
    }

    async fn saving_session_updates_expiry_and_authentication_time(database) {
        let (sessions, _) = sessions(&database.db);
        let ada = somebody(&database.db).await;
        let mut sign_in = sign_in(&ada, CredentialKind::Session);
        let mut record = record(&sign_in);
        sessions.create(&mut record).await.expect("a session");
        sign_in.authenticated_at = NOW.plus(Span::minutes(5));
        sign_in.expires_at = NOW.plus(Span::days(3));
        record.data.insert(SIGN_IN.to_owned(), serde_json::to_value(&sign_in).expect("JSON"));
        sessions.save(&record).await.expect("an answer");
        let found = sessions.find(&record.id).await.expect("an answer");
        assert_eq!(found, Some((Arc::new(sign_in), Arc::new(ada))));
    }

    async fn session_without_sign_in_is_refused(database) {
        let (sessions, _) = sessions(&database.db);
        let mut empty = record(&sign_in(&somebody(&database.db).await, CredentialKind::Session));
        empty.data.clear();
        assert!(sessions.create(&mut empty).await.is_err());
        assert_eq!(database.rows("sign_ins").await, 0);
    }

    async fn session_lookup_fails_when_database_is_closed(database) {
        let (sessions, _) = sessions(&database.db);
        database.db.close().await;
        assert!(sessions.find(&Id(7)).await.is_err());
        assert!(sessions.load(&Id(7)).await.is_err());
        assert!(sessions.delete(&Id(7)).await.is_err());
    }
}

/// With SQLite, a session is read without a connection from the pool. Changes by another process
/// are visible, and a deleted file is not read.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_session_lookup_needs_no_pool_connection() {
    let database = Database::sqlite().await;
    let limits = Limits { connections: 1, timeout: Duration::from_millis(200) };
    let db = Db::open_with(&database.url, limits).await.expect("a database");
    let (sessions, _) = sessions(&db);
    let ada = somebody(&db).await;
    let [mut one, mut other] = [(); 2].map(|()| record(&sign_in(&ada, CredentialKind::Session)));
    for record in [&mut one, &mut other] {
        sessions.create(record).await.expect("a session");
    }
    let Db::Sqlite(pool) = &db else { panic!("this is SQLite") };
    let taken = pool.get().await.expect("the only connection");
    assert!(sessions.find(&one.id).await.expect("an answer").is_some());
    let (elsewhere, _) = self::sessions(&database.db);
    elsewhere.delete(&one.id).await.expect("an answer");
    assert!(sessions.find(&one.id).await.expect("an answer").is_none());

    let file = database.url.strip_prefix("sqlite://").expect("a path");
    std::fs::remove_file(file).expect("a file");
    let found = sessions.find(&other.id).await;
    assert!(matches!(found, Err(Error::Unavailable(_))), "{found:?}");
    drop(taken);
}
