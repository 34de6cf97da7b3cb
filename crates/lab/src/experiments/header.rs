use super::prelude::*;

experiment! { 18, "header", within 2 s,
    "A JWT fits into a header",
    "A program requests tokens while its user gets more and more roles, and sends each token in \
     the Authorization header. We count the bytes of that line; nginx and Apache accept 8 KiB per \
     line by default."
}

const ROLES: [usize; 5] = [0, 50, 130, 300, 512];

const UNIT: &str = "bytes of the header line";
const TOO_LARGE: [&str; 3] = ["401 token_too_large", "431", "400"];

/// The default limit of nginx and Apache; Node allows 16 KiB for all headers.
const MAX_LINE: f64 = 8_192.0;

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    for count in ROLES {
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
        if evidence.accepted(&label(count), &TOO_LARGE)? && bytes <= MAX_LINE {
            fits = Some((count, bytes));
        } else if fails.is_none() {
            fails = Some((count, bytes));
        }
    }
    match (fits, fails) {
        (Some((roles, bytes)), None) => yes(format!("Even {roles} roles fit: {bytes:.0} bytes.")),
        (Some((roles, bytes)), Some((more, larger))) => only_if(
            "it contains no list that grows",
            format!(
                "With {roles} roles, the line has {bytes:.0} bytes, which servers and proxies \
                 accept. With {more}, it has {larger:.0}: too many for the app, or for a proxy in \
                 front of it, which answers 400 or 431 before the app sees the request."
            ),
        ),
        (None, _) => no("Not even the smallest token fits."),
    }
}
