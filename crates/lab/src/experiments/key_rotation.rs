use super::prelude::*;

experiment! { 24, "key-rotation", within 3 s,
    "Rotating the key is a click",
    "Two processes share a database. The second one is started with another algorithm, and so \
     with a new key. A token of the old key is sent to it, and one of the new key to the process \
     that was there before, again and again until it takes one."
}

const OLD: &str = "a token from before the rotation, at the process that signs with the new key";
const NEW: &str = "a token of the new key, at the process that runs since before";
const WAITED: &str = "that process, until it took one";
const UNKNOWN: [&str; 1] = ["401 token_key_unknown"];

/// For how long the other process is asked.
const PATIENCE: Duration = Duration::from_secs(3);

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let before = context.start(&InstanceOptions::default()).await?;
    let old = before.tokens().await?.access_token;
    context.step("starting a process with a new key");
    let options = InstanceOptions::default().sharing_storage_with(before.instance)?;
    let after = context.start(&options.set("JWT_ALGORITHM", "ES256")).await?;
    let new = after.tokens().await?.access_token;
    evidence.add_answer(OLD, &after.me(&old).await?);
    let start = std::time::Instant::now();
    loop {
        let answer = before.me(&new).await?;
        let is_taken = answer.status == StatusCode::OK;
        if is_taken || start.elapsed() > PATIENCE {
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
        return no("Good tokens were refused after it, and went on being refused.");
    }
    if refusals > 0 {
        return only_if(
            "every verifier reads the keys anew when it meets one that it does not know",
            format!("{refusals} good tokens were refused, for {waited:.0} ms."),
        );
    }
    yes("Tokens of the old key stayed good, and the process that was there before took the first \
         token of the new one: it read the keys again when it met one that it did not know.")
}
