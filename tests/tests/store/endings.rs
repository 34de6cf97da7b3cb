//! Sign-ins that end together, and those whose JWT is still valid.

use latchkey_domain::sign_in::{CredentialKind, Lifetime};
use latchkey_domain::{Span, Timestamp};
use latchkey_store::overview::{self, OverviewQuery};
use latchkey_store::{accounts, sign_ins};

use crate::people::{NOW, sign_in, somebody};

on_both! {
    async fn end_others_spares_one_sign_in_and_other_users(database) {
        let db = &database.db;
        let (ada, bob) = (somebody(db).await, somebody(db).await);
        let mut adas = Vec::new();
        for key in [CredentialKind::Session, CredentialKind::Jwt, CredentialKind::Jwt, CredentialKind::Session] {
            let one = sign_in(&ada, key);
            sign_ins::insert(db, &one, None).await.expect("an answer");
            adas.push(one.id);
        }
        let bobs = sign_in(&bob, CredentialKind::Session);
        sign_ins::insert(db, &bobs, None).await.expect("an answer");
        sign_ins::end(db, adas[3], ada.id, NOW).await.expect("an answer");

        let mut ended =
            sign_ins::end_others(db, ada.id, Some(adas[0]), NOW).await.expect("an answer");
        ended.sort();
        let mut expected = vec![adas[1], adas[2]];
        expected.sort();
        assert_eq!(ended, expected, "what had ended before is not ended again");
        let ended = sign_ins::end_others(db, ada.id, None, NOW).await.expect("an answer");
        assert_eq!(ended, [adas[0]]);
        let none = sign_ins::end_others(db, ada.id, None, NOW).await.expect("an answer");
        assert!(none.is_empty(), "{none:?}");
        assert!(sign_ins::by_id(db, bobs.id).await.expect("an answer").is_some());
    }

    async fn ended_jwt_sign_ins_are_listed_until_token_expiry(database) {
        let db = &database.db;
        let (ada, bob) = (somebody(db).await, somebody(db).await);
        let life = Span::minutes(5);
        let later = NOW.plus(Span::minutes(4));
        let (jwt, session, living) =
            (sign_in(&ada, CredentialKind::Jwt), sign_in(&ada, CredentialKind::Session), sign_in(&ada, CredentialKind::Jwt));
        for one in [&jwt, &session, &living] {
            sign_ins::insert(db, one, None).await.expect("an answer");
        }
        for id in [jwt.id, session.id] {
            assert!(sign_ins::end(db, id, ada.id, later).await.expect("an answer"));
        }
        let lingering = async |now: Timestamp| -> Vec<_> {
            let lasts = Lifetime { idle: Span::days(7), absolute: Span::days(30) };
            let shown = OverviewQuery { session: lasts, lingering_since: now.minus(life), events: 1 };
            let found = overview::of_user(db, ada.id, shown, now).await.expect("an answer");
            found.sign_ins.into_iter().map(|(one, ended)| (one.id, ended)).collect()
        };
        assert_eq!(lingering(later).await, [(living.id, false), (jwt.id, true)]);
        assert_eq!(lingering(NOW.plus(life)).await, [(living.id, false)], "its last token has expired");
        let shown = OverviewQuery {
            session: Lifetime { idle: Span::days(7), absolute: Span::days(30) },
            lingering_since: NOW.minus(life),
            events: 1,
        };
        let bobs = overview::of_user(db, bob.id, shown, NOW).await.expect("an answer");
        assert!(bobs.sign_ins.is_empty());
    }

    async fn revocations_are_stored_and_later_deleted(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let one = sign_in(&ada, CredentialKind::Jwt);
        sign_ins::insert(db, &one, None).await.expect("an answer");
        accounts::delete(db, ada.id, NOW).await.expect("an answer");
        let since = async |at: Timestamp| {
            sign_ins::ended_since(db, at.as_millis(), false).await.expect("an answer")
        };
        assert_eq!(since(NOW).await, [(one.id, NOW.as_millis())]);
        assert!(since(NOW.plus(Span::seconds(1))).await.is_empty());
        sign_ins::forget(db, NOW).await.expect("an answer");
        assert_eq!(since(NOW).await.len(), 1);
        sign_ins::forget(db, NOW.plus(Span::seconds(1))).await.expect("an answer");
        assert!(since(NOW.minus(Span::days(1))).await.is_empty());
    }
}
