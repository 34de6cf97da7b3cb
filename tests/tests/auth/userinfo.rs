//! Profiles from providers (OpenID Connect Core §5.1).

use latchkey_auth::oauth::userinfo::{merge, profile};
use latchkey_domain::Email;
use latchkey_domain::identity::{InvalidSubject, Subject};
use serde_json::{Value, json};

#[test]
fn profile_claims_of_the_wrong_type_are_ignored() -> Result<(), InvalidSubject> {
    let ada = Some("ada@x.test");
    for (claims, name, email, verified) in [
        (json!({"name": "Ada", "email": "Ada@x.test", "email_verified": true}), "Ada", ada, true),
        (json!({"name": "Ada", "email": "ada@x.test", "email_verified": "true"}), "Ada", ada, true),
        (json!({"email": "ada@x.test", "email_verified": "false"}), "ada@x.test", ada, false),
        (json!({"email": "ada@x.test", "email_verified": 1}), "ada@x.test", ada, false),
        (json!({"email": "ada@x.test"}), "ada@x.test", ada, false),
        (json!({"email": "", "email_verified": true, "preferred_username": "a"}), "a", None, false),
        (json!({"name": 1, "email": ["a@x.test"], "email_verified": true}), "Someone", None, false),
        (json!({"name": "\0", "email": "a\r\n@x.test"}), "Someone", None, false),
        (
            json!({"given_name": "Ada", "family_name": "L", "preferred_username": "a"}),
            "Ada L",
            None,
            false,
        ),
        (json!({"family_name": "Lovelace", "nickname": "al"}), "Lovelace", None, false),
        (json!({"given_name": "", "family_name": " ", "nickname": "al"}), "al", None, false),
        (json!({"name": "Countess", "given_name": "Ada"}), "Countess", None, false),
    ] {
        let Value::Object(map) = claims.clone() else { continue };
        let profile = profile("https://op.test", Subject::new("1")?, &map);
        assert_eq!(profile.name.as_str(), name, "{claims}");
        assert_eq!(profile.email.as_ref().map(Email::as_str), email, "{claims}");
        assert_eq!(profile.email_verified, verified, "{claims}");
    }
    Ok(())
}

/// Otherwise an address from one document would be verified by the other.
#[test]
fn email_and_email_verified_share_one_source() {
    let (mine, victim) = ("mine@x.test", "victim@x.test");
    let said = |email: &str, verified: bool| json!({"email": email, "email_verified": verified});
    let verified_alone = || json!({"email_verified": true});
    for (id_token, profile, email, verified) in [
        (said(mine, true), json!({"email": victim}), Some(victim), false),
        (said(mine, true), said(victim, true), Some(victim), true),
        (said(mine, true), json!({"email": "Mine@X.test"}), Some(mine), true),
        (said(mine, false), said(mine, true), Some(mine), false),
        (json!({"email": mine}), verified_alone(), Some(mine), false),
        (verified_alone(), json!({"email": victim}), Some(victim), false),
        (said(mine, true), json!({"email": 1, "email_verified": true}), Some(mine), true),
        (json!({"email": mine, "email_verified": "true"}), json!({}), Some(mine), true),
        (json!({}), verified_alone(), None, false),
    ] {
        let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let merged = merge(map(&id_token), Some(map(&profile)));
        let what = format!("{id_token} {profile}");
        assert_eq!(merged.get("email").and_then(Value::as_str), email, "{what}");
        assert_eq!(merged.get("email_verified"), Some(&json!(verified)), "{what}");
    }
}
