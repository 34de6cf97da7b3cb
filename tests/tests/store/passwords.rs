//! Password hashes.

use latchkey_domain::UserId;
use latchkey_domain::sample_data::SampleData;
use latchkey_store::{Error, identities, passwords};
use tokio::task::JoinSet;

use crate::people::{NOW, email, fresh, profile, user};

on_both! {
    async fn password_account_is_found_by_email(database) {
        let db = &database.db;
        let ada = user(Some("ada@example.test"), false);
        passwords::create_account(db, &ada, "$argon2id$1", &SampleData::default())
            .await
            .expect("a new account");
        let found = passwords::by_email(db, &email("ada@example.test")).await.expect("an answer");
        let found = found.expect("Ada");
        assert_eq!((found.user, found.hash.as_str()), (ada.clone(), "$argon2id$1"));
        let nobody = passwords::by_email(db, &email("noor@example.test")).await.expect("an answer");
        assert!(nobody.is_none());
        assert_eq!(passwords::changed_at(db, ada.id).await.expect("an answer"), Some(NOW));
        let nobody = UserId::new(NOW, fresh());
        assert_eq!(passwords::changed_at(db, nobody).await.expect("an answer"), None);
    }

    async fn email_can_sign_up_only_once(database) {
        let db = &database.db;
        let make = async |address| {
            let user = user(Some(address), false);
            passwords::create_account(db, &user, "$argon2id$1", &SampleData::default()).await
        };
        make("ada@example.test").await.expect("a new account");
        let twice = make("ada@example.test").await;
        assert!(matches!(twice, Err(Error::Exists)), "{twice:?}");
        // Nor is an address that another account verified with a provider.
        let grace = user(Some("grace@example.test"), true);
        identities::create_account(db, &grace, "acme", &profile("1"), &SampleData::default())
            .await
            .expect("a new account");
        let taken = make("grace@example.test").await;
        assert!(matches!(taken, Err(Error::Exists)), "{taken:?}");
        assert_eq!(database.rows("users").await, 2);
        assert_eq!(database.rows("passwords").await, 1);
    }

    async fn concurrent_sign_ups_create_one_account(database) {
        let mut attempts = JoinSet::new();
        for _ in 0..20 {
            let db = database.db.clone();
            attempts.spawn(async move {
                let ada = user(Some("ada@example.test"), false);
                passwords::create_account(&db, &ada, "$argon2id$1", &SampleData::default()).await
            });
        }
        let outcomes = attempts.join_all().await;
        let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let lost = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Exists))).count();
        assert_eq!((made, lost), (1, 19), "{outcomes:?}");
        assert_eq!(database.rows("users").await, 1);
    }

    async fn rehash_replaces_only_the_expected_hash(database) {
        let db = &database.db;
        let ada = user(Some("ada@example.test"), false);
        passwords::create_account(db, &ada, "old", &SampleData::default()).await.expect("an account");
        for (old, new, hash) in [("not it", "new", "old"), ("old", "new", "new"), ("old", "newer", "new")] {
            passwords::rehash(db, ada.id, old, new).await.expect("an answer");
            let found = passwords::by_email(db, &email("ada@example.test")).await.expect("an answer");
            assert_eq!(found.expect("Ada").hash, hash);
        }
    }
}
