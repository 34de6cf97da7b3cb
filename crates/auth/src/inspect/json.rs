//! A JSON object, read as far as it goes.

use serde_json::Value;

use crate::jose::Members;

/// Why a text is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnObject {
    #[error("breaks off in the middle of its JSON")]
    BreaksOff,
    /// Bytes that are no text.
    #[error("is not UTF-8 text")]
    NotText,
    #[error("is not JSON")]
    NotJson,
    #[error("is nested deeper than anybody reads")]
    TooDeep,
    /// A number that no computer holds.
    #[error("holds a number that is too large to be read")]
    NumberTooLarge,
    #[error("is JSON, but {0} instead of an object")]
    Other(&'static str),
    #[error("goes on after the end of its JSON")]
    GoesOn,
}

/// The members of an object in the order in which they are written, every one
/// of them; and why there are no more.
pub(super) fn read(bytes: &[u8]) -> (Vec<(String, Value)>, Option<NotAnObject>) {
    let (text, broken) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let (good, _) = bytes.split_at(error.valid_up_to());
            // Half a character at the very end was cut off with the rest.
            let broken = match error.error_len() {
                None => NotAnObject::BreaksOff,
                Some(_) => NotAnObject::NotText,
            };
            (std::str::from_utf8(good).unwrap_or_default(), Some(broken))
        }
    };
    if !text.trim_start().starts_with('{') {
        return (Vec::new(), Some(broken.unwrap_or_else(|| kind_of(text))));
    }
    let (members, end) = Members::parse_partial(text);
    let members = members.into_vec();
    let Err(error) = end else { return (members, broken) };
    (members, Some(broken.unwrap_or_else(|| reason(&error))))
}

fn reason(error: &serde_json::Error) -> NotAnObject {
    let said = error.to_string();
    match said {
        _ if error.is_eof() => NotAnObject::BreaksOff,
        said if said.starts_with("recursion limit") => NotAnObject::TooDeep,
        said if said.starts_with("number out of range") => NotAnObject::NumberTooLarge,
        said if said.starts_with("trailing characters") => NotAnObject::GoesOn,
        _ => NotAnObject::NotJson,
    }
}

fn kind_of(text: &str) -> NotAnObject {
    match serde_json::from_str(text) {
        Ok(Value::Array(_)) => NotAnObject::Other("an array"),
        Ok(Value::String(_)) => NotAnObject::Other("a string"),
        Ok(Value::Number(_)) => NotAnObject::Other("a number"),
        Ok(Value::Bool(_)) => NotAnObject::Other("true or false"),
        Ok(Value::Null) => NotAnObject::Other("null"),
        Ok(Value::Object(_)) => NotAnObject::NotJson,
        Err(error) => match reason(&error) {
            NotAnObject::BreaksOff if text.trim().is_empty() => NotAnObject::NotJson,
            reason => reason,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_as_far_as_they_go() {
        let deep = format!("{{\"a\":{}", "[".repeat(200));
        for (json, names, wrong) in [
            (&br#"{"a":1,"b":[2]}"#[..], &["a", "b"][..], None),
            (b"{}", &[], None),
            (br#"{"a":1,"a":2}"#, &["a", "a"], None),
            (br#"{"a":1,"b":"tw"#, &["a"], Some(NotAnObject::BreaksOff)),
            (br#"{"a":1,"b":17"#, &["a"], Some(NotAnObject::BreaksOff)),
            (br#"{"a":1,"b":"17""#, &["a", "b"], Some(NotAnObject::BreaksOff)),
            (b"{\"a\":1,\"b\":\"\xc3", &["a"], Some(NotAnObject::BreaksOff)),
            (b"{\"a\":1,\"b\":\"\xff\xff\"}", &["a"], Some(NotAnObject::NotText)),
            (br#"{"a":1}x"#, &["a"], Some(NotAnObject::GoesOn)),
            (br#"{"a":1,b:2}"#, &["a"], Some(NotAnObject::NotJson)),
            (br#"{"a":1,"b":1e999}"#, &["a"], Some(NotAnObject::NumberTooLarge)),
            (deep.as_bytes(), &[], Some(NotAnObject::TooDeep)),
            (b"[1]", &[], Some(NotAnObject::Other("an array"))),
            (b"\"x\"", &[], Some(NotAnObject::Other("a string"))),
            (b"null", &[], Some(NotAnObject::Other("null"))),
            (b"hello", &[], Some(NotAnObject::NotJson)),
            (b"[1,", &[], Some(NotAnObject::BreaksOff)),
            (b"", &[], Some(NotAnObject::NotJson)),
            (b"\xff", &[], Some(NotAnObject::NotText)),
        ] {
            let (members, found) = read(json);
            let found_names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!((&found_names[..], found), (names, wrong), "{json:?}");
        }
    }
}
