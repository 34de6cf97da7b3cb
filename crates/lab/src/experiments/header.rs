use super::prelude::*;

experiment! { 18, "header", within 2 s,
    "It fits into a header",
    "A program asks for a token again and again, with more roles each time, and sends it in the \
     Authorization header. Counted are the bytes of that line; nginx and Apache take 8 KiB of one \
     line, unless they are told otherwise."
}

/// How many roles the person has, in turn.
const ROLES: [usize; 5] = [0, 50, 130, 300, 512];

const UNIT: &str = "bytes of the header line";
const TOO_LARGE: [&str; 3] = ["401 token_too_large", "431", "400"];

/// nginx and Apache take a line of 8 KiB; Node takes 16 KiB of headers in all.
const LINE: f64 = 8_192.0;

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    for count in ROLES {
        context.step(format!("sending a token with {count} roles"));
        fixture.set_roles(count).await?;
        let token = fixture.tokens().await?.access_token;
        let bytes = "authorization: Bearer ".len() + token.len() + 2;
        evidence.add_sample(&label(count), UNIT, as_f64(bytes));
        evidence.add_answer(label(count), &fixture.me(&token).await?);
    }
    Ok(())
}

fn label(roles: usize) -> String {
    format!("a token with {roles} roles")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let (mut fits, mut fails) = (None, None);
    for count in ROLES {
        let bytes = evidence.required_median(&label(count), UNIT)?;
        if evidence.accepted(&label(count), &TOO_LARGE)? && bytes <= LINE {
            fits = Some((count, bytes));
        } else if fails.is_none() {
            fails = Some((count, bytes));
        }
    }
    match (fits, fails) {
        (Some((roles, bytes)), None) => yes(format!("Even {roles} roles fit: {bytes:.0} bytes.")),
        (Some((roles, bytes)), Some((more, larger))) => only_if(
            "it carries no list that grows",
            format!(
                "With {roles} roles the line has {bytes:.0} bytes, which everything on the way \
                 takes. With {more} it has {larger:.0}: too many for the app, or for a proxy in \
                 front of it, which answers 400 or 431 before the app sees anything."
            ),
        ),
        (None, _) => no("Not even the smallest token fits."),
    }
}
