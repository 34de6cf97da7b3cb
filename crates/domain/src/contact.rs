//! Contacts: a person's address book.

use serde::{Deserialize, Serialize};

use crate::{ContactId, Email, Timestamp, UserId};

const MAX_NAME: usize = 200;
const MAX_PHONE: usize = 40;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub id: ContactId,
    pub user_id: UserId,
    pub details: Details,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Never empty.
    pub name: String,
    pub email: Option<Email>,
    pub phone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    pub field: &'static str,
    pub message: &'static str,
}

impl Details {
    /// Reports every invalid field.
    pub fn check(
        name: &str,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Result<Self, Vec<InvalidField>> {
        let mut invalid = Vec::new();
        if name.trim().is_empty() {
            invalid.push(InvalidField { field: "name", message: "Enter a name." });
        } else if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            invalid.push(InvalidField {
                field: "name",
                message: "Use at most 200 characters, without control characters.",
            });
        }
        let email = email.filter(|email| !email.trim().is_empty()).map(Email::parse);
        if let Some(Err(_)) = email {
            invalid.push(InvalidField { field: "email", message: "Enter an e-mail address." });
        }
        let phone = phone.filter(|phone| !phone.trim_matches(' ').is_empty());
        if phone.is_some_and(|phone| !is_phone(phone)) {
            invalid.push(InvalidField {
                field: "phone",
                message: "Use at most 40 digits, spaces and + - . ( ) /.",
            });
        }
        if invalid.is_empty() {
            let phone = phone.map(|phone| phone.trim_matches(' ').to_owned());
            Ok(Self { name: name.trim().to_owned(), email: email.and_then(Result::ok), phone })
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
