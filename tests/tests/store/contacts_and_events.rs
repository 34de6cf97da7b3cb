//! Contacts and events, and their owners.

use latchkey_domain::calendar::Event;
use latchkey_domain::contact::{Contact, Details};
use latchkey_domain::sample_data::SampleData;
use latchkey_domain::{ContactId, EventId, Span, User};
use latchkey_store::{contacts, events, identities, passwords};

use crate::people::{NOW, email, fresh, profile, somebody, user};

fn details(name: &str) -> Details {
    Details { name: name.to_owned(), email: Some(email("x@example.test")), phone: None }
}

fn contact(owner: &User) -> Contact {
    Contact {
        id: ContactId::new(NOW, fresh()),
        user_id: owner.id,
        details: details("Annie Easley · アニー 🚀"),
        created_at: NOW,
        updated_at: NOW,
    }
}

fn event(owner: &User) -> Event {
    Event {
        id: EventId::new(NOW, fresh()),
        user_id: owner.id,
        title: "Change the locks".to_owned(),
        location: None,
        starts_at: NOW,
        ends_at: NOW.plus(Span::minutes(60)),
    }
}

fn samples(owner: &User) -> SampleData {
    SampleData {
        contacts: vec![contact(owner), contact(owner)],
        events: vec![event(owner), event(owner), event(owner)],
    }
}

on_both! {
    async fn only_owner_can_read_a_contact(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        let one = contact(&ada);
        contacts::create(db, &one).await.expect("an answer");
        assert_eq!(contacts::one(db, ada.id, one.id).await.expect("an answer"), Some(one.clone()));
        assert_eq!(contacts::one(db, other.id, one.id).await.expect("an answer"), None);
        assert_eq!(contacts::count(db, ada.id).await.expect("an answer"), 1);
        assert_eq!(contacts::count(db, other.id).await.expect("an answer"), 0);
    }

    async fn only_owner_can_update_a_contact(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        let one = contact(&ada);
        contacts::create(db, &one).await.expect("an answer");
        let later = NOW.plus(Span::minutes(1));
        let new = Details { name: "Annie".to_owned(), email: None, phone: Some("1".to_owned()) };
        let foreign = contacts::update(db, other.id, one.id, &new, later).await.expect("an answer");
        assert_eq!(foreign, None);
        assert_eq!(contacts::one(db, ada.id, one.id).await.expect("an answer"), Some(one.clone()));
        let changed = contacts::update(db, ada.id, one.id, &new, later).await.expect("an answer");
        let expected = Contact { details: new, updated_at: later, ..one.clone() };
        assert_eq!(changed.as_ref(), Some(&expected));
        assert_eq!(contacts::one(db, ada.id, one.id).await.expect("an answer"), Some(expected));
    }

    async fn only_owner_can_delete_a_contact(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        let one = contact(&ada);
        contacts::create(db, &one).await.expect("an answer");
        for (who, deleted) in [(&other, false), (&ada, true), (&ada, false)] {
            assert_eq!(contacts::delete(db, who.id, one.id).await.expect("an answer"), deleted);
        }
        assert_eq!(contacts::one(db, ada.id, one.id).await.expect("an answer"), None);
    }

    async fn contact_pages_list_every_owned_contact_once(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        let mut mine = Vec::new();
        for _ in 0..5 {
            let one = contact(&ada);
            contacts::create(db, &one).await.expect("an answer");
            contacts::create(db, &contact(&other)).await.expect("an answer");
            mine.push(one.id);
        }
        mine.sort();
        let (mut seen, mut after) = (Vec::new(), None);
        for expected in [2, 2, 1, 0] {
            let page = contacts::page(db, ada.id, after, 2).await.expect("a page");
            assert_eq!(page.len(), expected);
            seen.extend(page.iter().map(|contact| contact.id));
            after = seen.last().copied();
        }
        assert_eq!(seen, mine);
    }

    async fn new_accounts_start_with_sample_data(database) {
        let db = &database.db;
        let (ada, grace) = (user(None, false), user(Some("grace@example.test"), false));
        let (adas, graces) = (samples(&ada), samples(&grace));
        identities::create_account(db, &ada, "acme", &profile("1"), &adas).await.expect("an account");
        passwords::create_account(db, &grace, "hash", &graces).await.expect("an account");
        for (owner, samples) in [(ada, adas), (grace, graces)] {
            let mut found = contacts::page(db, owner.id, None, 10).await.expect("a page");
            let mut expected = samples.contacts;
            expected.sort_by_key(|one| one.id);
            found.sort_by_key(|one| one.id);
            assert_eq!(found, expected);
            let mut expected = samples.events;
            expected.sort_by_key(|one| one.id);
            assert_eq!(events::page(db, owner.id, None, 10).await.expect("a page"), expected);
            // Also in pages.
            let page = events::page(db, owner.id, Some(expected[0].id), 1).await.expect("a page");
            assert_eq!(page, [expected[1].clone()]);
        }
    }

    async fn failed_account_creation_leaves_no_sample_data(database) {
        let db = &database.db;
        let (one, two) = (user(None, false), user(None, false));
        identities::create_account(db, &one, "acme", &profile("1"), &samples(&one))
            .await
            .expect("an account");
        let twice = identities::create_account(db, &two, "acme", &profile("1"), &samples(&two)).await;
        assert!(twice.is_err());
        assert_eq!(contacts::count(db, two.id).await.expect("an answer"), 0);
        assert!(events::page(db, two.id, None, 10).await.expect("a page").is_empty());
    }
}
