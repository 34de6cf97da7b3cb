//! Changes to a whole account.

use latchkey_domain::identity::{Profile, Subject};
use latchkey_domain::sample_data::SampleData;
use latchkey_domain::sign_in::CredentialKind;
use latchkey_domain::{DisplayName, Span, Timestamp, User};
use latchkey_store::accounts::{self, PasswordChange, PasswordReset, UnlinkOutcome, UnlinkTarget};
use latchkey_store::email_tokens::{self, Purpose, Recipient};
use latchkey_store::failed_attempts::{self, Bucket};
use latchkey_store::{Db, Error, audit, identities, passwords, sign_ins, users};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::people::{NOW, email, profile, sign_in, somebody, user};

const ADA: &str = "ada@example.test";

/// A user with a password.
async fn with_password(db: &Db, address: &str, verified: bool, hash: &str) -> User {
    let user = user(Some(address), verified);
    passwords::create_account(db, &user, hash, &SampleData::default())
        .await
        .expect("a new account");
    user
}

/// A profile with an e-mail address, verified or not.
fn vouched(subject: &str, address: &str, verified: bool) -> Profile {
    Profile {
        issuer: "https://issuer.test".to_owned(),
        subject: Subject::new(subject).expect("a subject"),
        name: DisplayName::first_of([Some("Ada")]),
        email: Some(email(address)),
        email_verified: verified,
    }
}

async fn is_verified(db: &Db, user: &User) -> bool {
    users::by_id(db, user.id).await.expect("an answer").expect("somebody").email_verified
}

async fn unlink(db: &Db, user: &User, issuer: &str, subject: &str) -> UnlinkOutcome {
    let way_in = UnlinkTarget::Identity { issuer, subject };
    accounts::unlink(db, user.id, way_in).await.expect("an answer")
}

async fn ways_in(db: &Db, user: &User) -> usize {
    identities::of_user(db, user.id).await.expect("an answer").len()
}

/// Resets the password with a new token.
async fn reset(db: &Db, user: &User, password: &str) -> Result<Option<PasswordReset>, Error> {
    let token = format!("the letter for {password}");
    let sent = Recipient { user_id: user.id, email: email(ADA) };
    let until = NOW.plus(Span::minutes(30));
    email_tokens::insert(db, &token, Purpose::Reset, &sent, until).await.expect("sent");
    accounts::reset_password(db, &token, password, NOW).await
}

/// From a new sign-in, which ends afterwards.
async fn link(db: &Db, user: &User, profile: &Profile) -> Result<(), Error> {
    let by = sign_in(user, CredentialKind::Session);
    sign_ins::insert(db, &by, None).await?;
    let linked = accounts::link(db, user.id, by.id, "acme", profile, NOW).await;
    sign_ins::end(db, by.id, user.id, NOW).await?;
    linked
}

/// From a new sign-in, by somebody who knows the current password.
async fn set_password(
    db: &Db,
    user: &User,
    is_verified: bool,
    hash: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let by = sign_in(user, CredentialKind::Session);
    sign_ins::insert(db, &by, None).await?;
    let previous = passwords::changed_at(db, user.id).await?;
    let email = &email(ADA);
    let change =
        PasswordChange { user: user.id, sign_in: by.id, previous, email, is_verified, hash };
    accounts::set_password(db, change, now).await
}

