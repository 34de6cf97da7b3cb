//! Claim 5: "A JWT is self-contained".

use std::time::Duration;

use super::seen::{get, said};
use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::Evidence;
use crate::ground::Switch;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Place, Result, Wishes};

const ME: &str = "/api/v1/me";
const CONTACTS: &str = "/api/v1/contacts";
const SAME: &str = "JWT: the same bytes as before";

pub(super) const CLAIM: Claim = Claim {
    number: 5,
    slug: "without-database",
    sentence: "A JWT is self-contained",
    method: "Two browsers are signed in, one with each key. Then the database is cut off from \
             the app, and both ask who they are and for their contacts.",
    honest: "What stands in the token can be read; anything else cannot.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let measured = cut_off(bench, place.as_ref()).await;
        closing(vec![place], measured).await
    })
}

async fn cut_off(bench: &Bench<'_>, place: &dyn Place) -> Result<Evidence> {
    bench.doing("signing in with each key");
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    let mut evidence = Evidence::default();
    let mut people = Vec::new();
    for key in Key::ALL {
        let mut agent = nobody.stranger();
        doors::by_password(&mut agent, place.url(), &email, key).await?;
        let before = get(&mut agent, place.url(), ME).await?;
        evidence.fact(label(key, ME, "before"), said(&before));
        people.push((key, agent, before.body));
    }
    bench.doing("asking without a database");
    place.switch(Switch::CutDatabase).await?;
    for (key, agent, before) in &mut people {
        for path in [ME, CONTACTS] {
            let answer = get(agent, place.url(), path).await?;
            evidence.fact(label(*key, path, "without the database"), said(&answer));
            if *key == Key::Jwt && path == ME {
                let same = if answer.body == *before { "yes" } else { "no" };
                evidence.fact(SAME, same);
            }
        }
    }
    Ok(evidence)
}

fn label(key: Key, path: &str, when: &str) -> String {
    format!("{}, GET {path}, {when}", key.name())
}

fn judge(evidence: &Evidence) -> Verdict {
    let cut = |key, path| evidence.seen(&label(key, path, "without the database"));
    let before = |key| evidence.seen(&label(key, ME, "before")) == Some("200");
    let (Some(session), Some(jwt), Some(contacts), Some(same)) =
        (cut(Key::Session, ME), cut(Key::Jwt, ME), cut(Key::Jwt, CONTACTS), evidence.seen(SAME))
    else {
        return Verdict::undecided("Not every question was asked.");
    };
    if !(before(Key::Session) && before(Key::Jwt)) {
        return Verdict::undecided("A key did not open before the database was cut off.");
    }
    if session == "200" {
        return Verdict::undecided("The session opened too: the database was not cut off.");
    }
    if jwt != "200" || same != "yes" {
        return Verdict::no(format!("Without the database the JWT was answered with {jwt}."));
    }
    if contacts == "200" {
        return Verdict::yes("Without the database the JWT opened everything.");
    }
    Verdict::only_if(
        "what is asked for stands in the token",
        format!(
            "Without the database the JWT still said who its person is, byte for byte, where the \
             session was answered with {session}. Contacts are not in the token: {contacts}."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_says_what_it_holds_and_no_more() {
        let with = |session: &str, jwt: &str, contacts: &str, same: &str| {
            let mut evidence = Evidence::default();
            evidence.fact(label(Key::Session, ME, "before"), "200");
            evidence.fact(label(Key::Jwt, ME, "before"), "200");
            evidence.fact(label(Key::Session, ME, "without the database"), session);
            evidence.fact(label(Key::Jwt, ME, "without the database"), jwt);
            evidence.fact(label(Key::Jwt, CONTACTS, "without the database"), contacts);
            evidence.fact(SAME, same);
            judge(&evidence).word()
        };
        let down = "503 database_down";
        assert_eq!(with(down, "200", down, "yes"), "true if");
        assert_eq!(with(down, "200", "200", "yes"), "true");
        assert_eq!(with(down, down, down, "no"), "false");
        assert_eq!(with(down, "200", down, "no"), "false");
        assert_eq!(with("200", "200", "200", "yes"), "undecided");
    }
}
