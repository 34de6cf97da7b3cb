use super::prelude::*;

experiment! { 24, "key-rotation", within 3 s,
    "Rotating the signing key takes one click",
    "Two processes share a database. The second one starts with another algorithm, and so with a \
     new key. We send it a token signed with the old key, and send a token signed with the new \
     key to the first process until it is accepted."
}

const OLD: &str = "a token signed with the old key, at the second process";
const NEW: &str = "a token signed with the new key, at the first process";
const WAITED: &str = "until the first process accepted it";
const UNKNOWN: [&str; 1] = ["401 token_key_unknown"];

const TIMEOUT: Duration = Duration::from_secs(3);

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let first = context.start(&InstanceOptions::default()).await?;
    let old = first.tokens().await?.access_token;
    let options = InstanceOptions::default().sharing_storage_with(first.instance)?;
    let second = context.start(&options.set("JWT_ALGORITHM", "ES256")).await?;
    let new = second.tokens().await?.access_token;
    evidence.add_answer(OLD, &second.me(&old).await?);
    let start = std::time::Instant::now();
    loop {
        let answer = first.me(&new).await?;
        if answer.status == StatusCode::OK || start.elapsed() > TIMEOUT {
            evidence.add_answer(NEW, &answer);
            evidence.add_sample(WAITED, "ms", start.elapsed().as_secs_f64() * 1000.0);
            return Ok(());
        }
        evidence.add_sample(NEW, "refusals", 1.0);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let (old, new) = (evidence.accepted(OLD, &UNKNOWN)?, evidence.accepted(NEW, &UNKNOWN)?);
    let refusals = evidence.values(NEW, "refusals").len();
    let waited = evidence.required_median(WAITED, "ms")?;
    if !old || !new {
        return no("After the rotation, valid tokens kept being refused.");
    }
    if refusals > 0 {
        return only_if(
            "every verifier reloads the keys when it meets an unknown one",
            format!("{refusals} valid tokens were refused, for {waited:.0} ms."),
        );
    }
    yes("Tokens signed with the old key stayed valid, and the first process accepted the first \
         token signed with the new key: it reloads the keys when it meets an unknown one.")
}
