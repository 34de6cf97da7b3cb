use super::prelude::*;

experiment! { 21, "thief", within 2 s,
    "Rotating refresh tokens exposes a thief",
    "We copy a refresh token and use the copy first, so the thief gets its successor. The owner \
     uses the original 2 seconds later, a minute later, or never; we move the clock instead of \
     waiting. Then we send the thief’s next token."
}

/// When the owner refreshes, in seconds after the thief; 0 is never.
const CASES: [(&str, u64); 3] = [
    ("the owner refreshes within the grace period, 2 s later", 2),
    ("the owner refreshes a minute later", 60),
    ("the owner never returns", 0),
];
const ENDED: [&str; 2] = ["400 refresh_token_ended", "400 refresh_token_reused"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_manual_clock()).await?;
    for (case, seconds) in CASES {
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
    let mut detected = [false; 3];
    for (detected, (case, _)) in detected.iter_mut().zip(CASES) {
        *detected = !evidence.accepted(case, &ENDED)?;
    }
    match detected {
        [true, true, true] => yes("The thief’s next token was refused each time."),
        [_, true, _] => only_if(
            "the owner uses their copy too, after the grace period",
            "A minute later, the owner’s refresh revoked all tokens of the sign-in, the thief’s \
             too. Within the grace period of a few seconds, it looks like a browser with two \
             tabs, and both continue. If the owner never returns, the thief is never detected.",
        ),
        _ => no("The thief’s token still worked after the owner had refreshed."),
    }
}
