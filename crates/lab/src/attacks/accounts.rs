//! Getting into somebody's account, or finding out that there is one.

use super::attacks;
use super::judge::Expect::{Alike, Code, Lands, Limited, Still, Without};
use super::people::{Passer, address, come_back};
use super::stage::{Outcome, Stage};

/// More guesses than anybody gets, and fewer than an address may make.
const GUESSES: usize = 13;

attacks! { Accounts:
    "brute_force", "Guessing a password", "OWASP ASVS V6.3.1, RFC 6585 §4",
    "crates/web/src/limits.rs", "wrong",
    "The thief tries one password after another. After ten the account is closed to the thief’s address for a while, and not even the right one is looked at.",
    &[Limited], brute_force;

    "enumeration_sign_in", "Who has an account? At the sign-in", "OWASP ASVS V6.3.8",
    "crates/web/src/password.rs", "check",
    "The thief types a wrong password for an address that has an account, and for one that has none, and compares the answers.",
    &[Code(401, "wrong_credentials"), Alike], enumeration_sign_in;

    "enumeration_sign_up", "Who has an account? At the sign-up", "OWASP ASVS V6.3.8",
    "crates/web/src/pages/sign_up.rs", "act",
    "The thief signs up with an address that is free, and with one that is taken. Only letters tell the difference.",
    &[Lands("/sign-in?welcome=1&next=%2Faccount"), Alike], enumeration_sign_up;

    "enumeration_forgot", "Who has an account? At the forgotten password", "OWASP ASVS V6.3.8",
    "crates/web/src/pages/recovery.rs", "forgot",
    "The thief has a letter sent to an address that has an account, and to one that has none.",
    &[Still("If that address has an account"), Alike], enumeration_forgot;

    "pre_hijacking", "There before the victim", "Pre-hijacked accounts (Sudhodanan, Paverd 2022)",
    "crates/domain/src/identity.rs", "whose_account",
    "The thief signs up with the victim’s address and a password, and waits. The victim comes through Google: they must not meet in one account.",
    &[Still("\"email_verified\":false")], pre_hijacking;

    "email_twin", "Another identity with the same address", "OpenID Connect Core §5.7",
    "crates/auth/src/admission.rs", "admit",
    "The thief has an account at the provider with the victim’s address. An address alone opens nothing: the number of the account at the provider counts.",
    &[Code(409, "email_taken"), Code(401, "sign_in_required")], email_twin;

    "link_by_callback", "The thief’s identity as a way in", "RFC 9700 §4.7",
    "crates/auth/src/oauth/attempt.rs", "belongs",
    "The thief sets out to link an identity, stops before the last redirect, and has the victim open it, who is signed in.",
    &[Code(400, "attempt_other_browser")], link_by_callback;

    "sql_in_email", "SQL in the address", "OWASP ASVS V1.2.4",
    "crates/store/src/passwords.rs", "by_email",
    "The thief types SQL instead of an address.",
    &[Code(401, "wrong_credentials")], sql_in_email;

    "weak_password", "A password that everybody tries", "OWASP ASVS V6.2.4",
    "crates/web/src/pages/sign_up.rs", "checked",
    "The victim takes one of the passwords that a thief tries first.",
    &[Code(422, "validation_failed")], weak_password;

    "script_in_name", "A script for a name", "OWASP ASVS V3.2.2",
    "crates/web/src/templates/mod.rs", "into_response",
    "The thief is called <img src=x onerror=…>, and waits until an administrator looks at the list.",
    &[Without("<img src=x"), Still("&#60;img src=x")], script_in_name;
}

async fn brute_force(stage: &mut Stage) -> Outcome {
    let account = stage.account("Greta Guessed", &address()?).await?;
    let mut thief = stage.thiefs_browser();
    let guess = |password: &str| [("email", account.email.clone()), ("password", password.into())];
    let mut guesses = Vec::new();
    for n in 0..GUESSES {
        guesses.push(guess(&format!("the guess number {n}")));
    }
    let mut judged = 0;
    for fields in &guesses {
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let form = stage.form("/sign-in", &fields)?;
        if stage.quietly(&mut thief, form).await?.status.as_u16() == 429 {
            break;
        }
        judged += 1;
    }
    let note = format!("After {judged} wrong passwords, one more");
    let form =
        stage.form("/sign-in", &[("email", &account.email), ("password", "and one more")])?;
    stage.attack(&mut thief, &note, form).await?;
    let right = [("email", &*account.email), ("password", &*account.password)];
    let form = stage.form("/sign-in", &right)?;
    stage.attack(&mut thief, "And the right one", form).await?;
    Ok(())
}

