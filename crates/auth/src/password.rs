//! Password hashing with Argon2id.
//!
//! A hash takes about 20 ms and 19 MiB, on purpose. We hash on blocking threads, one per core,
//! with reused memory and a bounded queue, so that a burst of sign-ins delays no other requests.
//! Known clients have a queue of their own.
//!
//! Measured without these limits: a burst left 1.5 to 2.8 GB in the allocator's arenas, and half
//! as many sign-ins succeeded.

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

/// `Retry-After` for [`Error::Busy`]: the time to process a full queue.
pub const RETRY_AFTER: Span = Span::seconds(5);

/// The limit for a stored hash, 13 times the default: more would exhaust the server.
const MAX_MEMORY_KIB: u32 = 256 * 1024;

/// The limit for a stored hash.
const MAX_PASSES: u32 = 16;

/// The capacity of a buffer, in KiB. Larger than glibc's `DEFAULT_MMAP_THRESHOLD_MAX` (32 MiB), so
/// that a buffer is mapped and returned to the system when dropped. Unused pages cost nothing.
const BUFFER_BLOCKS: usize = 33 * 1024;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The cost of a hash, and the limits of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
    pub concurrency: usize,
    /// Waiting hashes, beyond those that run.
    pub queue_size: usize,
}

/// 19 MiB, two passes, one lane (OWASP's recommendation for Argon2id), one hash per core.
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
    /// It matches, but the hash has outdated parameters.
    pub needs_rehash: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The queue is full: retry after [`RETRY_AFTER`].
    #[error("too many passwords are being checked at the moment")]
    Busy,
    #[error("the stored hash of a password cannot be read")]
    InvalidHash,
    #[error("passwords cannot be hashed with these settings")]
    Settings,
    #[error("a password could not be hashed")]
    TaskFailed,
}

/// Cheap to clone; all clones share the queues.
#[derive(Clone, Debug)]
pub struct Hasher {
    params: Params,
    /// Compared with if there is no stored hash.
    dummy_hash: Arc<str>,
    unknown_clients: Queue,
    known_clients: Queue,
    memory: Arc<Memory>,
}

#[derive(Clone, Debug)]
struct Queue {
    size: usize,
    slots: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

impl Queue {
    fn new(concurrency: usize, queue_size: usize) -> Self {
        let size = concurrency.saturating_add(queue_size);
        let [slots, workers] = [size, concurrency].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { size, slots, workers }
    }

    fn len(&self) -> usize {
        self.size.saturating_sub(self.slots.available_permits())
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
        // Random, because hashing a password would delay the start.
        let dummy_hash = phc(&params, &random::bytes(), &random::bytes()).ok_or(Error::Settings)?;
        Ok(Self {
            params,
            dummy_hash: dummy_hash.into(),
            unknown_clients: Queue::new(concurrency, queue_size),
            known_clients: Queue::new(1, queue_size),
            memory: Arc::default(),
        })
    }

    /// Returns a PHC string with a new salt.
    pub async fn hash(&self, password: &Password) -> Result<String, Error> {
        let params = self.params.clone();
        self.run_queued(&self.unknown_clients, password, move |password, memory| {
            let salt = random::bytes();
            let mut hash = [0; HASH_BYTES];
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
            memory.hash(&argon2, password, &salt, &mut hash).ok_or(Error::Settings)?;
            phc(&params, &salt, &hash).ok_or(Error::Settings)
        })
        .await
    }

    /// `stored` is `None` for an unknown address or an account without a password. It never
    /// matches, but takes the same time, so that the time does not reveal who has an account
    /// (OWASP ASVS 5.0 V6.3.8). `is_known` is for a client that has signed in before.
    pub async fn verify(
        &self,
        stored: Option<&str>,
        password: &Password,
        is_known: bool,
    ) -> Result<Verified, Error> {
        let exists = stored.is_some();
        let stored = StoredHash::parse(stored.unwrap_or(&self.dummy_hash), &self.params)?;
        let is_current = stored.is_current;
        let queue = if is_known { &self.known_clients } else { &self.unknown_clients };
        let equal = self
            .run_queued(queue, password, move |password, memory| stored.matches(password, memory))
            .await?;
        let matches = exists && equal;
        Ok(Verified { matches, needs_rehash: matches && !is_current })
    }

