//! Identities at providers.

use latchkey_domain::identity::Subject;
use latchkey_domain::sample_data::SampleData;
use latchkey_domain::{DisplayName, Span};
use latchkey_store::{Error, identities};
use tokio::task::JoinSet;

use crate::people::{NOW, email, profile, user};

on_both! {
    async fn identity_resolves_only_with_exact_issuer_and_subject(database) {
        let db = &database.db;
        let ada = user(None, false);
        let at_acme = profile("1");
        assert_eq!(identities::find_user(db, "acme", &at_acme).await.expect("an answer"), None);
        identities::create_account(db, &ada, "acme", &at_acme, &SampleData::default())
            .await
            .expect("a new account");
        assert_eq!(identities::find_user(db, "acme", &at_acme).await.expect("an answer"), Some(ada));
        let mut elsewhere = profile("1");
        elsewhere.issuer = "https://other.test".to_owned();
        for stranger in [profile("2"), profile("1 "), elsewhere] {
            assert_eq!(identities::find_user(db, "acme", &stranger).await.expect("an answer"), None);
        }
    }

    // Two servers that used the same URL, one after the other, both number their users from 1.
    async fn github_identities_are_separate_from_oidc_issuers(database) {
        let db = &database.db;
        let (ada, bob) = (user(None, false), user(None, false));
        let none = SampleData::default();
        for (owner, provider, other, subject) in
            [(&ada, "github", "acme", "1"), (&bob, "acme", "github", "2")]
        {
            let profile = profile(subject);
            identities::create_account(db, owner, provider, &profile, &none).await.expect("one");
            let find = async |at| identities::find_user(db, at, &profile).await.expect("an answer");
            assert_eq!(find(provider).await.as_ref(), Some(owner), "{provider}");
            assert_eq!(find(other).await, None, "{other}");
        }
        let issuer = profile("1").issuer;
        let of = async |subject: &str| {
            let subject = Subject::new(subject).expect("a subject");
            identities::find_user_by_subject(db, &issuer, &subject).await.expect("an answer")
        };
        assert_eq!(of("1").await, None);
        assert_eq!(of("2").await, Some(bob));
    }

    async fn token_subject_matches_an_identity_or_user_id(database) {
        let db = &database.db;
        let (ada, bob) = (user(None, false), user(None, false));
        let none = SampleData::default();
        identities::create_account(db, &ada, "acme", &profile("1"), &none).await.expect("an account");
        // An identity whose subject is another user's id wins.
        let of_ada = profile(&ada.id.to_string());
        identities::create_account(db, &bob, "acme", &of_ada, &none).await.expect("an account");
        let (here, there) = ("https://issuer.test", "https://other.test");
        for (issuer, subject, whose) in [
            (here, "1".to_owned(), Some(&ada)),
            (there, "1".to_owned(), None),
            ("", "1".to_owned(), None),
            (here, "2".to_owned(), None),
            (here, bob.id.to_string(), Some(&bob)),
            (there, ada.id.to_string(), Some(&ada)),
            ("", ada.id.to_string(), Some(&ada)),
            (here, ada.id.to_string(), Some(&bob)),
            ("", ada.id.to_string().to_uppercase(), None),
        ] {
            let subject = Subject::new(subject).expect("a subject");
            let found = identities::find_user_by_subject(db, issuer, &subject).await.expect("an answer");
            assert_eq!(found.as_ref(), whose, "{issuer} {subject}");
        }
    }

    async fn identity_subjects_are_compared_exactly(database) {
        let db = &database.db;
        for subject in ["abc", "ABC", "äbc"] {
            let somebody = user(None, false);
            identities::create_account(db, &somebody, "acme", &profile(subject), &SampleData::default())
                .await
                .expect("a new account");
            let found = identities::find_user(db, "acme", &profile(subject)).await.expect("an answer");
            assert_eq!(found, Some(somebody), "{subject}");
        }
        assert_eq!(database.rows("users").await, 3);
    }

    async fn identity_use_updates_name_and_email(database) {
        let db = &database.db;
        let ada = user(None, false);
        identities::create_account(db, &ada, "acme", &profile("1"), &SampleData::default())
            .await
            .expect("a new account");
        let later = NOW.plus(Span::days(1));
        let mut renamed = profile("1");
        renamed.name = DisplayName::first_of([Some("Ada King")]);
        renamed.email = Some(email("ada@king.test"));
        identities::record_use(db, &renamed, later).await.expect("an answer");

        let linked = identities::of_user(db, ada.id).await.expect("an answer");
        assert_eq!(linked.len(), 1);
        let one = &linked[0];
        assert_eq!((one.issuer.as_str(), one.subject.as_str()), ("https://issuer.test", "1"));
        assert_eq!((one.provider.as_str(), one.name.as_str()), ("acme", "Ada King"));
        assert_eq!(one.email.as_deref(), Some("ada@king.test"));
        assert_eq!((one.linked_at, one.last_used_at), (NOW, later));
        // The account itself does not change.
        assert_eq!(identities::find_user(db, "acme", &renamed).await.expect("an answer"), Some(ada));
    }

    async fn duplicate_identity_or_verified_email_is_rejected(database) {
        let db = &database.db;
        let first = user(Some("ada@example.test"), true);
        identities::create_account(db, &first, "acme", &profile("1"), &SampleData::default())
            .await
            .expect("a new account");
        for (address, verified, subject, exists) in [
            (None, false, "1", true),
            (Some("other@example.test"), true, "1", true),
            (Some("ada@example.test"), true, "2", true),
            (Some("ada@example.test"), false, "3", false),
            (None, false, "4", false),
        ] {
            let somebody = user(address, verified);
            let made = identities::create_account(
                db, &somebody, "acme", &profile(subject), &SampleData::default(),
            )
            .await;
            assert_eq!(matches!(made, Err(Error::Exists)), exists, "{subject}: {made:?}");
        }
        // A failed insert leaves nothing behind.
        assert_eq!(database.rows("users").await, 3);
        assert_eq!(database.rows("identities").await, 3);
    }

    async fn concurrent_first_sign_ins_create_one_account(database) {
        let mut attempts = JoinSet::new();
        for _ in 0..50 {
            let db = database.db.clone();
            attempts.spawn(async move {
                let ada = user(None, false);
                identities::create_account(&db, &ada, "acme", &profile("1"), &SampleData::default()).await
            });
        }
        let outcomes = attempts.join_all().await;
        let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let lost = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Exists))).count();
        assert_eq!((made, lost), (1, 49), "{outcomes:?}");
        assert_eq!(database.rows("users").await, 1);
    }
}
