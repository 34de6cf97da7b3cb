//! Tokens in e-mail links.

use latchkey_domain::Span;
use latchkey_domain::sign_in::CredentialKind;
use latchkey_store::accounts::PasswordChange;
use latchkey_store::email_tokens::{self, Purpose, Recipient};
use latchkey_store::{Db, Error, accounts, sign_ins, users};
use tokio::task::JoinSet;

use crate::people::{NOW, email, sign_in, somebody};

const LASTS: Span = Span::minutes(30);

/// Stores a token for a new user.
async fn sent(db: &Db, hash: &str, purpose: Purpose) -> Recipient {
    let sent = Recipient { user_id: somebody(db).await.id, email: email("ada@example.test") };
    email_tokens::insert(db, hash, purpose, &sent, NOW.plus(LASTS)).await.expect("sent");
    sent
}

on_both! {
    async fn email_token_is_consumed_only_once(database) {
        let db = &database.db;
        let ada = sent(db, "h", Purpose::Reset).await;
        for _ in 0..3 {
            let found = email_tokens::find(db, "h", Purpose::Reset, NOW).await.expect("an answer");
            assert_eq!(found.as_ref(), Some(&ada));
        }
        let taken = email_tokens::consume(db, "h", Purpose::Reset, NOW).await.expect("an answer");
        assert_eq!(taken, Some(ada));
        assert_eq!(email_tokens::consume(db, "h", Purpose::Reset, NOW).await.expect("an answer"), None);
        assert_eq!(email_tokens::find(db, "h", Purpose::Reset, NOW).await.expect("an answer"), None);
    }

    async fn concurrent_requests_consume_email_token_once(database) {
        let ada = sent(&database.db, "h", Purpose::Reset).await;
        let mut all = JoinSet::new();
        for _ in 0..10 {
            let db = database.db.clone();
            all.spawn(async move { email_tokens::consume(&db, "h", Purpose::Reset, NOW).await });
        }
        let outcomes = all.join_all().await;
        let taken: Vec<_> = outcomes.into_iter().filter_map(|o| o.expect("an answer")).collect();
        assert_eq!(taken, [ada]);
    }

    async fn email_token_is_bound_to_purpose_and_lifetime(database) {
        let db = &database.db;
        sent(db, "h", Purpose::Verify).await;
        for (hash, purpose, now) in [
            ("h", Purpose::Reset, NOW),
            ("H", Purpose::Verify, NOW),
            ("", Purpose::Verify, NOW),
            ("h", Purpose::Verify, NOW.plus(LASTS)),
        ] {
            let found = email_tokens::find(db, hash, purpose, now).await.expect("an answer");
            assert_eq!(found, None, "{hash} {purpose:?}");
            let taken = email_tokens::consume(db, hash, purpose, now).await.expect("an answer");
            assert_eq!(taken, None, "{hash} {purpose:?}");
        }
        let last = NOW.plus(Span::seconds(30 * 60 - 1));
        let taken = email_tokens::consume(db, "h", Purpose::Verify, last).await.expect("an answer");
        assert!(taken.is_some());
    }

    async fn new_password_voids_only_own_email_tokens(database) {
        let db = &database.db;
        let ada = sent(db, "a", Purpose::Verify).await;
        email_tokens::insert(db, "b", Purpose::Reset, &ada, NOW.plus(LASTS)).await.expect("sent");
        sent(db, "c", Purpose::Reset).await;
        let user = users::by_id(db, ada.user_id).await.expect("an answer").expect("somebody");
        let by = sign_in(&user, CredentialKind::Session);
        sign_ins::insert(db, &by, None).await.expect("stored");
        let change = PasswordChange {
            user: user.id, sign_in: by.id, previous: None, email: &ada.email, is_verified: false, hash: "h",
        };
        accounts::set_password(db, change, NOW).await.expect("set");
        for (hash, purpose, lives) in
            [("a", Purpose::Verify, false), ("b", Purpose::Reset, false), ("c", Purpose::Reset, true)]
        {
            let found = email_tokens::find(db, hash, purpose, NOW).await.expect("an answer");
            assert_eq!(found.is_some(), lives, "{hash}");
        }
    }

    async fn expired_email_tokens_are_deleted(database) {
        let db = &database.db;
        sent(db, "a", Purpose::Verify).await;
        email_tokens::forget(db, NOW.plus(LASTS)).await.expect("an answer");
        assert_eq!(database.rows("email_tokens").await, 1);
        email_tokens::forget(db, NOW.plus(Span::minutes(31))).await.expect("an answer");
        assert_eq!(database.rows("email_tokens").await, 0);
    }

    async fn duplicate_email_token_hash_is_rejected(database) {
        let db = &database.db;
        let ada = sent(db, "a", Purpose::Verify).await;
        let twice = email_tokens::insert(db, "a", Purpose::Reset, &ada, NOW.plus(LASTS)).await;
        assert!(matches!(twice, Err(Error::Exists)), "{twice:?}");
    }
}
