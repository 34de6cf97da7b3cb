//! The second door: a password that is checked here.
//!
//! Hashing one takes some 20 ms and 19 MiB, on purpose. So it is done off the
//! async threads, by no more than one thread per core, in memory that is used
//! again, behind a queue that has an end: a storm of sign-ins waits for itself
//! and for nobody else. Whoever was right before has a queue of their own.
//!
//! Measured without all that: 1.5 to 2.8 GB stayed in the allocator's arenas
//! after a storm, and half as many sign-ins came through.

use latchkey_domain::Span;
use parking_lot::Mutex;
use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use latchkey_domain::password::Password;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::random;

/// When to come back after [`Error::Busy`] (`Retry-After`): by then a full
/// queue has been worked off.
pub const RETRY_AFTER: Span = Span::seconds(5);

/// A stored hash may ask for this much memory, 13 times the usual; more is
/// damage, and would be a way to bring the server down.
const MAX_MEMORY_KIB: u32 = 256 * 1024;

/// A stored hash may ask for so many passes.
const MAX_PASSES: u32 = 16;

/// More than glibc ever serves from an arena (`DEFAULT_MMAP_THRESHOLD_MAX`, 32
/// MiB): room of that size is mapped by itself, and goes back when it is
/// dropped. What lies beyond the blocks that are used is never touched, and so
/// costs nothing.
const ROOM_BLOCKS: usize = 33 * 1024;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What hashing costs, and how much of it is done at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
    pub concurrency: usize,
    pub queue_size: usize,
}

/// 19 MiB, two passes, one lane (OWASP's first choice for argon2id), on each core.
impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
            concurrency: available_parallelism().map_or(1, usize::from),
            queue_size: 256,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub matches: bool,
    /// Whether its hash should be made anew, with today's cost; only when it matches.
    pub needs_rehash: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many are waiting already: come back after [`RETRY_AFTER`].
    #[error("too many passwords are being checked at the moment")]
    Busy,
    #[error("the stored hash of a password cannot be read")]
    InvalidHash,
    #[error("passwords cannot be hashed with these settings")]
    Settings,
    #[error("a password could not be hashed")]
    TaskFailed,
}

/// Hashes passwords and compares them, a few at a time.
///
/// Cloning it is cheap, and all clones share one queue.
#[derive(Clone, Debug)]
pub struct Hasher {
    params: Params,
    /// What a password is compared with where there is none to compare with.
    nobody: Arc<str>,
    strangers: Queue,
    known: Queue,
    memory: Arc<Memory>,
}

#[derive(Clone, Debug)]
struct Queue {
    size: usize,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Queue {
    fn new(concurrency: usize, queue_size: usize) -> Self {
        let size = concurrency.saturating_add(queue_size);
        let [places, turns] = [size, concurrency].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { size, places, turns }
    }

    fn taken(&self) -> usize {
        self.size.saturating_sub(self.places.available_permits())
    }
}

impl Hasher {
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let Settings { memory_kib, passes, lanes, concurrency, queue_size } = *settings;
        let params = Params::new(memory_kib, passes, lanes, Some(HASH_BYTES))
            .map_err(|_| Error::Settings)?;
        if memory_kib > MAX_MEMORY_KIB || passes > MAX_PASSES || concurrency == 0 {
            return Err(Error::Settings);
        }
        // No password has this hash, and nobody waits for it at the start.
        let nobody = phc(&params, &random::bytes(), &random::bytes()).ok_or(Error::Settings)?;
        Ok(Self {
            params,
            nobody: nobody.into(),
            strangers: Queue::new(concurrency, queue_size),
            known: Queue::new(1, queue_size),
            memory: Arc::default(),
        })
    }

