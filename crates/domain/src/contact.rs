//! Contacts: somebody's address book.

use serde::{Deserialize, Serialize};

use crate::{ContactId, Email, Timestamp, UserId};

/// The longest name and the longest telephone number, in characters.
const MAX_NAME: usize = 200;
const MAX_PHONE: usize = 40;

/// A contact, which belongs to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub id: ContactId,
    pub user_id: UserId,
    pub details: Details,
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a contact says, once it has been looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Never empty.
    pub name: String,
    pub email: Option<Email>,
    pub phone: Option<String>,
}

/// A field that does not make sense, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    pub field: &'static str,
    pub message: &'static str,
}

impl Details {
    /// Looks at what somebody wrote.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn check(
        name: &str,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Result<Self, Vec<Invalid>> {
        let mut invalid = Vec::new();
        let name = name.trim();
        if name.is_empty() {
            invalid.push(Invalid { field: "name", message: "Enter a name." });
        } else if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            invalid.push(Invalid {
                field: "name",
                message: "Use at most 200 characters, without control characters.",
            });
        }
        let email = email.filter(|email| !email.trim().is_empty()).map(Email::parse);
        if let Some(Err(_)) = email {
            invalid.push(Invalid { field: "email", message: "Enter an e-mail address." });
        }
        let phone = phone.map(str::trim).filter(|phone| !phone.is_empty());
        if phone.is_some_and(|phone| !is_phone(phone)) {
            invalid.push(Invalid {
                field: "phone",
                message: "Use at most 40 digits, spaces and + - . ( ) /.",
            });
        }
        if invalid.is_empty() {
            let phone = phone.map(str::to_owned);
            Ok(Self { name: name.to_owned(), email: email.and_then(Result::ok), phone })
        } else {
            Err(invalid)
        }
    }
}

fn is_phone(text: &str) -> bool {
    text.chars().count() <= MAX_PHONE
        && text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || " +-.()/".contains(c))
}

/// The contacts that a new account begins with, so that there is something to see.
#[must_use]
pub fn first() -> [Details; 3] {
    let details = |name: &str, address: &str, phone: Option<&str>| Details {
        name: name.to_owned(),
        email: Email::parse(address).ok(),
        phone: phone.map(str::to_owned),
    };
    [
        details("Annie Easley", "annie@example.test", Some("+1 216 555 0142")),
        details("Dennis Ritchie", "dennis@example.test", None),
        details("Radia Perlman", "radia@example.test", Some("+1 617 555 0187")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_checked_all_at_once() {
        let fields = |name: &str, email: Option<&str>, phone: Option<&str>| {
            let invalid = Details::check(name, email, phone).err().unwrap_or_default();
            invalid.into_iter().map(|invalid| invalid.field).collect::<Vec<_>>()
        };
        assert_eq!(fields("Ada", None, None), [""; 0]);
        assert_eq!(fields("Ada", Some(" "), Some("")), [""; 0]);
        assert_eq!(fields("Ada", Some("ada@x.test"), Some("+44 (0)20 555-01.23/4")), [""; 0]);
        assert_eq!(fields(" ", Some("ada"), Some("call me")), ["name", "email", "phone"]);
        assert_eq!(fields("a\0b", None, None), ["name"]);
        assert_eq!(fields(&"x".repeat(201), None, Some(&"1".repeat(41))), ["name", "phone"]);
        assert_eq!(fields("Ada", None, Some("+")), ["phone"]);
    }
}
