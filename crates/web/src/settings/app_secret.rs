//! `APP_SECRET`: given, or made once for development.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use latchkey_auth::random;
use latchkey_auth::secret::{AppSecret, Secret};

use super::looks::is_placeholder;
use super::reader::Reader;

const NAME: &str = "APP_SECRET";

/// The shortest secret that is taken where others can reach the app, in bytes.
const MIN_BYTES: usize = 32;

/// Where the secret of a developer's machine is kept.
const FILE: &str = "data/app-secret";

/// What can be said of `APP_SECRET` without showing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretFacts {
    pub source: SecretSource,
    /// How many secrets it lists: the current one, and those before it.
    pub secrets: usize,
    /// Why it would not be taken outside development.
    pub weakness: Option<&'static str>,
}

/// Where `APP_SECRET` came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Variable,
    /// The file that `APP_SECRET_FILE` names.
    File,
    /// It was made for development, and is kept in `data/`.
    Kept {
        /// Whether nobody else on this machine can read it.
        private: bool,
    },
    /// It is made at the first start.
    ToBeMade,
}

/// What stands in for a secret that is not there, for somebody who only looks.
pub(super) fn stand_in() -> (AppSecret, SecretFacts) {
    let facts = SecretFacts { source: SecretSource::ToBeMade, secrets: 1, weakness: None };
    (AppSecret::new(&Secret::new(random::token()), &[]), facts)
}

pub(super) fn read(read: &mut Reader<'_>, development: bool) -> Option<(AppSecret, SecretFacts)> {
    if !read.is_set(NAME) {
        if development {
            return made_once(read);
        }
        read.complain(
            NAME,
            "is not set: write at least 32 random bytes, for instance what `openssl rand -base64 48` prints",
        );
        return None;
    }
    let is_text = read.environment().get(NAME).is_some();
    let source = if is_text { SecretSource::Variable } else { SecretSource::File };
    let secrets = read.secret(NAME)?;
    let secrets: Vec<&str> = secrets.expose().split(',').map(str::trim).collect();
    let weakness = weakness(&secrets);
    if let Some(complaint) = weakness.filter(|_| !development) {
        read.complain(NAME, complaint);
        return None;
    }
    let facts = SecretFacts { source, secrets: secrets.len(), weakness };
    if secrets.iter().any(|secret| secret.is_empty()) {
        read.complain(NAME, "has an empty secret in its list: take the comma away");
        return None;
    }
    let mut secrets = secrets.into_iter().map(Secret::new);
    let current = secrets.next()?;
    Some((AppSecret::new(&current, &secrets.collect::<Vec<_>>()), facts))
}

/// What is wrong with a secret that has to withstand strangers.
fn weakness(secrets: &[&str]) -> Option<&'static str> {
    const PLACEHOLDERS: [&str; 7] = [
        "changeme",
        "change-me",
        "change_me",
        "replace",
        "placeholder",
        "your-secret",
        "your_secret",
    ];
    secrets.iter().find_map(|secret| {
        let lower = secret.to_lowercase();
        let distinct = secret.bytes().collect::<std::collections::BTreeSet<_>>().len();
        if secret.len() < MIN_BYTES {
            Some("is shorter than 32 bytes: write what `openssl rand -base64 48` prints")
        } else if distinct < 8
            || is_placeholder(secret)
            || PLACEHOLDERS.iter().any(|word| lower.contains(word))
        {
            Some("is a placeholder: write what `openssl rand -base64 48` prints")
        } else {
            None
        }
    })
}

/// On a developer's machine: made at the first start, and kept, so that
/// sign-ins outlive a restart.
fn made_once(read: &mut Reader<'_>) -> Option<(AppSecret, SecretFacts)> {
    let path = read.environment().path(FILE);
    if read.only_looks() && fs::metadata(&path).is_err() {
        return Some(stand_in());
    }
    match kept(&path) {
        Ok(secret) => {
            let source = SecretSource::Kept { private: is_private(&path) };
            let facts = SecretFacts { source, secrets: 1, weakness: None };
            Some((AppSecret::new(&Secret::new(secret), &[]), facts))
        }
        Err(error) => {
            read.complain(NAME, format!("is not set, and {FILE} cannot be kept: {}", error.kind()));
            None
        }
    }
}

fn kept(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(secret) if secret.len() >= MIN_BYTES => Ok(secret),
        Ok(_) => Err(io::ErrorKind::InvalidData.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                latchkey_store::private_folder(folder)?;
            }
            make(path)
        }
        Err(error) => Err(error),
    }
}

/// Whether nobody but its owner can read a file.
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

fn make(path: &Path) -> io::Result<String> {
    let secret = random::token();
    // Written aside and then linked into place: two processes that start at
    // once end up with one secret, and nobody ever reads half of one.
    let aside = path.with_extension(random::token());
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&aside)?.write_all(secret.as_bytes())?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(path),
        Err(error) => Err(error),
    }
}