async fn enumeration_sign_in(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let mut thief = stage.thiefs_browser();
    for (note, email) in [("An address with an account", owner.email), ("One without", address()?)]
    {
        let fields = [("email", &*email), ("password", "not the password of anybody")];
        let form = stage.form("/sign-in", &fields)?;
        stage.attack(&mut thief, note, form).await?;
    }
    Ok(())
}

async fn enumeration_sign_up(stage: &mut Stage) -> Outcome {
    let email = address()?;
    let taken = stage.owner().await?.email;
    let mut thief = stage.thiefs_browser();
    let password = super::stage::random()?;
    for (note, email) in [("An address that is free", &email), ("One that is taken", &taken)] {
        let fields = [("name", "Theo Thief"), ("email", &**email), ("password", &*password)];
        let form = stage.form("/sign-up", &fields)?;
        stage.attack(&mut thief, note, form).await?;
    }
    Ok(())
}

async fn enumeration_forgot(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let mut thief = stage.thiefs_browser();
    for (note, email) in [("An address with an account", owner.email), ("One without", address()?)]
    {
        let form = stage.form("/forgot", &[("email", &email)])?;
        stage.attack(&mut thief, note, form).await?;
    }
    Ok(())
}

async fn pre_hijacking(stage: &mut Stage) -> Outcome {
    stage.provider()?;
    let victim = Passer::new(address()?)?;
    // The thief types the victim's address, and is in.
    let thief = stage.account("Theo Thief", &victim.email).await?;
    let mut browser = stage.browser();
    let authorize = stage.set_out(&mut browser, "/auth/google").await?;
    let callback = stage.allow(&authorize, &victim, "none").await?;
    let back = come_back(callback);
    let note = "The victim comes through Google, with the address proved";
    stage.control(&mut browser, note, back, 303).await?;
    let mut thiefs = thief.keeper();
    stage.attack(&mut thiefs, "What the thief’s password opens", stage.get("/api/v1/me")?).await?;
    Ok(())
}

async fn email_twin(stage: &mut Stage) -> Outcome {
    let victim = stage.passer()?;
    let mut browser = stage.browser();
    let callback = stage.waiting(&mut browser, "none").await?;
    stage.control(&mut browser, "The victim signs in", come_back(callback), 303).await?;
    let twin = Passer::new(victim.email)?;
    let mut thief = stage.thiefs_browser();
    let authorize = stage.set_out(&mut thief, "/auth/google").await?;
    let callback = stage.allow(&authorize, &twin, "none").await?;
    stage.attack(&mut thief, "The twin comes back from Google", come_back(callback)).await?;
    stage.attack(&mut thief, "Is the thief signed in?", stage.get("/account")?).await?;
    Ok(())
}

async fn link_by_callback(stage: &mut Stage) -> Outcome {
    let (owner, own) = (stage.owner().await?, stage.thief().await?);
    let mut victim = stage.signed_in(&owner, "session").await?;
    let mut thief = stage.thiefs_browser();
    stage.sign_in(&mut thief, &own.email, &own.password, "session").await?;
    let twin = Passer::new(address()?)?;
    let authorize = stage.set_out(&mut thief, "/account/link/google").await?;
    let callback = stage.allow(&authorize, &twin, "none").await?;
    let opened = come_back(callback.clone());
    stage.attack(&mut victim, "The victim opens it", opened).await?;
    stage.control(&mut thief, "Where it began, it is good", come_back(callback), 303).await?;
    Ok(())
}

async fn sql_in_email(stage: &mut Stage) -> Outcome {
    let mut thief = stage.thiefs_browser();
    let owner = stage.owner().await?;
    let sql = format!("{}' OR '1'='1' --", owner.email);
    for email in [&*sql, "' OR 1=1 --"] {
        let form = stage.form("/sign-in", &[("email", email), ("password", "' OR '1'='1")])?;
        stage.attack(&mut thief, "SQL for an address", form).await?;
    }
    Ok(())
}

async fn weak_password(stage: &mut Stage) -> Outcome {
    let email = address()?;
    let mut victim = stage.browser();
    for password in ["password", "12345678", "qwertyuiop"] {
        let fields = [("name", "Vic"), ("email", &*email), ("password", password)];
        let form = stage.form("/sign-up", &fields)?;
        stage.attack(&mut victim, "One of the first that are tried", form).await?;
    }
    Ok(())
}

async fn script_in_name(stage: &mut Stage) -> Outcome {
    const NAME: &str = "<img src=x onerror=alert(1)>";
    let account = stage.account(NAME, &address()?).await?;
    let mut browser = account.keeper();
    for note in ["A page that greets by name", "The name is there, as text"] {
        stage.attack(&mut browser, note, stage.get("/account")?).await?;
    }
    Ok(())
}
