//! Refresh tokens.

use latchkey_domain::sign_in::CredentialKind;
use latchkey_domain::{Scopes, Span};
use latchkey_store::{Error, refresh_tokens, sign_ins};
use tokio::task::JoinSet;

use crate::people::{NOW, sign_in, somebody};

on_both! {
    async fn refresh_token_is_found_with_sign_in_and_user(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let one = sign_in(&ada, CredentialKind::Jwt);
        let scope = Scopes::parse_known("profile contacts:read");
        refresh_tokens::begin_family(db, &one, "first", &scope, "cli").await.expect("a family");
        let found = refresh_tokens::find(db, "first").await.expect("an answer").expect("it");
        assert_eq!((found.scope, found.client_id.as_str()), (scope, "cli"));
        assert_eq!((found.sign_in, found.user), (one.clone(), ada));
        assert_eq!(found.known.expires_at, one.expires_at);
        assert_eq!((found.known.used_at, found.known.ended), (None, false));
        assert!(refresh_tokens::find(db, "second").await.expect("an answer").is_none());
    }

    async fn failed_refresh_token_family_leaves_no_sign_in(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let begin = async || {
            let one = sign_in(&ada, CredentialKind::Jwt);
            refresh_tokens::begin_family(db, &one, "first", &Scopes::all(), "cli").await
        };
        begin().await.expect("a family");
        assert!(matches!(begin().await, Err(Error::Exists)));
        assert_eq!(database.rows("sign_ins").await, 1);
    }

    async fn refresh_token_exchanges_once_and_keeps_expiry(database) {
        let db = &database.db;
        let one = sign_in(&somebody(db).await, CredentialKind::Jwt);
        let scope = Scopes::parse_known("calendar:read");
        refresh_tokens::begin_family(db, &one, "first", &scope, "cli").await.expect("a family");
        let later = NOW.plus(Span::minutes(5));
        let exchange = async |hash, successor| {
            refresh_tokens::exchange(db, hash, successor, later).await.expect("an answer")
        };
        assert!(exchange("first", "second").await);
        assert!(!exchange("first", "third").await);
        assert!(!exchange("unknown", "third").await);
        assert!(refresh_tokens::find(db, "third").await.expect("an answer").is_none());
        let first = refresh_tokens::find(db, "first").await.expect("an answer").expect("it");
        assert_eq!((first.known.used_at, first.successor.as_deref()), (Some(later), Some("second")));
        let second = refresh_tokens::find(db, "second").await.expect("an answer").expect("it");
        assert_eq!((second.scope, second.client_id.as_str()), (scope, "cli"));
        assert_eq!((second.known.expires_at, second.known.used_at), (one.expires_at, None));
        assert_eq!(second.sign_in.id, one.id);
        assert_eq!(second.sign_in.last_seen_at, later);
        assert!(exchange("second", "third").await);
    }

    async fn expired_or_ended_refresh_token_is_not_exchanged(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        for (hash, ended, days, exchanged) in [
            ("lives", false, 29, true),
            ("expired", false, 30, false),
            ("ended", true, 1, false),
        ] {
            let one = sign_in(&ada, CredentialKind::Jwt);
            refresh_tokens::begin_family(db, &one, hash, &Scopes::all(), "cli").await.expect("a family");
            if ended {
                assert!(sign_ins::end(db, one.id, ada.id, NOW).await.expect("an answer"));
            }
            let found = refresh_tokens::find(db, hash).await.expect("an answer").expect("it");
            assert_eq!(found.known.ended, ended, "{hash}");
            let successor = format!("after {hash}");
            let now = NOW.plus(Span::days(days));
            let done = refresh_tokens::exchange(db, hash, &successor, now).await.expect("an answer");
            assert_eq!(done, exchanged, "{hash}");
            let after = refresh_tokens::find(db, &successor).await.expect("an answer");
            assert_eq!(after.is_some(), exchanged, "{hash}");
        }
    }

    async fn concurrent_exchanges_of_refresh_token_succeed_once(database) {
        let one = sign_in(&somebody(&database.db).await, CredentialKind::Jwt);
        refresh_tokens::begin_family(&database.db, &one, "first", &Scopes::all(), "cli")
            .await
            .expect("a family");
        let mut attempts = JoinSet::new();
        for twin in 0..50 {
            let db = database.db.clone();
            attempts.spawn(async move {
                refresh_tokens::exchange(&db, "first", &format!("twin {twin}"), NOW).await
            });
        }
        let outcomes: Vec<_> = attempts.join_all().await;
        let won = outcomes.into_iter().map(|outcome| outcome.expect("an answer"));
        assert_eq!(won.filter(|won| *won).count(), 1);
        assert_eq!(database.rows("refresh_tokens").await, 2);
    }

    async fn refresh_tokens_are_deleted_with_the_sign_in(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let one = sign_in(&ada, CredentialKind::Jwt);
        refresh_tokens::begin_family(db, &one, "first", &Scopes::all(), "cli").await.expect("a family");
        assert!(sign_ins::end(db, one.id, ada.id, NOW).await.expect("an answer"));
        sign_ins::forget(db, NOW.plus(Span::days(1))).await.expect("an answer");
        assert_eq!(database.rows("refresh_tokens").await, 0);
    }
}
