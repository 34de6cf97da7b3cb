//! The people one can be.

pub(crate) mod builtin;
mod created;
mod passing;
mod person;

use parking_lot::RwLock;
use std::{io, path::PathBuf, sync::Arc};

pub(crate) use created::{Invalid, NewPerson};
pub(crate) use passing::{is_passing, passing};
pub(crate) use person::{Email, GithubAccount, Person};

use crate::{Error, Provider};

/// More than anyone wants to scroll through.
const MAX_CREATED: usize = 100;

/// Everybody: those who come with the provider, then those who were created on its page.
#[derive(Debug)]
pub(crate) struct People {
    builtin: Vec<Arc<Person>>,
    created: RwLock<Vec<Arc<Person>>>,
    file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    #[error("there are as many people as fit")]
    Full,
    #[error("the operating system gave no randomness: {0}")]
    NoRandomness(getrandom::Error),
    #[error("the people file cannot be written: {0}")]
    NotKept(io::Error),
}

impl People {
    /// Reads back who was created earlier.
    pub(crate) fn load(file: Option<PathBuf>) -> Result<Self, Error> {
        let created = match &file {
            Some(path) => created::read(path)
                .map_err(|source| Error::PeopleFile { path: path.clone(), source })?,
            None => Vec::new(),
        };
        Ok(Self {
            builtin: builtin::people().into_iter().map(Arc::new).collect(),
            created: RwLock::new(created.into_iter().map(Arc::new).collect()),
            file,
        })
    }

    pub(crate) fn all(&self) -> Vec<Arc<Person>> {
        let created = self.created.read();
        self.builtin.iter().chain(created.iter()).cloned().collect()
    }

    pub(crate) fn find(&self, key: &str) -> Option<Arc<Person>> {
        self.all().into_iter().find(|person| person.key == key)
    }

    /// Who an application means by `login_hint`, OIDC Core §3.1.2.1: a key, an e-mail address, or
    /// a GitHub login name.
    pub(crate) fn hinted(&self, hint: &str) -> Option<Arc<Person>> {
        self.all().into_iter().find(|person| {
            person.key == hint
                || person.github.login == hint
                || Provider::ALL
                    .into_iter()
                    .filter_map(|provider| person.email_at(provider))
                    .any(|email| email.address == hint)
        })
    }

    /// Adds a person and keeps the file up to date. Blocks on the file system.
    pub(crate) fn create(&self, new: NewPerson) -> Result<Arc<Person>, CreateError> {
        let person = Arc::new(new.into_person().map_err(CreateError::NoRandomness)?);
        let mut created = self.created.write();
        if created.len() >= MAX_CREATED {
            return Err(CreateError::Full);
        }
        let mut grown = created.clone();
        grown.push(Arc::clone(&person));
        if let Some(path) = &self.file {
            created::write(path, &grown).map_err(CreateError::NotKept)?;
        }
        *created = grown;
        Ok(person)
    }
}

#[cfg(test)]
mod tests;
