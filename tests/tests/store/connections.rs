//! Connections, their leases, and disconnecting.

use latchkey_domain::connection::{BrokenReason, Failure, ProviderScopes, State};
use latchkey_domain::{ConnectionId, DisplayName, Span, UserId};
use latchkey_store::connections::lease::{self, Lease, RefreshedTokens};
use latchkey_store::connections::{self, EncryptedTokens, NewConnection, current, ending};
use latchkey_store::{Db, accounts};
use tokio::task::JoinSet;

use crate::people::{NOW, email, fresh, somebody};

fn sealed(text: &str) -> EncryptedTokens {
    EncryptedTokens {
        access: text.to_owned(),
        refresh: Some(format!("{text}-r")),
        key_id: "k".to_owned(),
    }
}

fn new(user: UserId, subject: &str) -> NewConnection {
    NewConnection {
        id: ConnectionId::new(NOW, fresh()),
        user,
        provider: "google".to_owned(),
        issuer: "https://issuer.test".to_owned(),
        subject: subject.to_owned(),
        name: DisplayName::first_of([Some("Ada")]),
        email: Some(email("ada@there.test")),
        requested: ProviderScopes::parse("a b"),
        granted: ProviderScopes::parse("a"),
        tokens: sealed("first"),
        expires_at: Some(NOW.plus(Span::minutes(60))),
    }
}

async fn connected(db: &Db) -> NewConnection {
    let new = new(somebody(db).await.id, "1");
    assert!(connections::add(db, &new, NOW).await.expect("an answer"));
    new
}

async fn now(db: &Db, user: UserId) -> connections::StoredConnection {
    current(db, user, "google").await.expect("an answer").expect("a connection")
}

