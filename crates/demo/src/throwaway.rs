//! Temporary instances to measure and attack.
//!
//! Each is a complete app with its own ports, limits and SQLite database in a temporary folder.
//! They run on separate threads, to not slow down the app that starts them, and log nothing
//! unless an experiment reads the log.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use latchkey_auth::random;
use latchkey_auth::secret::Secret;
use latchkey_domain::{Clock, Email, Roles, Span};
use latchkey_lab::{Disruption, Error, InstanceFactory, InstanceOptions, Result};
use latchkey_store::users;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tracing_subscriber::filter::{DynFilterFn, LevelFilter};
use tracing_subscriber::layer::SubscriberExt as _;
use url::Url;

use latchkey_web::app::App;
use latchkey_web::serve::{self, Server};
use latchkey_web::settings::{Capabilities, Environment, Settings};

use crate::lab::runner::target;
use crate::routes;
use crate::state::{Demo, LocalProvider};

const THREADS: usize = 2;

/// How long an instance may take to stop, and a port to become free.
const GRACE: Duration = Duration::from_secs(2);

const BIND_RETRY_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct ThrowawayInstances {
    // `Some` until it is dropped, which needs ownership.
    runtime: Option<Runtime>,
    handle: Handle,
    local_provider: Option<LocalProvider>,
    log: Log,
}

/// The log of the instances, captured only for an experiment that reads it.
#[derive(Clone, Debug, Default)]
struct Log {
    is_captured: Arc<AtomicBool>,
    text: Arc<parking_lot::Mutex<Vec<u8>>>,
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let (log, is_captured) = (self.clone(), Arc::clone(&self.is_captured));
        // Without spans: the database thread would close them in the program's own log.
        let is_ours = |metadata: &tracing::Metadata<'_>| {
            metadata.is_event() && metadata.target().starts_with("latchkey")
        };
        let filter = DynFilterFn::new(move |metadata, _| {
            is_ours(metadata) && is_captured.load(Ordering::Relaxed)
        });
        let lines =
            tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || log.clone());
        let filter = filter.with_max_level_hint(LevelFilter::TRACE);
        // As a layer, because a filter of `lines` alone would still register the spans.
        tracing_subscriber::registry().with(lines).with(filter)
    }
}

pub(crate) fn instances(
    local_provider: Option<LocalProvider>,
) -> io::Result<Box<dyn InstanceFactory>> {
    Ok(Box::new(ThrowawayInstances::new(local_provider)?))
}

impl ThrowawayInstances {
    pub fn new(local_provider: Option<LocalProvider>) -> io::Result<Self> {
        let log = Log::default();
        let dispatch = tracing::Dispatch::new(log.subscriber());
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("throwaway")
            .on_thread_start(move || {
                // Stays the default for the life of the thread.
                std::mem::forget(tracing::dispatcher::set_default(&dispatch));
            })
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self { runtime: Some(runtime), handle, local_provider, log })
    }
}

impl Drop for ThrowawayInstances {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[async_trait]
impl InstanceFactory for ThrowawayInstances {
    fn describe(&self) -> String {
        let build = if cfg!(debug_assertions) { "a debug build" } else { "a release build" };
        format!("temporary instances on this machine, {build}, with embedded SQLite")
    }

    async fn start(&self, options: &InstanceOptions) -> Result<Box<dyn latchkey_lab::Instance>> {
        let options = options.clone();
        let log = options.log.then(|| {
            self.log.text.lock().clear();
            self.log.is_captured.store(true, Ordering::Relaxed);
            self.log.clone()
        });
        let start = Instance::start(options, self.handle.clone(), self.local_provider, log);
        let started = self.handle.spawn(start).await;
        Ok(Box::new(started.map_err(instance_error)??))
    }
}

#[derive(Debug)]
struct Instance {
    demo: Demo,
    provider: Mutex<Option<Task>>,
    server: Task,
    secret: Secret,
    handle: Handle,
    folder: TempDir,
    log: Option<Log>,
}

#[derive(Debug)]
struct Task {
    stop: watch::Sender<bool>,
    handle: JoinHandle<()>,
}

impl Task {
    fn start<F>(serve: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        Self { stop, handle: tokio::spawn(serve(stopped)) }
    }

    async fn stop(self) {
        // Fails if the task has already ended.
        let _ = self.stop.send(true);
        // A task that takes longer is abandoned.
        let _ = tokio::time::timeout(GRACE, self.handle).await;
    }
}

fn instance_error(error: impl std::fmt::Display) -> Error {
    Error::StartFailed(error.to_string())
}

impl Instance {
    async fn start(
        options: InstanceOptions,
        handle: Handle,
        local_provider: Option<LocalProvider>,
        log: Option<Log>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(instance_error)?;
        let listener = listen(0).await?;
        let idp = listen(0).await?;
        let port = listener.local_addr().map_err(instance_error)?.port();
        let idp_port = idp.local_addr().map_err(instance_error)?.port();
        let database = folder.path().join("latchkey.db");
        let secret = Secret::new(random::token());
        let variables = [
            ("PUBLIC_URL".to_owned(), format!("http://localhost:{port}")),
            ("LOCAL_IDP_PORT".to_owned(), idp_port.to_string()),
            ("DATABASE_URL".to_owned(), format!("sqlite://{}", database.display())),
            ("APP_SECRET".to_owned(), secret.expose().to_owned()),
        ];
        let variables = variables.into_iter().chain(options.variables);
        let environment = Environment::new(variables, folder.path());
        let capabilities =
            Capabilities { local_provider: local_provider.is_some(), ..Capabilities::ALL };
        let settings = Settings::load(&environment, capabilities).map_err(instance_error)?;
        let clock = match options.manual_clock {
            true => Clock::manual(Clock::System.now()),
            false => Clock::System,
        };
        let app = App::open(settings, clock, routes::LINKS).await.map_err(instance_error)?;
        let demo = Demo::new(app, local_provider, instances);
        let provider = match local_provider {
            Some(local_provider) => run_provider(&demo, local_provider, idp)?,
            None => None,
        };
        Ok(Self {
            server: run_app(&demo, listener),
            provider: Mutex::new(provider),
            demo,
            secret,
            handle,
            folder,
            log,
        })
    }
}

/// Retries: a port may stay busy for a moment after it was closed.
async fn listen(port: u16) -> Result<TcpListener> {
    let start = tokio::time::Instant::now();
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Err(_) if start.elapsed() < GRACE => tokio::time::sleep(BIND_RETRY_INTERVAL).await,
            result => return result.map_err(instance_error),
        }
    }
}

