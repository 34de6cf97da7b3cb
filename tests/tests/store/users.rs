//! Users.

use latchkey_domain::sample_data::SampleData;
use latchkey_domain::{Role, Roles, UserId};
use latchkey_store::{identities, users};

use crate::people::{NOW, email, fresh, profile, somebody, user};

on_both! {
    async fn user_round_trips_unchanged(database) {
        let mut ada = user(Some("ada@example.test"), true);
        ada.roles = [Role::admin(), "editor".parse().expect("a role")].into_iter().collect();
        identities::create_account(&database.db, &ada, "acme", &profile("1"), &SampleData::default())
            .await
            .expect("a new account");
        assert_eq!(users::by_id(&database.db, ada.id).await.expect("an answer"), Some(ada));
        let nobody = UserId::new(NOW, fresh());
        assert_eq!(users::by_id(&database.db, nobody).await.expect("an answer"), None);
    }

    async fn only_verified_email_has_an_owner(database) {
        let db = &database.db;
        for (subject, address, verified) in
            [("1", "ada@example.test", true), ("2", "grace@example.test", false)]
        {
            let user = user(Some(address), verified);
            identities::create_account(db, &user, "acme", &profile(subject), &SampleData::default())
                .await
                .expect("a new account");
            let owner = users::find_by_verified_email(db, &email(address)).await.expect("an answer");
            assert_eq!(owner, verified.then_some(user.id), "{address}");
        }
        let owner = users::find_by_verified_email(db, &email("noor@example.test")).await.expect("an answer");
        assert_eq!(owner, None);
    }

    async fn verified_user_is_listed_first_for_an_email(database) {
        let db = &database.db;
        let mut ids = Vec::new();
        for (subject, verified) in [("1", false), ("2", true), ("3", false)] {
            let user = user(Some("ada@example.test"), verified);
            identities::create_account(db, &user, "acme", &profile(subject), &SampleData::default())
                .await
                .expect("a new account");
            ids.push(user.id);
        }
        let named = users::by_email(db, &email("ada@example.test")).await.expect("an answer");
        let named: Vec<_> = named.into_iter().map(|user| user.id).collect();
        assert_eq!(named, [ids[1], ids[0], ids[2]]);
        let nobody = users::by_email(db, &email("noor@example.test")).await.expect("an answer");
        assert!(nobody.is_empty());
    }

    async fn email_domain_lookup_matches_whole_domain(database) {
        let db = &database.db;
        let mut ids = Vec::new();
        for (subject, address, verified) in [
            ("1", Some("ada@lab.invalid"), true),
            ("2", Some("grace@lab.invalid"), false),
            ("3", Some("noor@other-lab.invalid"), true),
            ("4", Some("lab.invalid@example.test"), true),
            ("5", None, false),
        ] {
            let user = user(address, verified);
            identities::create_account(db, &user, "acme", &profile(subject), &SampleData::default())
                .await
                .expect("a new account");
            ids.push(user.id);
        }
        ids.truncate(2);
        ids.sort();
        let found = users::by_email_domain(db, "lab.invalid").await.expect("an answer");
        let found: Vec<_> = found.into_iter().map(|user| user.id).collect();
        assert_eq!(found, ids);
    }

    async fn set_roles_replaces_all_roles(database) {
        let db = &database.db;
        let (ada, other) = (somebody(db).await, somebody(db).await);
        for roles in ["admin editor", "editor", ""] {
            let roles = Roles::from(roles);
            users::set_roles(db, ada.id, &roles).await.expect("an answer");
            let found = users::by_id(db, ada.id).await.expect("an answer").expect("Ada");
            assert_eq!(found.roles, roles);
        }
        let other = users::by_id(db, other.id).await.expect("an answer").expect("the other");
        assert!(other.roles.is_empty());
        let long = Roles::from("editor-of-everything admin");
        users::set_roles(db, ada.id, &long).await.expect("an answer");
        assert!(users::longest_roles(db).await.expect("an answer") >= 26);
    }

    async fn user_pages_list_every_user_once_in_order(database) {
        let db = &database.db;
        let mut everybody = Vec::new();
        for _ in 0..5 {
            everybody.push(somebody(db).await.id);
        }
        everybody.sort();
        let (mut seen, mut after) = (Vec::new(), None);
        for expected in [2, 2, 1, 0] {
            let page = users::page(db, after, 2).await.expect("a page");
            assert_eq!(page.len(), expected);
            seen.extend(page.iter().map(|user| user.id));
            after = seen.last().copied();
        }
        assert_eq!(seen, everybody);
    }
}
