use super::prelude::*;

experiment! { 21, "thief", within 2 s,
    "Rotation finds the thief",
    "A refresh token is copied, and the copy is used first: the thief has the next one. The owner \
     uses theirs 2 seconds later, a minute later, or never; the clock is moved instead of \
     waiting. Then the thief’s next token is sent."
}

/// Who refreshes first, how many seconds pass until the other does, and what is asked then.
const CASES: [(&str, u64); 3] = [
    ("the second use comes within the grace, 2 s later", 2),
    ("the second use comes a minute later", 60),
    ("the owner never comes back", 0),
];
const ENDED: [&str; 2] = ["400 refresh_token_ended", "400 refresh_token_reused"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_manual_clock()).await?;
    for (case, seconds) in CASES {
        context.step(case);
        let copied = fixture.tokens().await?.refresh_token;
        let (thief, _) = fixture.refresh(&copied).await?;
        if seconds > 0 {
            fixture.instance.advance(Duration::from_secs(seconds)).await?;
            fixture.try_refresh(&copied).await?;
        }
        evidence.add_answer(case, &fixture.try_refresh(&thief.refresh_token).await?);
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let mut found = [false; 3];
    for (found, (case, _)) in found.iter_mut().zip(CASES) {
        *found = !evidence.accepted(case, &ENDED)?;
    }
    match found {
        [true, true, true] => yes("The thief’s next token was refused each time."),
        [_, true, _] => only_if(
            "the owner uses their copy too, and not within the grace",
            "A minute later the second use ended the whole family, and the thief with it. Within \
             the grace of some seconds it looks like a browser with two tabs, and both go on; and \
             whoever is never followed by the owner is never found.",
        ),
        _ => no("The thief went on after the owner had come back."),
    }
}