on_both! {
    // A reset of the password may come first.
    async fn sign_in_methods_are_changed_only_by_an_active_sign_in(database) {
        let db = &database.db;
        let ada = with_password(db, ADA, true, "old").await;
        let by = sign_in(&ada, CredentialKind::Session);
        sign_ins::insert(db, &by, None).await.expect("stored");
        let (email, previous) = (&email(ADA), passwords::changed_at(db, ada.id).await.expect("an answer"));
        let change = PasswordChange {
            user: ada.id, sign_in: by.id, previous, email, is_verified: true, hash: "new",
        };
        // The password is no longer the one that was proved.
        let stale = PasswordChange { previous: Some(NOW.minus(Span::days(1))), ..change };
        let first = PasswordChange { previous: None, ..change };
        for change in [stale, first] {
            let refused = accounts::set_password(db, change, NOW).await;
            assert!(matches!(refused, Err(Error::SignInEnded)), "{refused:?}");
        }
        // The sign-in has ended, or belongs to somebody else.
        let bob = somebody(db).await;
        let other = accounts::link(db, bob.id, by.id, "acme", &profile("1"), NOW).await;
        assert!(matches!(other, Err(Error::SignInEnded)), "{other:?}");
        sign_ins::end(db, by.id, ada.id, NOW).await.expect("ended");
        let linked = accounts::link(db, ada.id, by.id, "acme", &profile("1"), NOW).await;
        assert!(matches!(linked, Err(Error::SignInEnded)), "{linked:?}");
        let refused = accounts::set_password(db, change, NOW).await;
        assert!(matches!(refused, Err(Error::SignInEnded)), "{refused:?}");
        let found = passwords::by_email(db, email).await.expect("an answer").expect("one");
        assert_eq!((found.hash.as_str(), ways_in(db, &ada).await), ("old", 0));
    }

    async fn deleting_account_keeps_attempts_at_another_with_the_address(database) {
        let db = &database.db;
        let _ = with_password(db, ADA, false, "h").await;
        let unverified = user(Some(ADA), false);
        let profile = vouched("1", ADA, false);
        let samples = SampleData::default();
        identities::create_account(db, &unverified, "acme", &profile, &samples).await.expect("new");
        let limit = Bucket { tries: 1, every: Span::minutes(1) };
        let here = "203.0.113.9";
        failed_attempts::record(db, ADA, here, (limit, limit), Span::minutes(5), NOW).await.expect("written");
        accounts::delete(db, unverified.id, NOW).await.expect("deleted");
        let wait = failed_attempts::lockout(db, ADA, here, limit, Span::minutes(5), NOW).await;
        assert!(wait.expect("an answer").is_some(), "the attempts are forgotten");
    }

    async fn identity_can_be_linked_only_once(database) {
        let db = &database.db;
        let (ada, bob) = (somebody(db).await, somebody(db).await);
        link(db, &ada, &profile("1")).await.expect("linked");
        for again in [&ada, &bob] {
            let outcome = link(db, again, &profile("1")).await;
            assert!(matches!(outcome, Err(Error::Exists)), "{outcome:?}");
        }
        let owner = identities::find_user(db, "acme", &profile("1")).await.expect("an answer");
        assert_eq!(owner.map(|owner| owner.id), Some(ada.id));
        assert_eq!((ways_in(db, &ada).await, ways_in(db, &bob).await), (2, 1));
    }

    async fn linking_verifies_only_the_matching_account_email(database) {
        let db = &database.db;
        for (index, (address, verified, proved)) in [
            (ADA, true, true),
            (ADA, false, false),
            ("other@example.test", true, false),
        ].into_iter().enumerate() {
            let owner = with_password(db, &format!("{index}{ADA}"), false, "h").await;
            let address = address.replace(ADA, &format!("{index}{ADA}"));
            let profile = vouched(&format!("s{index}"), &address, verified);
            link(db, &owner, &profile).await.expect("linked");
            assert_eq!(is_verified(db, &owner).await, proved, "{address} {verified}");
        }
    }

    async fn account_without_email_adopts_first_verified_email(database) {
        let db = &database.db;
        let noor = somebody(db).await;
        let unproved = vouched("a", "noor@example.test", false);
        link(db, &noor, &unproved).await.expect("linked");
        let found = users::by_id(db, noor.id).await.expect("an answer").expect("somebody");
        assert_eq!(found.email, None);
        let proved = vouched("b", "noor@example.test", true);
        link(db, &noor, &proved).await.expect("linked");
        let found = users::by_id(db, noor.id).await.expect("an answer").expect("somebody");
        assert_eq!((found.email, found.email_verified), (Some(email("noor@example.test")), true));
        // Another account has verified the address, so only the identity is linked.
        let other = somebody(db).await;
        let same = vouched("c", "noor@example.test", true);
        link(db, &other, &same).await.expect("linked");
        let found = users::by_id(db, other.id).await.expect("an answer").expect("somebody");
        assert_eq!((found.email, ways_in(db, &other).await), (None, 2));
    }

    async fn email_can_be_verified_by_only_one_account(database) {
        let db = &database.db;
        let claim = with_password(db, ADA, false, "h").await;
        let owner = user(Some(ADA), true);
        identities::create_account(db, &owner, "acme", &vouched("1", ADA, true), &SampleData::default())
            .await
            .expect("a new account");
        accounts::verify_email(db, claim.id, &email(ADA), NOW).await.expect("an answer");
        assert!(!is_verified(db, &claim).await && is_verified(db, &owner).await);
        assert_eq!(users::find_by_verified_email(db, &email(ADA)).await.expect("an answer"), Some(owner.id));
    }

    async fn last_sign_in_method_cannot_be_removed(database) {
        let db = &database.db;
        let ada = somebody(db).await;
        let issuer = "https://issuer.test";
        let own = ada.id.to_string();
        let outcome = unlink(db, &ada, issuer, &own).await;
        assert_eq!(outcome, UnlinkOutcome::LastMethod);
        link(db, &ada, &profile("2")).await.expect("linked");
        for (user, issuer, subject, expected) in [
            (&ada, issuer, "nobody's", UnlinkOutcome::NotFound),
            (&ada, "https://other.test", "2", UnlinkOutcome::NotFound),
            (&ada, issuer, "2", UnlinkOutcome::Removed),
            (&ada, issuer, own.as_str(), UnlinkOutcome::LastMethod),
        ] {
            let outcome = unlink(db, user, issuer, subject).await;
            assert_eq!(outcome, expected, "{issuer} {subject}");
        }
        let password = accounts::unlink(db, ada.id, UnlinkTarget::Password).await.expect("an answer");
        assert_eq!(password, UnlinkOutcome::LastMethod);
        // A password is a sign-in method, too.
        let set = set_password(db, &ada, false, "h", NOW).await;
        set.expect("set");
        let outcome = unlink(db, &ada, issuer, &own).await;
        assert_eq!((outcome, ways_in(db, &ada).await), (UnlinkOutcome::Removed, 0));
        let password = accounts::unlink(db, ada.id, UnlinkTarget::Password).await.expect("an answer");
        assert_eq!(password, UnlinkOutcome::LastMethod);
        assert_eq!(database.rows("passwords").await, 1);
    }

    async fn concurrent_unlinks_leave_one_identity(database) {
        for _ in 0..5 {
            let ada = somebody(&database.db).await;
            let mut subjects = vec![ada.id.to_string()];
            for n in 0..4 {
                let subject = format!("{}-{n}", ada.id);
                let profile = profile(&subject);
                link(&database.db, &ada, &profile).await.expect("linked");
                subjects.push(subject);
            }
            let mut all = JoinSet::new();
            for subject in subjects {
                let (db, ada) = (database.db.clone(), ada.clone());
                all.spawn(async move {
                    unlink(&db, &ada, "https://issuer.test", &subject).await
                });
            }
            let outcomes: Vec<_> = all.join_all().await;
            let done = outcomes.iter().filter(|outcome| **outcome == UnlinkOutcome::Removed).count();
            assert_eq!(done, 4, "{outcomes:?}");
            let left = identities::of_user(&database.db, ada.id).await.expect("an answer");
            assert_eq!(left.len(), 1);
        }
    }

    async fn verified_email_takes_password_from_unverified_account(database) {
        let db = &database.db;
        let eve = with_password(db, ADA, false, "eve's").await;
        let ada = user(Some(ADA), true);
        identities::create_account(db, &ada, "acme", &vouched("1", ADA, true), &SampleData::default())
            .await
            .expect("a new account");
        let unproved = set_password(db, &ada, false, "ada's", NOW).await;
        assert!(matches!(unproved, Err(Error::Exists)), "{unproved:?}");
        set_password(db, &ada, true, "ada's", NOW).await.expect("set");
        let found = passwords::by_email(db, &email(ADA)).await.expect("an answer").expect("one");
        assert_eq!((found.user.id, found.hash.as_str()), (ada.id, "ada's"));
        assert_eq!(passwords::changed_at(db, eve.id).await.expect("an answer"), None);
        // Setting it again replaces it.
        let later = NOW.plus(Span::days(1));
        set_password(db, &ada, true, "new", later).await.expect("set");
        assert_eq!(passwords::changed_at(db, ada.id).await.expect("an answer"), Some(later));
        assert_eq!(database.rows("passwords").await, 1);
    }

    async fn reset_unlinks_identities_if_email_is_unverified(database) {
        let db = &database.db;
        let hijacked = with_password(db, ADA, false, "eve's").await;
        link(db, &hijacked, &profile("eve")).await.expect("linked");
        reset(db, &hijacked, "ada's").await.expect("reset");
        assert_eq!(ways_in(db, &hijacked).await, 0);
        assert!(is_verified(db, &hijacked).await);
        // If the address was verified before, linked identities stay.
        link(db, &hijacked, &profile("ada")).await.expect("linked");
        reset(db, &hijacked, "again").await.expect("reset");
        assert_eq!(ways_in(db, &hijacked).await, 1);
        let found = passwords::by_email(db, &email(ADA)).await.expect("an answer").expect("one");
        assert_eq!(found.hash, "again");
    }

    async fn unverified_account_does_not_block_reset_by_owner(database) {
        let db = &database.db;
        let eve = with_password(db, ADA, false, "eve's").await;
        let ada = user(Some(ADA), true);
        identities::create_account(db, &ada, "acme", &vouched("1", ADA, true), &SampleData::default())
            .await
            .expect("a new account");
        let reset = reset(db, &ada, "ada's").await;
        reset.expect("the owner of the mailbox sets a password");
        let found = passwords::by_email(db, &email(ADA)).await.expect("an answer").expect("one");
        assert_eq!(found.user.id, ada.id);
        assert_eq!(passwords::changed_at(db, eve.id).await.expect("an answer"), None);
    }

    async fn deleting_account_removes_all_personal_rows(database) {
        let db = &database.db;
        let (ada, bob) = (with_password(db, ADA, true, "h").await, somebody(db).await);
        let by = sign_in(&ada, CredentialKind::Session);
        sign_ins::insert(db, &by, None).await.expect("stored");
        accounts::link(db, ada.id, by.id, "acme", &profile("1"), NOW).await.expect("linked");
        let (session, jwt) = (sign_in(&ada, CredentialKind::Session), sign_in(&ada, CredentialKind::Jwt));
        for one in [&session, &jwt] {
            sign_ins::insert(db, one, None).await.expect("an answer");
        }
        let ended = sign_in(&ada, CredentialKind::Jwt);
        sign_ins::insert(db, &ended, None).await.expect("an answer");
        sign_ins::end(db, ended.id, ada.id, NOW).await.expect("an answer");
        let bobs = sign_in(&bob, CredentialKind::Jwt);
        sign_ins::insert(db, &bobs, None).await.expect("an answer");
        let sent = Recipient { user_id: ada.id, email: email(ADA) };
        email_tokens::insert(db, "t", Purpose::Reset, &sent, NOW.plus(Span::days(1)))
            .await
            .expect("an answer");
        crate::audit::event(db, Some(ada.id), Some("203.0.113.9")).await;
        crate::audit::event(db, Some(bob.id), Some("198.51.100.7")).await;

        accounts::delete(db, ada.id, NOW).await.expect("an answer");
        assert_eq!(users::by_id(db, ada.id).await.expect("an answer"), None);
        for (table, left) in [
            ("users", 1), ("identities", 1), ("passwords", 0), ("sign_ins", 1),
            ("email_tokens", 0), ("audit_events", 2), ("revocations", 2),
        ] {
            assert_eq!(database.rows(table).await, left, "{table}");
        }
        // All of its JWTs are revoked, including one that had ended; Bob's are not.
        let mut revoked: Vec<_> =
            sign_ins::ended_since(db, NOW.as_millis(), false).await.expect("an answer").into_iter().map(|(id, _)| id).collect();
        revoked.sort();
        let mut expected = vec![jwt.id, ended.id];
        expected.sort();
        assert_eq!(revoked, expected);
        // The remaining audit events are anonymous.
        let events = audit::page(db, None, 10).await.expect("an answer");
        let anonymous = events.iter().filter(|e| e.user_id.is_none() && e.address.is_none()).count();
        assert_eq!(anonymous, 1, "{events:?}");
        assert_eq!(audit::of_user(db, bob.id, None, 10).await.expect("an answer").len(), 1);
        // Deleting it again is fine.
        accounts::delete(db, ada.id, NOW).await.expect("an answer");
    }
}

/// Either a change of the account ends the sign-in, or the sign-in sees its outcome.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn sign_in_waits_for_a_change_of_its_account_on_postgres() {
    const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let database = latchkey_tests::Database::postgres().await;
    let db = &database.db;
    let ada = somebody(db).await;
    let one = sign_in(&ada, CredentialKind::Session);
    let mut operator = PgConnection::connect(&database.url).await.expect("a connection");
    let mut blocking = operator.begin().await.expect("a transaction");
    sqlx::query("UPDATE users SET blocked_at = 1").execute(&mut *blocking).await.expect("blocked");
    let storing = tokio::spawn({
        let db = db.clone();
        async move { sign_ins::insert(&db, &one, None).await }
    });
    let mut observer = PgConnection::connect(&database.url).await.expect("a connection");
    latchkey_tests::until("the sign-in", async || {
        let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut observer).await.expect("one");
        waiting > 0 || storing.is_finished()
    })
    .await;
    blocking.commit().await.expect("committed");
    let stored = storing.await.expect("no panic");
    assert!(matches!(stored, Err(Error::Blocked)), "{stored:?}");
}
