//! `APP_SECRET`: given, or made once for development.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use latchkey_auth::random;
use latchkey_auth::secret::{AppSecret, Secret};

use super::reader::Reader;

const NAME: &str = "APP_SECRET";

/// The shortest secret that is taken where others can reach the app, in bytes.
const MIN_BYTES: usize = 32;

/// Where the secret of a developer's machine is kept.
const FILE: &str = "data/app-secret";

pub(super) fn read(read: &mut Reader<'_>, development: bool) -> Option<AppSecret> {
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
    let secrets = read.secret(NAME)?;
    let secrets: Vec<&str> = secrets.expose().split(',').map(str::trim).collect();
    if let Some(complaint) = (!development).then(|| weakness(&secrets)).flatten() {
        read.complain(NAME, complaint);
        return None;
    }
    if secrets.iter().any(|secret| secret.is_empty()) {
        read.complain(NAME, "has an empty secret in its list: take the comma away");
        return None;
    }
    let mut secrets = secrets.into_iter().map(Secret::new);
    let current = secrets.next()?;
    Some(AppSecret::new(&current, &secrets.collect::<Vec<_>>()))
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
        } else if distinct < 8 || PLACEHOLDERS.iter().any(|word| lower.contains(word)) {
            Some("is a placeholder: write what `openssl rand -base64 48` prints")
        } else {
            None
        }
    })
}

/// On a developer's machine: made at the first start, and kept, so that
/// sign-ins outlive a restart.
fn made_once(read: &mut Reader<'_>) -> Option<AppSecret> {
    let path = read.environment().path(FILE);
    match kept(&path) {
        Ok(secret) => Some(AppSecret::new(&Secret::new(secret), &[])),
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
                fs::create_dir_all(folder)?;
            }
            make(path)
        }
        Err(error) => Err(error),
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
