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
        // Latchkey's is in milliseconds; such a number of seconds would be in the year 5138.
        ("created_at", Value::Number(number)) => match number.as_i64() {
            Some(millis) if millis > 100_000_000_000 => {
                format!("{millis} ({})", Timestamp::from_millis(millis))
            }
            _ => number.to_string(),
        },
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_claims_are_readable() {
        for (name, value, text) in [
            ("iat", 1_795_450_320, "1795450320 (23 Nov 2026, 16:12 UTC)"),
            ("created_at", 1_795_450_320_123, "1795450320123 (23 Nov 2026, 16:12 UTC)"),
            ("created_at", 1_795_450_320, "1795450320"),
            ("level", 1_795_450_320_123_i64, "1795450320123"),
        ] {
            assert_eq!(readable(name, &value.into()), text);
        }
    }
}