    /// Running and waiting hashes.
    pub fn queue_len(&self) -> usize {
        [&self.unknown_clients, &self.known_clients].map(Queue::len).iter().sum()
    }

    /// Frees the buffers that were not used since the last call. To be called every few seconds.
    pub fn release_idle(&self) {
        self.memory.release_idle();
    }

    /// Hashes on a blocking thread, after waiting in the queue.
    ///
    /// The permits move into the thread: a cancelled caller frees its slot in the queue, but a
    /// running hash keeps its worker.
    async fn run_queued<T: Send + 'static>(
        &self,
        queue: &Queue,
        password: &Password,
        hash: impl FnOnce(&[u8], &Memory) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let slot = Arc::clone(&queue.slots).try_acquire_owned().map_err(|_| Error::Busy)?;
        let worker =
            Arc::clone(&queue.workers).acquire_owned().await.map_err(|_| Error::TaskFailed)?;
        let permits: [OwnedSemaphorePermit; 2] = [slot, worker];
        let (password, memory) = (password.clone(), Arc::clone(&self.memory));
        tokio::task::spawn_blocking(move || {
            let outcome = hash(password.expose().as_bytes(), &memory);
            drop(permits);
            outcome
        })
        .await
        .map_err(|_| Error::TaskFailed)?
    }
}

/// A parsed PHC string.
struct StoredHash {
    argon2: Argon2<'static>,
    is_current: bool,
    salt: Salt,
    hash: Output,
}

impl StoredHash {
    fn parse(phc: &str, current: &Params) -> Result<Self, Error> {
        let parse = || {
            let parsed = PasswordHash::new(phc).ok()?;
            let params = Params::try_from(&parsed).ok()?;
            let within_limits = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES;
            within_limits.then_some(())?;
            let algorithm = Algorithm::new(parsed.algorithm.as_str()).ok()?;
            // The default of the PHC string format.
            let version = parsed.version.unwrap_or(0x10).try_into().ok()?;
            let (salt, hash) = (parsed.salt?, parsed.hash?);
            let is_current = (algorithm, version, &params)
                == (Algorithm::Argon2id, Version::V0x13, current)
                && salt.len() >= SALT_BYTES;
            Some(Self { argon2: Argon2::new(algorithm, version, params), is_current, salt, hash })
        };
        parse().ok_or(Error::InvalidHash)
    }

    fn matches(&self, password: &[u8], memory: &Memory) -> Result<bool, Error> {
        let mut computed = vec![0; self.hash.len()];
        memory.hash(&self.argon2, password, &self.salt, &mut computed).ok_or(Error::InvalidHash)?;
        Ok(verify_slices_are_equal(&computed, self.hash.as_bytes()).is_ok())
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

/// Buffers for reuse, never more than workers.
#[derive(Default)]
struct Memory(Mutex<IdleBuffers>);

/// A stack, so that after a burst the buffers at the bottom stay unused.
#[derive(Default)]
struct IdleBuffers {
    buffers: Vec<Vec<Block>>,
    /// The lowest number of idle buffers since the last release: those were not needed.
    min_idle: usize,
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
        let result = argon2.hash_password_into_with_memory(password, salt, out, &mut blocks);
        // A buffer that grew for an unusually expensive hash is dropped.
        if blocks.len() <= BUFFER_BLOCKS {
            self.0.lock().buffers.push(blocks);
        }
        result.ok()
    }

    fn take(&self) -> Vec<Block> {
        let mut idle = self.0.lock();
        let buffer = idle.buffers.pop();
        idle.min_idle = idle.min_idle.min(idle.buffers.len());
        buffer.unwrap_or_else(|| Vec::with_capacity(BUFFER_BLOCKS))
    }

    fn release_idle(&self) {
        let mut idle = self.0.lock();
        let unused = idle.min_idle.min(idle.buffers.len());
        idle.buffers.drain(..unused);
        idle.min_idle = idle.buffers.len();
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

#[cfg(test)]
mod tests;
