//! Signing keys.

use latchkey_domain::{Span, Timestamp};
use latchkey_store::Db;
use latchkey_store::signing_keys::{self, StoredKey};

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

fn retired(key: &StoredKey, at: Timestamp) -> StoredKey {
    StoredKey { retired_at: Some(at), ..key.clone() }
}

on_both! {
    async fn signing_key_round_trips_unchanged(database) {
        let db = &database.db;
        assert_eq!(ring(db).await, []);
        signing_keys::rotate(db, &key("one", NOW)).await.expect("an answer");
        assert_eq!(ring(db).await, [key("one", NOW)]);
    }

    async fn new_signing_key_retires_all_others(database) {
        let db = &database.db;
        let (one, two) = (key("one", NOW), key("two", NOW.plus(Span::minutes(5))));
        signing_keys::rotate(db, &one).await.expect("an answer");
        signing_keys::rotate(db, &two).await.expect("an answer");
        assert_eq!(ring(db).await, [retired(&one, two.signs_from), two.clone()]);
        // A retired key keeps its time of retirement.
        let three = key("zzz", NOW.plus(Span::days(1)));
        signing_keys::rotate(db, &three).await.expect("an answer");
        let after = [retired(&one, two.signs_from), retired(&two, three.signs_from), three];
        assert_eq!(ring(db).await, after);
    }

    async fn retired_signing_key_can_be_reactivated(database) {
        let db = &database.db;
        let (one, two) = (key("one", NOW), key("two", NOW.plus(Span::minutes(5))));
        signing_keys::rotate(db, &one).await.expect("an answer");
        signing_keys::rotate(db, &two).await.expect("an answer");
        let mut again = key("one", NOW.plus(Span::minutes(9)));
        again.private_key = "sealed anew".to_owned();
        signing_keys::rotate(db, &again).await.expect("an answer");
        assert_eq!(ring(db).await, [again.clone(), retired(&two, again.signs_from)]);
    }

    async fn old_retired_signing_keys_are_deleted(database) {
        let db = &database.db;
        let two = key("two", NOW.plus(Span::minutes(5)));
        signing_keys::rotate(db, &key("one", NOW)).await.expect("an answer");
        signing_keys::rotate(db, &two).await.expect("an answer");
        signing_keys::forget(db, two.signs_from).await.expect("an answer");
        assert_eq!(ring(db).await.len(), 2, "not yet");
        signing_keys::forget(db, two.signs_from.plus(Span::millis(1))).await.expect("an answer");
        assert_eq!(ring(db).await, [two], "the one that signs stays");
    }
}
