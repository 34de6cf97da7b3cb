//! A JWT for people: each member, and what it means.

use latchkey_domain::Timestamp;
use serde_json::Value;

/// One member of a token, and what it means.
#[derive(Debug)]
pub struct Claim {
    pub name: String,
    pub value: String,
    pub meaning: &'static str,
}

/// The members of a header or of a set of claims, for people.
pub fn describe(members: &[(String, Value)]) -> Vec<Claim> {
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
        "nonce" => "Ties it to this sign-in. Shown in part.",
        "at_hash" => "Ties it to its access token.",
        "azp" => "The client it was issued to.",
        "alg" => "How it is signed. Each key has one algorithm; no other is accepted.",
        "kid" => "The key that signed it.",
        "typ" => "The type of token: at+jwt is an access token.",
        "iss" => "Who issued it.",
        "aud" => "Who it is for.",
        "sub" => "Your ID, which never changes.",
        "client_id" => "The client that uses it.",
        "iat" => "When it was issued.",
        "nbf" => "Not valid before.",
        "exp" => "Refused from this time on.",
        "jti" => "This token’s ID.",
        "sid" => "The sign-in it belongs to.",
        "scope" => "What it may do.",
        "roles" => "Your roles when it was issued.",
        "auth_time" => "When you last signed in.",
        "amr" => "How you signed in: pwd is a password, fed a provider.",
        "name" => "Your name.",
        "email" => "Your address when it was issued.",
        "email_verified" => "Whether the address is verified.",
        "created_at" => "When your account was created, in milliseconds.",
        _ => "",
    }
}
