//! The people you can sign in as. Each has an account at all three providers.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::config::Error;
use crate::json_file;
use crate::kit::{Digest, random_safe_integer};
use crate::provider::Provider;

/// The page lists all of them.
const MAX_CREATED: usize = 100;
const MAX_NAME: usize = 200;
/// RFC 5321 §4.5.3.1.3 allows a path of 256 octets, two of which are angle brackets.
const MAX_EMAIL: usize = 254;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub key: String,
    pub name: String,
    pub email: Option<Email>,
    /// The test case that this person represents, as shown on the page.
    pub branch: String,
    /// `sub` at Google, OIDC Core §2: locally unique, never reassigned, at most 255 characters.
    pub google_sub: String,
    pub github: GithubAccount,
    pub facebook_id: String,
    /// Refresh tokens expire after seven days, Google's rule for applications in testing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub testing: bool,
    /// If set, the consent page asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// An e-mail address, and whether the provider has verified it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    pub address: String,
    pub verified: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GithubAccount {
    pub id: u64,
    /// Can be taken over by another user, so it must not identify an account.
    pub login: String,
    pub shows_name: bool,
    pub shows_email: bool,
    /// Usually differs from the address at Google, so that the same person can sign in at both with
    /// an application that requires unique addresses.
    pub email: Option<Email>,
}

impl Person {
    pub fn email_at(&self, provider: Provider) -> Option<&Email> {
        match provider {
            Provider::Github => self.github.email.as_ref(),
            Provider::Google | Provider::Facebook => self.email.as_ref(),
        }
    }

    pub fn initial(&self) -> char {
        let first = self.name.chars().find(|c| c.is_alphanumeric());
        first.and_then(|c| c.to_uppercase().next()).unwrap_or('?')
    }

    pub fn avatar_path(&self) -> String {
        format!("/avatars/{}.svg", self.key)
    }

    /// Exists for one authorization and is not stored. The same key yields the same person at every
    /// provider, so that a program can sign in again without leaving data behind.
    pub fn ephemeral(key: &str, new: NewPerson) -> Self {
        // 48 bits, which JSON numbers represent exactly.
        let number = Digest::of(key).0.iter().take(6).fold(0, |n, byte| n << 8 | u64::from(*byte));
        // No other account id starts with 9.
        let (google_sub, facebook_id) = (format!("9{number:020}"), format!("9{number:016}"));
        new.into_person(key.to_owned(), "For one authorization.", google_sub, number, facebook_id)
    }
}

