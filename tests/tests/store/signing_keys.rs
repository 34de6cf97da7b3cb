//! The key ring.

use latchkey_domain::{Span, Timestamp};
use latchkey_store::signing_keys::{self, StoredKey};
use latchkey_store::{Db, Error};

use crate::people::NOW;

fn key(kid: &str, signs_from: Timestamp) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        algorithm: "EdDSA".to_owned(),
        private_key: "sealed".to_owned(),
        created_at: NOW,
        signs_from,
        retired_at: None,
    }
}

async fn ring(db: &Db) -> Vec<StoredKey> {
    let mut all = signing_keys::all(db).await.expect("an answer");
    all.sort_by(|one, other| one.kid.cmp(&other.kid));
    all
}

on_both! {
    async fn the_ring_is_read_back_as_it_was_written(database) {
        let db = &database.db;
        assert_eq!(ring(db).await, []);
        let (one, mut two) = (key("one", NOW), key("two", NOW));
        two.retired_at = Some(NOW.plus(Span::days(1)));
        for key in [&one, &two] {
            signing_keys::rotate(db, key, &[]).await.expect("an answer");
        }
        assert_eq!(ring(db).await, [one, two]);
    }

    async fn a_new_key_retires_the_old_when_it_begins_to_sign(database) {
        let db = &database.db;
        let (one, two) = (key("one", NOW), key("two", NOW.plus(Span::minutes(5))));
        signing_keys::rotate(db, &one, &[]).await.expect("an answer");
        signing_keys::rotate(db, &two, &["one".to_owned(), "unknown".to_owned()])
            .await
            .expect("an answer");
        let retired = |key: &StoredKey, at| StoredKey { retired_at: Some(at), ..key.clone() };
        assert_eq!(ring(db).await, [retired(&one, two.signs_from), two.clone()]);
        // One that is retired already is not retired again.
        let three = key("zzz", NOW.plus(Span::days(1)));
        let old = ["one".to_owned(), "two".to_owned()];
        signing_keys::rotate(db, &three, &old).await.expect("an answer");
        let after = [retired(&one, two.signs_from), retired(&two, three.signs_from), three];
        assert_eq!(ring(db).await, after);
    }

    async fn the_same_key_twice_changes_nothing(database) {
        let db = &database.db;
        signing_keys::rotate(db, &key("one", NOW), &[]).await.expect("an answer");
        let twice = signing_keys::rotate(db, &key("one", NOW), &["one".to_owned()]).await;
        assert!(matches!(twice, Err(Error::Exists)), "{twice:?}");
        assert_eq!(ring(db).await, [key("one", NOW)]);
    }

    async fn a_key_is_forgotten(database) {
        let db = &database.db;
        for kid in ["one", "two"] {
            signing_keys::rotate(db, &key(kid, NOW), &[]).await.expect("an answer");
        }
        for kid in ["one", "unknown"] {
            signing_keys::forget(db, kid).await.expect("an answer");
        }
        assert_eq!(ring(db).await, [key("two", NOW)]);
    }
}
