//! The audit trail.

use latchkey_domain::audit::{Actor, Event, Kind};
use latchkey_domain::{AuditId, Span, Timestamp, UserId};
use latchkey_store::{Db, audit, users};

use crate::people::{NOW, fresh, somebody};

/// Records an event.
pub(crate) async fn event(db: &Db, user: Option<UserId>, address: Option<&str>) -> Event {
    event_at(db, NOW, Kind::SignedIn, user, address).await
}

async fn event_at(
    db: &Db,
    at: Timestamp,
    kind: Kind,
    user_id: Option<UserId>,
    address: Option<&str>,
) -> Event {
    let event = Event {
        id: AuditId::new(at, fresh()),
        at,
        kind,
        user_id,
        actor: Actor::Person,
        detail: "password, session ünïcödé".to_owned(),
        address: address.map(str::to_owned),
    };
    audit::record(db, &event).await.expect("written down");
    event
}

on_both! {
    async fn every_audit_event_kind_round_trips(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let mut written = Vec::new();
        for (index, kind) in Kind::ALL.iter().enumerate() {
            let at = NOW.plus(Span::seconds(u32::try_from(index).expect("few")));
            let user = (index % 2 == 0).then_some(ada.id);
            written.push(event_at(db, at, *kind, user, Some("2001:db8::1")).await);
        }
        written.reverse();
        let all = audit::page(db, None, 100).await.expect("an answer");
        assert_eq!(all, written, "the newest first");
        let own: Vec<_> = written.iter().filter(|e| e.user_id == Some(ada.id)).cloned().collect();
        assert_eq!(audit::of_user(db, ada.id, None, 100).await.expect("an answer"), own);
        let before = Some(own[0].id);
        let further = audit::of_user(db, ada.id, before, 100).await.expect("an answer");
        assert_eq!(further, own[1..]);
        assert_eq!(audit::of_user(db, ada.id, None, 2).await.expect("an answer"), own[..2]);
    }

    async fn audit_pages_have_no_gaps_or_duplicates(database) {
        let db = &database.db;
        // Events at the same time are ordered by id.
        let mut written = Vec::new();
        for _ in 0..7 {
            written.push(event(db, None, None).await.id);
        }
        written.sort();
        written.reverse();
        let mut read = Vec::new();
        let mut before = None;
        loop {
            let page = audit::page(db, before, 3).await.expect("an answer");
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            read.extend(page.iter().map(|event| event.id));
        }
        assert_eq!(read, written);
    }

    async fn old_audit_events_are_deleted(database) {
        let db = &database.db;
        let old = event_at(db, NOW, Kind::Linked, None, None).await;
        let young = event_at(db, NOW.plus(Span::days(1)), Kind::Linked, None, None).await;
        audit::forget(db, NOW).await.expect("an answer");
        assert_eq!(audit::page(db, None, 10).await.expect("an answer"), [young.clone(), old]);
        audit::forget(db, NOW.plus(Span::seconds(1))).await.expect("an answer");
        assert_eq!(audit::page(db, None, 10).await.expect("an answer"), [young]);
    }

    async fn audit_event_for_unknown_user_is_rejected(database) {
        let db = &database.db;
        let nobody = UserId::new(NOW, fresh());
        let event = Event {
            id: AuditId::new(NOW, fresh()),
            at: NOW,
            kind: Kind::SignedIn,
            user_id: Some(nobody),
            actor: Actor::Unknown,
            detail: String::new(),
            address: None,
        };
        assert!(audit::record(db, &event).await.is_err());
        assert_eq!(users::by_id(db, nobody).await.expect("an answer"), None);
    }
}