pub fn is_ephemeral(key: &str) -> bool {
    const MAX_KEY: usize = 64;
    key.strip_prefix("passing-").is_some_and(|rest| {
        !rest.is_empty() && key.len() <= MAX_KEY && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// The validated form "create another person".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPerson {
    name: String,
    email: Option<Email>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidField {
    Name,
    Email,
}

impl NewPerson {
    /// The address is optional, because apps must handle people without one.
    pub fn parse(name: &str, email: &str, verified: bool) -> Result<Self, InvalidField> {
        let name = name.trim();
        let count = name.chars().count();
        if !(1..=MAX_NAME).contains(&count) || name.chars().any(char::is_control) {
            return Err(InvalidField::Name);
        }
        let email = match email.trim() {
            "" => None,
            address if is_address(address) => Some(Email { address: address.to_owned(), verified }),
            _ => return Err(InvalidField::Email),
        };
        Ok(Self { name: name.to_owned(), email })
    }

    fn into_person(
        self,
        key: String,
        branch: &str,
        google_sub: String,
        github_id: u64,
        facebook_id: String,
    ) -> Person {
        let github = GithubAccount {
            id: github_id,
            login: key.clone(),
            shows_name: true,
            shows_email: true,
            email: self.email.clone(),
        };
        let (Self { name, email }, branch) = (self, branch.to_owned());
        let (testing, password) = (false, None);
        Person { key, name, email, branch, google_sub, github, facebook_id, testing, password }
    }

    fn with_random_ids(self) -> Result<Person, getrandom::Error> {
        let key = format!("p{:x}", random_safe_integer()?);
        let google_sub = format!("1{:020}", random_safe_integer()?);
        let facebook_id = format!("{:017}", random_safe_integer()?);
        Ok(self.into_person(key, "Created here.", google_sub, random_safe_integer()?, facebook_id))
    }
}

/// Catches typing errors only.
fn is_address(value: &str) -> bool {
    let shaped = value.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    shaped
        && value.len() <= MAX_EMAIL
        && !value.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// The built-in people, followed by those created on the consent page.
#[derive(Debug)]
pub struct People {
    builtin: Vec<Arc<Person>>,
    created: RwLock<Vec<Arc<Person>>>,
    file: Option<PathBuf>,
}

pub enum CreateError {
    /// [`MAX_CREATED`] people have been created.
    Full,
    Failed(String),
}

/// In the order of the page. Keys and account ids must never change: local databases have them.
#[expect(clippy::expect_used, reason = "a file of this crate, read by tests")]
pub fn builtin() -> Vec<Person> {
    serde_json::from_str(include_str!("../data/people.json")).expect("a list of people")
}

impl People {
    pub fn load(file: Option<PathBuf>) -> Result<Self, Error> {
        let created: Vec<Person> = match &file {
            Some(path) => json_file::read(path)
                .map_err(|source| Error::PeopleFile { path: path.clone(), source })?,
            None => Vec::new(),
        };
        Ok(Self {
            builtin: builtin().into_iter().map(Arc::new).collect(),
            created: RwLock::new(created.into_iter().map(Arc::new).collect()),
            file,
        })
    }

    pub fn all(&self) -> Vec<Arc<Person>> {
        let created = self.created.read();
        self.builtin.iter().chain(created.iter()).cloned().collect()
    }

    pub fn find(&self, key: &str) -> Option<Arc<Person>> {
        self.all().into_iter().find(|person| person.key == key)
    }

    /// `login_hint`, OIDC Core §3.1.2.1: a key, an e-mail address, or a GitHub login.
    pub fn find_by_hint(&self, hint: &str) -> Option<Arc<Person>> {
        self.all().into_iter().find(|person| {
            let mut emails = Provider::ALL.into_iter().filter_map(|one| person.email_at(one));
            person.key == hint
                || person.github.login == hint
                || emails.any(|email| email.address == hint)
        })
    }

    pub fn create(&self, new: NewPerson) -> Result<Arc<Person>, CreateError> {
        let failed = |error: &dyn std::error::Error| CreateError::Failed(error.to_string());
        let person = Arc::new(new.with_random_ids().map_err(|error| failed(&error))?);
        let mut created = self.created.write();
        if created.len() >= MAX_CREATED {
            return Err(CreateError::Full);
        }
        let mut grown = created.clone();
        grown.push(Arc::clone(&person));
        if let Some(path) = &self.file {
            let people: Vec<&Person> = grown.iter().map(AsRef::as_ref).collect();
            json_file::write(path, &people).map_err(|error| failed(&error))?;
        }
        *created = grown;
        Ok(person)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn account_ids_are_unique_at_every_provider() {
        let people = builtin();
        let id: [fn(&Person) -> String; 5] = [
            |p| p.key.clone(),
            |p| p.google_sub.clone(),
            |p| p.github.id.to_string(),
            |p| p.github.login.clone(),
            |p| p.facebook_id.clone(),
        ];
        for id in id {
            assert_eq!(people.iter().map(id).collect::<HashSet<_>>().len(), people.len());
        }
    }

    #[test]
    fn builtin_people_cover_edge_cases() {
        let people = People::load(None).unwrap();
        let person = |key| people.find(key).unwrap();
        let verified = |key| person(key).email.as_ref().map(|email| email.verified);
        assert_eq!(verified("ada"), Some(true));
        assert_eq!(verified("grace"), Some(false));
        assert_eq!(verified("noor"), None);
        assert_eq!(person("twin").email, person("ada").email);
        assert_eq!(person("twin").github.email, person("ada").email);
        assert_ne!(person("ada").github.email, person("ada").email);
        // An account key is (provider, id), never the id alone.
        assert_eq!(person("twin").facebook_id, person("ada").github.id.to_string());
        // The first integer that a 64-bit float cannot hold.
        assert_eq!(person("octo").github.id, (1 << 53) + 1);
        // Right to left, ideographs, combining marks, emoji joined from several code points.
        let characters = person("long").name.chars().count();
        assert!((190..=260).contains(&characters), "{characters}");
        assert_eq!(person("alan").email.as_ref().unwrap().address, "admin@example.test");
    }
}