fn run_app(demo: &Demo, listener: TcpListener) -> Task {
    let (sites, jobs) = (vec![(listener, routes::router(demo))], demo.clone());
    Task::start(|mut stopped| {
        serve::run(
            demo.app.clone(),
            sites,
            move |background| routes::start_jobs(&jobs, background),
            async move {
                // Also returns if the sender is gone.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            },
        )
    })
}

fn run_provider(
    demo: &Demo,
    local_provider: LocalProvider,
    listener: TcpListener,
) -> Result<Option<Task>> {
    let router = local_provider(&demo.app.settings).map_err(instance_error)?;
    Ok(router.map(|it| Task::start(|stop| Server::new(&demo.app).accept(listener, it, stop))))
}

#[async_trait]
impl latchkey_lab::Instance for Instance {
    fn url(&self) -> &Url {
        &self.demo.app.settings.public_url
    }

    fn provider(&self) -> Option<&Url> {
        self.demo.app.settings.local_idp.as_ref().map(|idp| &idp.url)
    }

    fn target(&self) -> latchkey_lab::Target {
        target(&self.demo.app)
    }

    async fn disrupt(&self, disruption: Disruption) -> Result<()> {
        let mut provider = self.provider.lock().await;
        match disruption {
            Disruption::CutDatabase => self.demo.app.db.close().await,
            Disruption::StopProvider => {
                if let Some(provider) = provider.take() {
                    provider.stop().await;
                }
            }
            Disruption::StartProvider => {
                let idp = self.demo.app.settings.local_idp.as_ref();
                let Some((idp, local_provider)) = idp.zip(self.demo.local_provider) else {
                    return Err(Error::Unsupported("there is no local provider".to_owned()));
                };
                if provider.is_none() {
                    let listener = listen(idp.port).await?;
                    let _runtime = self.handle.enter();
                    *provider = run_provider(&self.demo, local_provider, listener)?;
                }
            }
        }
        Ok(())
    }

    async fn set_roles(&self, email: &str, names: &[String]) -> Result<()> {
        let email = Email::parse(email).map_err(instance_error)?;
        let mut roles = Roles::default();
        for name in names {
            roles.insert(name.parse().map_err(instance_error)?);
        }
        for user in users::by_email(&self.demo.app.db, &email).await.map_err(instance_error)? {
            users::set_roles(&self.demo.app.db, user.id, &roles).await.map_err(instance_error)?;
        }
        Ok(())
    }

    fn shared_settings(&self) -> Result<Vec<(String, String)>> {
        let settings = &self.demo.app.settings;
        let shared = [
            ("DATABASE_URL", settings.database_url.expose()),
            ("APP_SECRET", self.secret.expose()),
            ("JWT_ISSUER", &settings.jwt.issuer),
            ("JWT_AUDIENCE", &settings.jwt.audience),
        ];
        Ok(shared.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    async fn advance(&self, by: Duration) -> Result<()> {
        let clock = &self.demo.app.clock;
        if matches!(clock, Clock::System) {
            return Err(Error::Unsupported("its clock cannot be set".to_owned()));
        }
        clock.advance(Span::millis(i64::try_from(by.as_millis()).map_err(instance_error)?));
        Ok(())
    }

    fn log(&self) -> Result<String> {
        let unsupported = || Error::Unsupported("its log is not captured".to_owned());
        let log = self.log.as_ref().ok_or_else(unsupported)?;
        Ok(String::from_utf8_lossy(&log.text.lock()).into_owned())
    }

    fn database_files(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for file in std::fs::read_dir(self.folder.path()).map_err(instance_error)? {
            let path = file.map_err(instance_error)?.path();
            if path.is_file() {
                bytes.extend(std::fs::read(path).map_err(instance_error)?);
            }
        }
        Ok(bytes)
    }

    async fn stop(self: Box<Self>) {
        let Self { provider, server, demo, folder, log, .. } = *self;
        if let Some(log) = log {
            log.is_captured.store(false, Ordering::Relaxed);
        }
        if let Some(provider) = provider.into_inner() {
            provider.stop().await;
        }
        server.stop().await;
        drop(demo);
        if let Err(error) = folder.close() {
            tracing::warn!(%error, "a temporary folder could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn listen_retries_until_the_port_is_free() {
        let first = listen(0).await.unwrap();
        let port = first.local_addr().unwrap().port();
        assert!(TcpListener::bind(("127.0.0.1", port)).await.is_err());
        let release = async {
            tokio::time::sleep(BIND_RETRY_INTERVAL * 3).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(listen(port), release);
        assert_eq!(second.unwrap().local_addr().unwrap().port(), port);
    }
}