    /// Hashes a new password, with a new salt, into a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<String, Error> {
        let params = self.params.clone();
        self.in_turn(&self.strangers, password, move |password, memory| {
            let salt = random::bytes();
            let mut hash = [0; HASH_BYTES];
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
            memory.hash(&argon2, password, &salt, &mut hash).ok_or(Error::Settings)?;
            phc(&params, &salt, &hash).ok_or(Error::Settings)
        })
        .await
    }

    /// Compares a password with what is stored; `None` where there is nothing:
    /// an address that nobody has, or an account without a password.
    ///
    /// Both cost the same, so that the time does not tell who has an account
    /// (OWASP ASVS 5.0 V6.3.8); nothing ever matches `None`. `is_known` says
    /// whether this person was right before, and need not wait with strangers.
    pub async fn verify(
        &self,
        stored: Option<&str>,
        password: &Password,
        is_known: bool,
    ) -> Result<Verified, Error> {
        let exists = stored.is_some();
        let stored = Stored::read(stored.unwrap_or(&self.nobody), &self.params)?;
        let is_current = stored.is_current;
        let queue = if is_known { &self.known } else { &self.strangers };
        let equal = self
            .in_turn(queue, password, move |password, memory| stored.matches(password, memory))
            .await?;
        let matches = exists && equal;
        Ok(Verified { matches, needs_rehash: matches && !is_current })
    }

    /// How many passwords are looked at, or wait for it.
    pub fn queue_len(&self) -> usize {
        [&self.strangers, &self.known].map(Queue::taken).iter().sum()
    }

    /// Gives the memory back that was not used since the last call. Whoever
    /// keeps house calls this every few seconds.
    pub fn release_idle(&self) {
        self.memory.release_idle();
    }

    /// Waits for a turn, if there is a place in the queue, and hashes off the
    /// async threads.
    ///
    /// Place and turn go along into the thread: who hangs up gives a place in
    /// the queue back, but not a turn that is being taken.
    async fn in_turn<T: Send + 'static>(
        &self,
        queue: &Queue,
        password: &Password,
        hash: impl FnOnce(&[u8], &Memory) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&queue.places).try_acquire_owned().map_err(|_| Error::Busy)?;
        let turn = Arc::clone(&queue.turns).acquire_owned().await.map_err(|_| Error::TaskFailed)?;
        let held: [OwnedSemaphorePermit; 2] = [place, turn];
        let (password, memory) = (password.clone(), Arc::clone(&self.memory));
        tokio::task::spawn_blocking(move || {
            let outcome = hash(password.expose().as_bytes(), &memory);
            drop(held);
            outcome
        })
        .await
        .map_err(|_| Error::TaskFailed)?
    }
}

/// A hash as it is stored, taken apart.
struct Stored {
    argon2: Argon2<'static>,
    is_current: bool,
    salt: Salt,
    hash: Output,
}

impl Stored {
    fn read(phc: &str, current: &Params) -> Result<Self, Error> {
        let read = || {
            let parsed = PasswordHash::new(phc).ok()?;
            let params = Params::try_from(&parsed).ok()?;
            let bearable = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES;
            bearable.then_some(())?;
            let algorithm = Algorithm::new(parsed.algorithm.as_str()).ok()?;
            // Without a version it is the first one (PHC string format).
            let version = parsed.version.unwrap_or(0x10).try_into().ok()?;
            let (salt, hash) = (parsed.salt?, parsed.hash?);
            let is_current = (algorithm, version, &params)
                == (Algorithm::Argon2id, Version::V0x13, current)
                && salt.len() >= SALT_BYTES;
            Some(Self { argon2: Argon2::new(algorithm, version, params), is_current, salt, hash })
        };
        read().ok_or(Error::InvalidHash)
    }

    fn matches(&self, password: &[u8], memory: &Memory) -> Result<bool, Error> {
        let mut found = vec![0; self.hash.len()];
        memory.hash(&self.argon2, password, &self.salt, &mut found).ok_or(Error::InvalidHash)?;
        Ok(verify_slices_are_equal(&found, self.hash.as_bytes()).is_ok())
    }
}

fn phc(params: &Params, salt: &[u8; SALT_BYTES], hash: &[u8; HASH_BYTES]) -> Option<String> {
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).ok()?,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(hash).ok()?),
    };
    Some(phc.to_string())
}

/// Memory that is used again. There are never more pieces than turns.
#[derive(Default)]
struct Memory(Mutex<Idle>);

/// The piece that was used last lies on top, so that after a storm those at the
/// bottom are not needed.
#[derive(Default)]
struct Idle {
    pieces: Vec<Vec<Block>>,
    /// The fewest that were idle since somebody looked: nobody has missed those.
    fewest: usize,
}

impl Memory {
    fn hash(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Option<()> {
        let mut blocks = self.take();
        let needed = argon2.params().block_count();
        if blocks.len() < needed {
            blocks.resize(needed, Block::new());
        }
        let done = argon2.hash_password_into_with_memory(password, salt, out, &mut blocks);
        // A piece that grew for a hash of unusual cost is not kept.
        if blocks.len() <= ROOM_BLOCKS {
            self.0.lock().pieces.push(blocks);
        }
        done.ok()
    }

    fn take(&self) -> Vec<Block> {
        let mut idle = self.0.lock();
        let piece = idle.pieces.pop();
        idle.fewest = idle.fewest.min(idle.pieces.len());
        piece.unwrap_or_else(|| Vec::with_capacity(ROOM_BLOCKS))
    }

    fn release_idle(&self) {
        let mut idle = self.0.lock();
        let unused = idle.fewest.min(idle.pieces.len());
        idle.pieces.drain(..unused);
        idle.fewest = idle.pieces.len();
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

#[cfg(test)]
mod tests;
