//! Sign-ins.

use std::sync::Arc;
use std::time::Duration;

use latchkey_domain::sign_in::{CredentialKind, Lifetime, SignInMethod};
use latchkey_domain::{SignInId, Span};
use latchkey_store::count::{self, Statements};
use latchkey_store::{Db, Error, accounts, sign_ins};

use crate::people::{NOW, fresh, sign_in, somebody};

const LIFETIME: Lifetime = Lifetime { idle: Span::days(7), absolute: Span::days(30) };

on_both! {
    async fn sign_in_round_trips_unchanged(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let mut by_password = sign_in(&ada, CredentialKind::Jwt);
        by_password.method = SignInMethod::Password;
        for one in [sign_in(&ada, CredentialKind::Session), by_password] {
            sign_ins::insert(db, &one, None).await.expect("an answer");
            assert_eq!(sign_ins::by_id(db, one.id).await.expect("an answer"), Some(one));
        }
        let nobody = SignInId::new(NOW, fresh());
        assert_eq!(sign_ins::by_id(db, nobody).await.expect("an answer"), None);
    }

    async fn invalid_stored_sign_in_values_are_an_error(database) {
        let db = &database.db;
        let one = sign_in(&somebody(db).await, CredentialKind::Session);
        sign_ins::insert(db, &one, None).await.expect("an answer");
        for (column, written) in [
            ("door", "passwords"),
            ("door", "oauth:"),
            ("door", ""),
            ("carries", "cookie"),
        ] {
            database.execute(&format!("UPDATE sign_ins SET {column} = '{written}'")).await;
            let found = sign_ins::by_id(db, one.id).await;
            assert!(matches!(found, Err(Error::Unreadable(of)) if of == column), "{found:?}");
            let living = sign_ins::list_active(db, one.user_id, LIFETIME, NOW).await;
            assert!(matches!(living, Err(Error::Unreadable(of)) if of == column), "{living:?}");
            database
                .execute("UPDATE sign_ins SET door = 'oauth:acme', carries = 'session'")
                .await;
        }
        assert_eq!(sign_ins::by_id(db, one.id).await.expect("an answer"), Some(one));
    }

    async fn two_sign_ins_cannot_share_a_session(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        sign_ins::insert(db, &sign_in(&ada, CredentialKind::Session), Some("h")).await.expect("an answer");
        let twice = sign_ins::insert(db, &sign_in(&ada, CredentialKind::Session), Some("h")).await;
        assert!(matches!(twice, Err(Error::Exists)), "{twice:?}");
        // Sign-ins with a JWT have no hash, which does not count as a duplicate.
        for _ in 0..2 {
            sign_ins::insert(db, &sign_in(&ada, CredentialKind::Jwt), None).await.expect("an answer");
        }
    }

    async fn last_seen_time_never_moves_backwards(database) {
        let db = &database.db;
        let one = sign_in(&somebody(db).await, CredentialKind::Session);
        sign_ins::insert(db, &one, None).await.expect("an answer");
        for (minute, seen) in [(5, 5), (3, 5), (9, 9)] {
            sign_ins::record_use(db, one.id, NOW.plus(Span::minutes(minute))).await.expect("an answer");
            let found = sign_ins::by_id(db, one.id).await.expect("an answer").expect("it");
            assert_eq!(found.last_seen_at, NOW.plus(Span::minutes(seen)), "after {minute}");
        }
    }

    async fn active_sign_ins_are_listed_by_last_use(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        let now = NOW.plus(Span::days(8));
        let mut listed = Vec::new();
        for (key, created_days_ago, seen_days_ago, whose, lives) in [
            (CredentialKind::Session, 1, 1, &ada, true),
            (CredentialKind::Session, 6, 6, &ada, true),
            (CredentialKind::Session, 8, 8, &ada, false), // idle for too long
            (CredentialKind::Jwt, 8, 8, &ada, true),      // a JWT has no idle time
            (CredentialKind::Session, 31, 0, &ada, false),
            (CredentialKind::Jwt, 31, 0, &ada, false),
            (CredentialKind::Session, 1, 0, &other, false),
        ] {
            let mut one = sign_in(whose, key);
            one.created_at = now.minus(Span::days(created_days_ago));
            one.last_seen_at = now.minus(Span::days(seen_days_ago));
            one.expires_at = one.created_at.plus(LIFETIME.absolute);
            sign_ins::insert(db, &one, None).await.expect("an answer");
            if lives {
                listed.push(one);
            }
        }
        let living = sign_ins::list_active(db, ada.id, LIFETIME, now).await.expect("an answer");
        assert_eq!(living, listed);
    }

    async fn sign_in_is_ended_once_and_only_by_owner(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        let one = sign_in(&ada, CredentialKind::Session);
        sign_ins::insert(db, &one, None).await.expect("an answer");
        let end = async |user| sign_ins::end(db, one.id, user, NOW).await.expect("an answer");
        assert!(!end(other.id).await);
        assert!(sign_ins::by_id(db, one.id).await.expect("an answer").is_some());
        assert!(end(ada.id).await);
        assert!(!end(ada.id).await);
        assert_eq!(sign_ins::by_id(db, one.id).await.expect("an answer"), None);
        let living = sign_ins::list_active(db, ada.id, LIFETIME, NOW).await.expect("an answer");
        assert!(living.is_empty());
    }

    async fn ended_since_returns_only_ended_jwt_sign_ins(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let mut ended = Vec::new();
        for (key, minute, told) in [
            (CredentialKind::Jwt, Some(1), false), // too early
            (CredentialKind::Jwt, Some(5), true),
            (CredentialKind::Jwt, Some(9), true),
            (CredentialKind::Jwt, None, false),
            (CredentialKind::Session, Some(9), false), // a session is asked for at every request
        ] {
            let one = sign_in(&ada, key);
            sign_ins::insert(db, &one, None).await.expect("an answer");
            let Some(minute) = minute else { continue };
            let at = NOW.plus(Span::minutes(minute));
            assert!(sign_ins::end(db, one.id, ada.id, at).await.expect("an answer"));
            if told {
                ended.push((one.id, at.as_millis()));
            }
        }
        let since = NOW.plus(Span::minutes(5)).as_millis();
        let mut found = sign_ins::ended_since(db, since, true).await.expect("an answer");
        found.sort();
        ended.sort();
        assert_eq!(found, ended);
    }

    async fn ended_sign_in_order_ignores_clock_differences(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        // Two processes whose clocks differ by an hour, and one that deletes accounts.
        let mut places = Vec::new();
        for at in [NOW.plus(Span::minutes(60)), NOW, NOW.plus(Span::minutes(60)), NOW] {
            let one = sign_in(&ada, CredentialKind::Jwt);
            sign_ins::insert(db, &one, None).await.expect("an answer");
            assert!(sign_ins::end(db, one.id, ada.id, at).await.expect("an answer"));
            let from = places.last().map_or(0, |last| last + 1);
            let news = sign_ins::ended_since(db, from, true).await.expect("an answer");
            let [(id, place)] = news[..] else { panic!("one ended: {news:?}") };
            assert_eq!(id, one.id);
            places.push(place);
        }
        accounts::delete(db, ada.id, NOW).await.expect("an answer");
        let last = places.last().expect("a place");
        for all in [true, false] {
            let news = sign_ins::ended_since(db, last + 1, all).await.expect("an answer");
            assert_eq!(news.len(), 4, "every JWT of the account: {news:?}");
        }
    }

    async fn other_process_is_notified_of_ended_sign_ins(database) {
        let elsewhere = Db::open(&database.url).await.expect("a database");
        let ada = somebody(&elsewhere).await;
        let changes = database.db.changes();
        let news = async || {
            tokio::time::timeout(Duration::from_secs(60), changes.next()).await.expect("news");
        };
        // Wait for notifications from before the test.
        let quiet = Duration::from_secs(3);
        while tokio::time::timeout(quiet, changes.next()).await.is_ok() {}
        let one = sign_in(&ada, CredentialKind::Jwt);
        sign_ins::insert(&elsewhere, &one, None).await.expect("an answer");
        assert!(sign_ins::end(&elsewhere, one.id, ada.id, NOW).await.expect("an answer"));
        news().await;
        accounts::delete(&elsewhere, ada.id, NOW).await.expect("an answer");
        news().await;
    }

    async fn expired_and_ended_sign_ins_are_deleted(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let (lives, ended, mut expired) =
            (sign_in(&ada, CredentialKind::Session), sign_in(&ada, CredentialKind::Jwt), sign_in(&ada, CredentialKind::Session));
        expired.expires_at = NOW;
        for one in [&lives, &ended, &expired] {
            sign_ins::insert(db, one, None).await.expect("an answer");
        }
        assert!(sign_ins::end(db, ended.id, ada.id, NOW).await.expect("an answer"));
        sign_ins::forget(db, NOW).await.expect("an answer");
        assert_eq!(database.rows("sign_ins").await, 3, "not yet");
        sign_ins::forget(db, NOW.plus(Span::millis(1))).await.expect("an answer");
        assert_eq!(database.rows("sign_ins").await, 1);
        assert_eq!(sign_ins::by_id(db, lives.id).await.expect("an answer"), Some(lives));
    }

    async fn expired_sign_ins_are_deleted_in_batches(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        for _ in 0..40 {
            let mut expired = sign_in(&ada, CredentialKind::Session);
            expired.expires_at = NOW;
            sign_ins::insert(db, &expired, None).await.expect("an answer");
        }
        database
            .execute(
                "INSERT INTO sign_ins (id, user_id, carries, door, user_agent, address, \
                 created_at, authenticated_at, last_seen_at, expires_at) \
                 SELECT a.id || b.id, a.user_id, a.carries, a.door, a.user_agent, a.address, \
                 a.created_at, a.authenticated_at, a.last_seen_at, a.expires_at \
                 FROM sign_ins a CROSS JOIN sign_ins b",
            )
            .await;
        assert_eq!(database.rows("sign_ins").await, 1640);
        let counted = Arc::new(Statements::default());
        let forget = sign_ins::forget(db, NOW.plus(Span::millis(1)));
        count::statements(Arc::clone(&counted), forget).await.expect("an answer");
        assert_eq!(database.rows("sign_ins").await, 0);
        // Other writers wait for one batch, not for all.
        assert!(counted.sent() > 3, "{} statements for 1,640 rows", counted.sent());
    }
}
