//! People made up on the consent page: checking them, keeping them.

use std::{fs, io, path::Path, sync::Arc};

use super::{Email, GithubAccount, Person};
use crate::random;

const MAX_NAME: usize = 200;
/// RFC 5321 §4.5.3.1.3 allows a path of 256 octets, two of which are angle brackets.
const MAX_EMAIL: usize = 254;

/// A person somebody wants to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewPerson {
    pub(super) name: String,
    pub(super) email: Option<Email>,
}

/// What is wrong with the form, in a sentence for the person who filled it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    Name,
    Email,
}

impl Invalid {
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Name => "Give a name of 1 to 200 characters, on one line.",
            Self::Email => "Give an e-mail address like somebody@example.test, or none at all.",
        }
    }
}

impl NewPerson {
    /// Checks the form. No address at all is fine: that, too, is a kind of person.
    pub(crate) fn parse(name: &str, email: &str, verified: bool) -> Result<Self, Invalid> {
        let name = name.trim();
        let count = name.chars().count();
        if !(1..=MAX_NAME).contains(&count) || name.chars().any(char::is_control) {
            return Err(Invalid::Name);
        }
        let email = match email.trim() {
            "" => None,
            address if is_address(address) => Some(Email { address: address.to_owned(), verified }),
            _ => return Err(Invalid::Email),
        };
        Ok(Self { name: name.to_owned(), email })
    }

    pub(super) fn into_person(self) -> Result<Person, getrandom::Error> {
        let key = format!("p{:x}", random::safe_integer()?);
        Ok(Person {
            branch: "Created here.".into(),
            google_sub: format!("1{:020}", random::safe_integer()?),
            github: GithubAccount {
                id: random::safe_integer()?,
                login: key.clone(),
                shows_name: true,
                shows_email: true,
                email: self.email.clone(),
            },
            facebook_id: format!("{:017}", random::safe_integer()?),
            key,
            name: self.name,
            email: self.email,
            testing: false,
        })
    }
}

/// Enough to catch a slip; what an address truly is, only sending to it tells.
fn is_address(value: &str) -> bool {
    let shaped = value.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    shaped
        && value.len() <= MAX_EMAIL
        && !value.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// Reads the file; none yet means nobody yet.
pub(super) fn read(path: &Path) -> io::Result<Vec<Person>> {
    match fs::read(path) {
        Ok(json) => Ok(serde_json::from_slice(&json)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Writes beside the file and renames: a crash leaves the old one or the new one, never half.
pub(super) fn write(path: &Path, people: &[Arc<Person>]) -> io::Result<()> {
    let people: Vec<&Person> = people.iter().map(AsRef::as_ref).collect();
    let json = serde_json::to_vec_pretty(&people)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("json.new");
    fs::write(&beside, json)?;
    fs::rename(beside, path)
}
