//! What was done, told at the top of the account page.

/// Back to the account page, with a word on what was done.
pub(super) fn done(what: &str) -> String {
    format!("/account?done={what}")
}

pub(super) fn sentence(done: &str) -> Option<&'static str> {
    Some(match done {
        "linked" => "Linked. You can now sign in with it.",
        "unlinked" => "Unlinked. It no longer signs you in.",
        "password" => "Your password is set, and you’re signed out on all other devices.",
        "proved" => "Thank you, that was you. Now repeat what you wanted to do.",
        "ended" => "Revoked. You’re signed out there.",
        "verified" => "E-mail address verified.",
        "letter" => "Check your inbox: an e-mail is on its way.",
        _ => return None,
    })
}
