//! Claim 12: "Roles and permissions travel in the token".

use std::time::Duration;

use super::seen::{bearing, get, said};
use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::Evidence;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Place, Result, Wishes};

/// A route for people with the role `admin` alone.
const ROUTE: &str = "/api/v1/admin/users";

/// What happens to the role, and what the session and the JWT are answered.
const STEPS: [&str; 3] = ["without the role", "the role was given", "the role was taken away"];

pub(super) const CLAIM: Claim = Claim {
    number: 12,
    slug: "roles",
    sentence: "Roles and permissions travel in the token",
    method: "A role is given to an account and taken away again, as latchkey user role does. \
             Each time a session, a JWT from before and the same JWT after a refresh ask for \
             what only that role may see.",
    honest: "The session knows at the next request, the JWT at the next refresh: that is the \
             price of being self-contained.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let measured = change(bench, place.as_ref()).await;
        closing(vec![place], measured).await
    })
}

async fn change(bench: &Bench<'_>, place: &dyn Place) -> Result<Evidence> {
    bench.doing("signing in with each key");
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    let mut browser = nobody.stranger();
    doors::by_password(&mut browser, place.url(), &email, Key::Session).await?;
    let mut tokens = doors::tokens(&nobody, place.url(), &email).await?;
    let mut evidence = Evidence::default();
    for step in STEPS {
        bench.doing(step);
        match step {
            "the role was given" => place.give_roles(&email, &["admin".to_owned()]).await?,
            "the role was taken away" => place.give_roles(&email, &[]).await?,
            _ => {}
        }
        let session = get(&mut browser, place.url(), ROUTE).await?;
        evidence.fact(label("session", step), said(&session));
        let jwt = bearing(&nobody, place.url(), ROUTE, &tokens.access_token).await?;
        evidence.fact(label("JWT", step), said(&jwt));
        tokens = doors::refresh(&nobody, place.url(), &tokens.refresh_token).await?;
        let refreshed = bearing(&nobody, place.url(), ROUTE, &tokens.access_token).await?;
        evidence.fact(label("refreshed JWT", step), said(&refreshed));
    }
    Ok(evidence)
}

fn label(key: &str, step: &str) -> String {
    format!("{key}, {step}")
}

fn judge(evidence: &Evidence) -> Verdict {
    let mut let_in = Vec::new();
    for key in ["session", "JWT", "refreshed JWT"] {
        for step in STEPS {
            match evidence.seen(&label(key, step)) {
                Some(said) => let_in.push(said == "200"),
                None => return Verdict::undecided("Not everybody was asked at each step."),
            }
        }
    }
    match let_in[..] {
        [false, true, false, false, false, true, false, true, false] => Verdict::yes(
            "They travel, and are as old as the token. The session knew of the change at the next \
             request; the JWT went on with the old role, also when it was taken away, until its \
             next refresh.",
        ),
        [false, true, false, false, true, false, false, true, false] => {
            Verdict::no("The JWT knew of the change at once: the role was looked up elsewhere.")
        }
        _ => Verdict::undecided("The answers make no sense together."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(session: [bool; 3], jwt: [bool; 3], refreshed: [bool; 3]) -> &'static str {
        let mut evidence = Evidence::default();
        for (key, row) in [("session", session), ("JWT", jwt), ("refreshed JWT", refreshed)] {
            for (step, let_in) in STEPS.into_iter().zip(row) {
                evidence.fact(label(key, step), if let_in { "200" } else { "403 role_required" });
            }
        }
        judge(&evidence).word()
    }

    #[test]
    fn old_roles_are_the_price() {
        let now = [false, true, false];
        assert_eq!(with(now, [false, false, true], now), "true");
        assert_eq!(with(now, now, now), "false");
        assert_eq!(with(now, [true; 3], now), "undecided");
        assert_eq!(with([false; 3], [false; 3], [false; 3]), "undecided");
    }
}