on_both! {
    async fn connection_round_trips_unchanged(database) {
        let db = &database.db;
        let new = connected(db).await;
        let stored = now(db, new.user).await;
        assert_eq!(stored.tokens, new.tokens);
        assert_eq!((stored.version, stored.user), (1, Some(new.user)));
        let one = stored.connection;
        assert_eq!((one.id, one.state, one.requested, one.granted), (new.id, State::Active, new.requested, new.granted));
        assert_eq!((one.email, one.expires_at), (new.email, new.expires_at));
        assert_eq!((one.used_at, one.refreshed_at, one.last_failure), (None, None, None));
        assert!(one.renewable);
        assert!(current(db, UserId::new(NOW, fresh()), "google").await.expect("an answer").is_none());
        assert!(current(db, new.user, "github").await.expect("an answer").is_none());
    }

    async fn connection_for_unknown_user_is_not_added(database) {
        let db = &database.db;
        let gone = new(UserId::new(NOW, fresh()), "1");
        assert!(!connections::add(db, &gone, NOW).await.expect("an answer"));
        assert_eq!(database.rows("connections").await, 0);
    }

    async fn new_provider_account_queues_old_grants_for_revocation(database) {
        let db = &database.db;
        let first = connected(db).await;
        let again = new(first.user, "1");
        assert!(connections::add(db, &again, NOW).await.expect("an answer"));
        assert_eq!(now(db, first.user).await.connection.id, again.id);
        assert!(ending::of_user(db, first.user, "google").await.expect("an answer").is_empty());
        let other = new(first.user, "2");
        assert!(connections::add(db, &other, NOW).await.expect("an answer"));
        assert_eq!(now(db, first.user).await.connection.id, other.id);
        // Both grants of the first account at the provider are to be revoked.
        assert_eq!(ending::of_user(db, first.user, "google").await.expect("an answer").len(), 2);
        // The number of superseded grants is limited.
        for _ in 0..20 {
            assert!(connections::add(db, &new(first.user, "2"), NOW).await.expect("an answer"));
        }
        assert!(database.rows("connections").await <= 14, "bounded");
    }

    async fn concurrent_lease_requests_have_one_winner(database) {
        let db = &database.db;
        let new = connected(db).await;
        let mut all = JoinSet::new();
        for n in 0..50 {
            let (db, id) = (db.clone(), new.id);
            all.spawn(async move {
                let by = n.to_string();
                let lease = Lease { id, version: 1, by: &by };
                lease::take(&db, lease, NOW, NOW.plus(Span::seconds(20))).await.expect("an answer")
            });
        }
        let mut taken = 0;
        while let Some(one) = all.join_next().await {
            taken += usize::from(one.expect("no panic"));
        }
        assert_eq!(taken, 1);
        // After it has expired, another holder can take it.
        let (later, lease) = (NOW.plus(Span::seconds(20)), Lease { id: new.id, version: 1, by: "x" });
        assert!(lease::take(db, lease, later, later.plus(Span::seconds(20))).await.expect("an answer"));
        // But not for outdated tokens.
        let stale = Lease { version: 0, ..lease };
        let much_later = NOW.plus(Span::days(1));
        assert!(!lease::take(db, stale, much_later, much_later).await.expect("an answer"));
    }

    async fn late_lease_holder_stores_tokens_only_if_first(database) {
        let db = &database.db;
        let new = connected(db).await;
        let until = NOW.plus(Span::seconds(20));
        let late = Lease { id: new.id, version: 1, by: "late" };
        let quick = Lease { id: new.id, version: 1, by: "quick" };
        let renewed = |text: &str| RefreshedTokens { tokens: sealed(text), expires_at: None, granted: None };
        assert!(lease::take(db, late, NOW, until).await.expect("an answer"));
        assert!(lease::take(db, quick, until, until.plus(Span::seconds(20))).await.expect("an answer"));
        // Delayed until the lease expired, but the first to write: stored.
        assert!(lease::store_refreshed(db, late, &renewed("late"), NOW).await.expect("an answer"));
        assert_eq!(now(db, new.user).await.tokens, sealed("late"));
        // A refusal of outdated tokens does not break the connection.
        assert!(!lease::mark_broken(db, quick, BrokenReason::Revoked, NOW).await.expect("an answer"));
        assert!(now(db, new.user).await.connection.state.is_active());
        assert!(!lease::store_refreshed(db, quick, &renewed("quick"), NOW).await.expect("an answer"));
        assert_eq!(now(db, new.user).await.tokens, sealed("late"));
    }

    async fn broken_connection_is_reported_once(database) {
        let db = &database.db;
        let new = connected(db).await;
        let lease = Lease { id: new.id, version: 1, by: "x" };
        assert!(lease::mark_broken(db, lease, BrokenReason::Refused, NOW).await.expect("an answer"));
        // Neither with the outdated tokens, nor with the stored ones.
        let stored = Lease { version: now(db, new.user).await.version, ..lease };
        let later = NOW.plus(Span::seconds(1));
        for lease in [lease, stored] {
            assert!(!lease::mark_broken(db, lease, BrokenReason::Revoked, later).await.expect("an answer"));
        }
        let state = now(db, new.user).await.connection.state;
        assert_eq!(state, State::NeedsReconnect { since: NOW, reason: BrokenReason::Refused });
        let renewed = RefreshedTokens { tokens: sealed("new"), expires_at: None, granted: None };
        assert!(lease::store_refreshed(db, stored, &renewed, later).await.expect("an answer"));
        assert!(now(db, new.user).await.connection.state.is_active(), "new tokens mend it");
    }

    async fn disconnected_tokens_are_kept_until_revoked(database) {
        let db = &database.db;
        let new = connected(db).await;
        let until = NOW.plus(Span::seconds(20));
        assert_eq!(ending::begin(db, new.user, "google", NOW).await.expect("an answer"), 1);
        assert_eq!(ending::begin(db, new.user, "google", NOW).await.expect("an answer"), 0);
        assert!(current(db, new.user, "google").await.expect("an answer").is_none());
        assert_eq!(ending::due(db, "google", NOW, 10).await.expect("an answer").len(), 1);
        let lease = Lease { id: new.id, version: 1, by: "x" };
        assert!(lease::take(db, lease, NOW, until).await.expect("an answer"));
        assert!(ending::due(db, "google", NOW, 10).await.expect("an answer").is_empty(), "somebody is at it");
        let other = ending::due(db, "github", NOW, 10).await.expect("an answer");
        assert!(other.is_empty(), "each provider for itself");
        let next = NOW.plus(Span::seconds(30));
        ending::postpone(db, lease, Failure::Down, NOW, next).await.expect("an answer");
        assert!(ending::due(db, "google", NOW, 10).await.expect("an answer").is_empty());
        let due = ending::due(db, "google", next, 10).await.expect("an answer");
        let state = State::Disconnecting { since: NOW, tries: 1, next_try_at: next };
        assert_eq!(due[0].connection.state, state);
        assert_eq!(due[0].tokens, new.tokens, "kept for just that");
        // A concurrent refresh finishes late: its tokens are revoked, too.
        let tokens = RefreshedTokens { tokens: sealed("late"), expires_at: None, granted: None };
        assert!(lease::store_refreshed(db, lease, &tokens, NOW).await.expect("an answer"));
        assert!(lease::take(db, Lease { version: 2, ..lease }, next, next.plus(Span::seconds(20))).await.expect("an answer"));
        assert!(!ending::forget(db, lease).await.expect("an answer"));
        assert!(ending::forget(db, Lease { version: 2, ..lease }).await.expect("an answer"));
        assert_eq!(database.rows("connections").await, 0);
    }

    async fn deleted_account_keeps_only_tokens_for_revocation(database) {
        let db = &database.db;
        let new = connected(db).await;
        accounts::delete(db, new.user, NOW).await.expect("an answer");
        let due = ending::due(db, "google", NOW, 10).await.expect("an answer");
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].user, due[0].tokens.clone()), (None, new.tokens));
        let left = &due[0].connection;
        assert_eq!((left.name.as_str(), &left.email), ("Someone", &None));
        assert_eq!((due[0].issuer.as_str(), due[0].subject.as_str()), (new.issuer.as_str(), ""));
        assert_eq!(left.granted, ProviderScopes::default());
    }

    async fn reencryption_never_overwrites_newer_tokens(database) {
        let db = &database.db;
        let new = connected(db).await;
        let otherwise = async |with: &str| {
            connections::encrypted_with_other_keys(db, with, None, 10).await.expect("an answer").len()
        };
        assert_eq!((otherwise("k").await, otherwise("next").await), (0, 1));
        let anew = EncryptedTokens { key_id: "next".to_owned(), ..sealed("anew") };
        connections::store_reencrypted(db, new.id, 7, &anew).await.expect("an answer");
        assert_eq!(now(db, new.user).await.tokens, new.tokens);
        connections::store_reencrypted(db, new.id, 1, &anew).await.expect("an answer");
        assert_eq!(now(db, new.user).await.tokens, anew);
        assert_eq!(now(db, new.user).await.version, 1, "they are the same tokens");
    }

    async fn connection_use_and_failures_are_recorded(database) {
        let db = &database.db;
        let new = connected(db).await;
        connections::record_failure(db, new.id, Failure::Timeout, NOW).await.expect("an answer");
        let trouble = now(db, new.user).await.connection.last_failure.expect("trouble");
        assert_eq!((trouble.failure, trouble.at), (Failure::Timeout, NOW));
        connections::record_use(db, new.id, NOW).await.expect("an answer");
        let one = now(db, new.user).await.connection;
        assert_eq!((one.used_at, one.last_failure), (Some(NOW), None));
    }
}
