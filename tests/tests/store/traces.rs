//! Recorded sign-ins: their owners, number and lifetime.

use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
use latchkey_domain::{Span, Timestamp, TraceId, User};
use latchkey_store::accounts;
use latchkey_store::traces::{self, MAX_PER_USER, Summary};

use crate::people::{NOW, fresh, somebody};

fn summary(owner: &User, at: Timestamp) -> Summary {
    Summary {
        id: TraceId::new(at, fresh()),
        user_id: owner.id,
        method: SignInMethod::OAuth("google".to_owned()),
        credential: CredentialKind::Session,
        created_at: at,
        expires_at: at.plus(Span::days(1)),
        exchanges: 7,
        bytes: 12_345,
        micros: 67_890,
    }
}

on_both! {
    async fn stored_trace_is_accessible_only_to_owner(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        let one = summary(&ada, NOW);
        traces::insert(db, &one, "{}").await.expect("an answer");
        let hers = traces::of_user(db, ada.id, NOW).await.expect("an answer");
        assert_eq!(hers, std::slice::from_ref(&one));
        assert_eq!(traces::of_user(db, other.id, NOW).await.expect("an answer"), []);
        let record = |user: &User| traces::record(db, user.id, one.id, NOW);
        assert_eq!(record(&ada).await.expect("an answer").as_deref(), Some("{}"));
        assert_eq!(record(&other).await.expect("an answer"), None);
        assert!(!traces::delete(db, other.id, one.id).await.expect("an answer"));
        assert!(traces::delete(db, ada.id, one.id).await.expect("an answer"));
        assert!(!traces::delete(db, ada.id, one.id).await.expect("an answer"));
    }

    async fn only_newest_traces_are_kept_per_user(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        let theirs = summary(&other, NOW);
        traces::insert(db, &theirs, "{}").await.expect("an answer");
        let mut all = Vec::new();
        for second in 0..MAX_PER_USER + 2 {
            let one = summary(&ada, NOW.plus(Span::millis(second * 1000)));
            traces::insert(db, &one, "{}").await.expect("an answer");
            all.insert(0, one);
        }
        all.truncate(usize::try_from(MAX_PER_USER).expect("a number"));
        assert_eq!(traces::of_user(db, ada.id, NOW).await.expect("an answer"), all);
        assert_eq!(traces::of_user(db, other.id, NOW).await.expect("an answer"), [theirs]);
        traces::delete_all(db, ada.id).await.expect("an answer");
        assert_eq!(traces::of_user(db, ada.id, NOW).await.expect("an answer"), []);
        assert_eq!(traces::of_user(db, other.id, NOW).await.expect("an answer").len(), 1);
    }

    async fn traces_are_deleted_with_the_account(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let one = summary(&ada, NOW);
        traces::insert(db, &one, "{}").await.expect("an answer");
        accounts::delete(db, ada.id, NOW).await.expect("an answer");
        assert_eq!(traces::record(db, ada.id, one.id, NOW).await.expect("an answer"), None);
    }

    async fn expired_traces_are_hidden_and_deleted(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let one = summary(&ada, NOW);
        traces::insert(db, &one, "{}").await.expect("an answer");
        let (before, then) = (one.expires_at.minus(Span::millis(1)), one.expires_at);
        let found = |now| traces::record(db, ada.id, one.id, now);
        assert!(found(before).await.expect("an answer").is_some());
        assert!(found(then).await.expect("an answer").is_none());
        traces::forget(db, before).await.expect("an answer");
        assert!(found(before).await.expect("an answer").is_some());
        traces::forget(db, then).await.expect("an answer");
        assert!(found(before).await.expect("an answer").is_none());
    }
}
