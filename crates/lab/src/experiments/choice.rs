//! Claim 16: "choose OAuth for delegation, JWT for simple stateless APIs".

use super::prelude::*;

const UNIT: &str = "opens the API";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 16,
    slug: "choice",
    sentence: "Choose OAuth for delegation, JWT for simple stateless APIs",
    method: "If the two were rivals, one would exclude the other. So the experiment signs in \
             through each door with each key, and calls GET /api/v1/me with what it got.",
    honest: "These are two choices: a door and a key.",
    budget: Duration::from_secs(2),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.doing("trying each door with each key");
    for method in SignInMethod::ALL {
        let mut bodies = Vec::new();
        for credential in Credential::ALL {
            let (mut browser, _) = fixture.sign_in(method, credential).await?;
            let answer = fixture.get(&mut browser, "/api/v1/me").await?;
            let opened = if answer.status == StatusCode::OK { 1.0 } else { 0.0 };
            evidence.add_sample(&combination(method, credential), UNIT, opened);
            bodies.push(answer.body);
        }
        let same = if bodies.windows(2).all(|pair| pair[0] == pair[1]) { "yes" } else { "no" };
        evidence.add_fact(format!("{}: the same bytes with either key", method.name()), same);
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> Verdict {
    let labels = combinations().map(|(method, credential)| combination(method, credential));
    let values: Vec<_> =
        labels.map(|label| evidence.values(&label, UNIT)).filter(|one| !one.is_empty()).collect();
    let opened = values.iter().filter(|values| all_are(values, 1.0)).count();
    match (values.len(), opened) {
        (4, 4) => Verdict::only_if(
            "they are taken as two choices: a door and a key",
            "All four combinations opened the same API. OAuth is about how you sign in and what \
             another app may do; a JWT is one of the things that you can hold afterwards.",
        ),
        (4, _) => Verdict::yes(format!("Only {opened} of the four combinations opened the API.")),
        _ => Verdict::undecided("One of the four combinations is missing."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rivals_would_exclude_each_other() {
        for (jwt_by_oauth, expected) in [(1.0, "true if"), (0.0, "true")] {
            let evidence = Evidence::default().and([
                ("OAuth + session", UNIT, 1.0),
                ("OAuth + JWT", UNIT, jwt_by_oauth),
                ("password + session", UNIT, 1.0),
                ("password + JWT", UNIT, 1.0),
            ]);
            assert_eq!(judge(&evidence).word(), expected);
        }
    }
}
