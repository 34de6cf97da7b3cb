//! A JWT for people: each member, and what it means.

use latchkey_domain::Timestamp;
use serde_json::Value;

use crate::templates::Claim;

/// The members of a header or of a set of claims, for people.
pub(crate) fn describe(members: &[(String, Value)]) -> Vec<Claim> {
    members.iter().map(|(name, value)| claim(name, value)).collect()
}

fn claim(name: &str, value: &Value) -> Claim {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_time = ["iat", "nbf", "exp", "auth_time"].contains(&name);
    let value = match value.as_i64().filter(|_| is_time) {
        Some(seconds) => format!("{seconds} ({})", Timestamp::from_seconds(seconds)),
        None => text,
    };
    Claim { name: name.to_owned(), value, meaning: meaning(name) }
}

fn meaning(name: &str) -> &'static str {
    match name {
        "nonce" => "Ties it to this very sign-in. Shown in part.",
        "at_hash" => "Ties it to the access token that came with it.",
        "azp" => "Which client it was issued to.",
        "alg" => "How it is signed. Each key has one algorithm; no other is accepted.",
        "kid" => "Which key signed it.",
        "typ" => "What kind of token it is: at+jwt is an access token.",
        "iss" => "Who issued it.",
        "aud" => "Who it is for.",
        "sub" => "You: your id, which never changes.",
        "client_id" => "Which program carries it.",
        "iat" => "When it was issued.",
        "nbf" => "Not valid before.",
        "exp" => "Refused from then on.",
        "jti" => "This token’s own number.",
        "sid" => "The sign-in that it belongs to.",
        "scope" => "What it may do.",
        "roles" => "What you are here, as of its issue.",
        "auth_time" => "When you last proved who you are.",
        "amr" => "How you proved it: pwd is a password here, fed a provider.",
        "name" => "What to call you.",
        "email" => "Your address, as of its issue.",
        "email_verified" => "Whether somebody proved that the address is yours.",
        "created_at" => "When your account was made, in milliseconds.",
        _ => "",
    }
}
