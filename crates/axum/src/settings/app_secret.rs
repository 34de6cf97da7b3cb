//! `APP_SECRET`, which is created once in development.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use latchkey_auth::random;
use latchkey_auth::secret::{AppSecret, Secret};

use super::credential_lint::is_placeholder;
use super::reader::Reader;

const NAME: &str = "APP_SECRET";
const MIN_BYTES: usize = 32;
const FILE: &str = "data/app-secret";

/// Facts about `APP_SECRET` that do not reveal it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretFacts {
    pub source: SecretSource,
    pub secrets: usize,
    pub weakness: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Variable,
    File,
    Generated {
        /// Whether only the owner of the file can read it.
        private: bool,
    },
    NotYetGenerated,
}

/// A random secret for a dry run, or in place of an invalid one.
pub(super) fn placeholder() -> (AppSecret, SecretFacts) {
    let facts = SecretFacts { source: SecretSource::NotYetGenerated, secrets: 1, weakness: None };
    (AppSecret::new(&Secret::new(random::token()), &[]), facts)
}

pub(super) fn read(read: &mut Reader<'_>, development: bool) -> Option<(AppSecret, SecretFacts)> {
    if !read.is_set(NAME) {
        if development {
            return generated(read);
        }
        read.error(NAME, "is not set");
        return None;
    }
    let is_file = read.environment.get(NAME).is_none();
    let source = if is_file { SecretSource::File } else { SecretSource::Variable };
    let list = read.secret(NAME)?;
    let secrets: Vec<&str> = list.expose().split(',').map(str::trim).collect();
    let weakness = secrets.iter().find_map(|secret| weakness(secret));
    if let Some(weakness) = weakness.filter(|_| !development) {
        read.error(NAME, weakness);
        return None;
    }
    if secrets.contains(&"") {
        read.error_with_fix(NAME, "has an empty entry in its list", "Remove the extra comma.");
        return None;
    }
    let facts = SecretFacts { source, secrets: secrets.len(), weakness };
    let mut secrets = secrets.into_iter().map(Secret::new);
    let current = secrets.next()?;
    Some((AppSecret::new(&current, &secrets.collect::<Vec<_>>()), facts))
}

fn weakness(secret: &str) -> Option<&'static str> {
    if secret.len() < MIN_BYTES {
        Some("is shorter than 32 bytes")
    } else if is_placeholder(secret) || secret.to_lowercase().contains("replace") {
        Some("is a placeholder")
    } else if secret.bytes().collect::<BTreeSet<_>>().len() < 8 {
        Some("repeats a few characters")
    } else {
        None
    }
}

/// In development the secret is kept in a file, so that sign-ins survive a restart.
fn generated(read: &mut Reader<'_>) -> Option<(AppSecret, SecretFacts)> {
    let path = read.environment.path(FILE);
    if read.dry_run && fs::metadata(&path).is_err() {
        return Some(placeholder());
    }
    match load_or_create(&path) {
        Ok(secret) => {
            let source = SecretSource::Generated { private: is_private(&path) };
            let facts = SecretFacts { source, secrets: 1, weakness: None };
            Some((AppSecret::new(&Secret::new(secret), &[]), facts))
        }
        Err(error) => {
            let message = format!("is not set, and {FILE} cannot be used ({})", error.kind());
            read.error(NAME, message);
            None
        }
    }
}

fn load_or_create(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(secret) if secret.len() >= MIN_BYTES => Ok(secret),
        Ok(_) => Err(io::ErrorKind::InvalidData.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                latchkey_store::create_private_dir(folder)?;
            }
            create(path)
        }
        Err(error) => Err(error),
    }
}

fn is_private(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).is_ok_and(|file| file.permissions().mode().trailing_zeros() >= 6)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        true
    }
}

/// Writes a temporary file and links it into place, so that two processes that start together
/// agree on one secret and neither reads a partial one.
fn create(path: &Path) -> io::Result<String> {
    let secret = random::token();
    let temporary = path.with_extension(random::token());
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&temporary)?.write_all(secret.as_bytes())?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(path),
        Err(error) => Err(error),
    }
}
