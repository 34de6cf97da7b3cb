//! Claim 16: "choose OAuth for delegation, JWT for simple stateless APIs".

use std::time::Duration;

use http::StatusCode;

use super::{Claim, Measuring, closing};
use crate::doors::{self, Door, Key, combination};
use crate::evidence::Evidence;
use crate::stats::all_are;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Place, Result, Wishes};

const UNIT: &str = "opens the API";

pub(super) const CLAIM: Claim = Claim {
    number: 16,
    slug: "choice",
    sentence: "Choose OAuth for delegation, JWT for simple stateless APIs",
    method: "If the two were rivals, one would exclude the other. So each door is entered with \
             each key, and GET /api/v1/me is asked with what is carried afterwards.",
    honest: "The choice is two choices: a door and a key.",
    budget: Duration::from_secs(2),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let measured = combine(bench, place.as_ref()).await;
        closing(vec![place], measured).await
    })
}

async fn combine(bench: &Bench<'_>, place: &dyn Place) -> Result<Evidence> {
    bench.doing("trying each door with each key");
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    let mut evidence = Evidence::default();
    for door in Door::ALL {
        let mut bodies = Vec::new();
        for key in Key::ALL {
            let mut agent = nobody.stranger();
            match door {
                Door::OAuth => doors::by_oauth(&mut agent, place, "grace", key).await?,
                Door::Password => doors::by_password(&mut agent, place.url(), &email, key).await?,
            };
            let answer = agent.send(doors::me(place.url())?).await?;
            let opened = if answer.status == StatusCode::OK { 1.0 } else { 0.0 };
            evidence.sample(&combination(door, key), UNIT, opened);
            bodies.push(answer.body);
        }
        let same = if bodies.windows(2).all(|pair| pair[0] == pair[1]) { "yes" } else { "no" };
        evidence.fact(format!("{}: the same bytes with either key", door.name()), same);
    }
    Ok(evidence)
}

fn judge(evidence: &Evidence) -> Verdict {
    let mut opened = 0;
    for door in Door::ALL {
        for key in Key::ALL {
            let values = evidence.values(&combination(door, key), UNIT);
            if values.is_empty() {
                return Verdict::undecided("One of the four combinations is missing.");
            }
            opened += usize::from(all_are(values, 1.0));
        }
    }
    if opened == 4 {
        return Verdict::only_if(
            "they are taken as two choices: a door and a key",
            "All four combinations opened the same API. OAuth says who comes in and what another \
             app may do; a JWT is one of the things that can be carried afterwards.",
        );
    }
    Verdict::yes(format!("Only {opened} of the four combinations opened the API."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rivals_would_exclude_each_other() {
        for (jwt_by_oauth, expected) in [(1.0, "true if"), (0.0, "true")] {
            let mut evidence = Evidence::default();
            for (label, value) in [
                ("OAuth + session", 1.0),
                ("OAuth + JWT", jwt_by_oauth),
                ("password + session", 1.0),
                ("password + JWT", 1.0),
            ] {
                evidence.sample(label, UNIT, value);
            }
            assert_eq!(judge(&evidence).word(), expected);
        }
    }
}
