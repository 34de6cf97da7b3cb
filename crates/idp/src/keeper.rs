//! Grants in a file, so that a connection survives `cargo run` being started again.
//!
//! A thread of its own does the writing: nobody who asks for a token waits for a disk.

use parking_lot::Mutex;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Weak, mpsc},
    time::Duration,
};

use crate::{
    Clock, Error,
    protocol::grants::{Grants, Kept},
};

/// Changes that come this soon after another are written together.
const PAUSE: Duration = Duration::from_millis(200);

/// Reads the file; none yet means nothing yet.
pub(crate) fn read(path: &Path) -> Result<Kept, Error> {
    let kept = match fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(error),
    };
    kept.map_err(|source| Error::GrantsFile { path: path.to_owned(), source })
}

/// Writes the file after every change, for as long as the grants are there.
pub(crate) fn start(path: PathBuf, grants: &Arc<Mutex<Grants>>, clock: Clock) {
    // One call is enough to know that something has changed.
    let (bell, rung) = mpsc::sync_channel(1);
    grants.lock().ring_on_change(bell);
    let grants = Arc::downgrade(grants);
    std::thread::spawn(move || {
        while rung.recv().is_ok() {
            let Some(kept) = snapshot(&grants, &clock) else {
                break;
            };
            if let Err(error) = write(&path, &kept) {
                tracing::error!(%error, path = %path.display(), "the grants could not be kept");
            }
            std::thread::sleep(PAUSE);
        }
    });
}

fn snapshot(grants: &Weak<Mutex<Grants>>, clock: &Clock) -> Option<Kept> {
    let grants = grants.upgrade()?;
    let grants = grants.lock();
    Some(grants.kept(clock.now()))
}

/// Writes beside the file and renames: a crash leaves the old one or the new one, never half. Only
/// the owner may read it: digests are no tokens, but who let whom in is nobody's business.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("json.new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(kept)?)?;
    drop(file);
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests;
