//! Formats the header and claims of a JWT; `templates/claims.html` explains each.

use latchkey_domain::Timestamp;
use serde_json::Value;

/// Name and readable value.
pub type Claim = (String, String);

pub fn describe(members: &[(String, Value)]) -> Vec<Claim> {
    members.iter().map(|(name, value)| (name.clone(), readable(name, value))).collect()
}

fn readable(name: &str, value: &Value) -> String {
    match (name, value) {
        ("iat" | "nbf" | "exp" | "auth_time", Value::Number(number)) => match number.as_i64() {
            Some(seconds) => format!("{seconds} ({})", Timestamp::from_seconds(seconds)),
            None => number.to_string(),
        },
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}
