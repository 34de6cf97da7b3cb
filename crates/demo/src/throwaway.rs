//! Where the comparison measures: Latchkeys that are thrown away afterwards.
//!
//! Each is a whole app on ports of its own, with a database in a temporary
//! folder and limits of its own: nobody's data is touched and nobody's tries
//! are used up. They run on threads of their own, so that their work does not
//! stand in the way of the app that is being used, and log nothing, unless the
//! log is what is looked at.

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

/// How long an instance may take to stop before it is left to itself.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait before a port is tried again.
const AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct ThrowawayInstances {
    // Taken out when it is dropped: a runtime must not wait inside another one.
    runtime: Option<Runtime>,
    handle: Handle,
    local_provider: Option<LocalProvider>,
    log: Log,
}

/// What the instances log while it is read: thousands of lines about requests that nobody made
/// would bury those that somebody did.
#[derive(Clone, Debug, Default)]
struct Log {
    reads: Arc<AtomicBool>,
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
    /// Takes in what this program says on the thread that it is set on.
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let (log, reads) = (self.clone(), Arc::clone(&self.reads));
        // No spans: the database's thread would close them in the program's own log.
        let is_ours = |metadata: &tracing::Metadata<'_>| {
            metadata.is_event() && metadata.target().starts_with("latchkey")
        };
        let when_read =
            DynFilterFn::new(move |metadata, _| is_ours(metadata) && reads.load(Ordering::Relaxed));
        let lines =
            tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || log.clone());
        let when_read = when_read.with_max_level_hint(LevelFilter::TRACE);
        // Not a filter of this layer alone: the registry would keep the spans all the same.
        tracing_subscriber::registry().with(lines).with(when_read)
    }
}

pub fn instances(local_provider: Option<LocalProvider>) -> io::Result<Box<dyn InstanceFactory>> {
    Ok(Box::new(ThrowawayInstances::new(local_provider)?))
}

impl ThrowawayInstances {
    pub fn new(local_provider: Option<LocalProvider>) -> io::Result<Self> {
        let log = Log::default();
        let subscribed = tracing::Dispatch::new(log.subscriber());
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("ground")
            .on_thread_start(move || {
                // It holds as long as the thread lives.
                std::mem::forget(tracing::dispatcher::set_default(&subscribed));
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
        format!("instances of its own on this machine, {build}, with an embedded SQLite")
    }

    async fn start(&self, options: &InstanceOptions) -> Result<Box<dyn latchkey_lab::Instance>> {
        let options = options.clone();
        let log = options.log.then(|| {
            self.log.text.lock().clear();
            self.log.reads.store(true, Ordering::Relaxed);
            self.log.clone()
        });
        let start = Instance::start(options, self.handle.clone(), self.local_provider, log);
        let started = self.handle.spawn(start).await;
        Ok(Box::new(started.map_err(failed)??))
    }
}

#[derive(Debug)]
struct Instance {
    demo: Demo,
    provider_runs: Mutex<Option<Running>>,
    serving: Running,
    secret: Secret,
    handle: Handle,
    folder: TempDir,
    log: Option<Log>,
}

#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    fn start<F>(serve: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(serve(stopped)) }
    }

    async fn end(self) {
        // Nobody receives it when the task has ended already.
        let _ = self.stop.send(true);
        // A task that does not end is left to itself.
        let _ = tokio::time::timeout(GRACE, self.task).await;
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::StartFailed(error.to_string())
}

impl Instance {
    async fn start(
        options: InstanceOptions,
        handle: Handle,
        local_provider: Option<LocalProvider>,
        log: Option<Log>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(failed)?;
        let listener = listen(0).await?;
        let idp = listen(0).await?;
        let port = listener.local_addr().map_err(failed)?.port();
        let idp_port = idp.local_addr().map_err(failed)?.port();
        let database = folder.path().join("latchkey.db");
        let secret = Secret::new(random::token());
        let own = [
            ("PUBLIC_URL".to_owned(), format!("http://localhost:{port}")),
            ("LOCAL_IDP_PORT".to_owned(), idp_port.to_string()),
            ("DATABASE_URL".to_owned(), format!("sqlite://{}", database.display())),
            ("APP_SECRET".to_owned(), secret.expose().to_owned()),
        ];
        let variables = own.into_iter().chain(options.variables);
        let environment = Environment::new(variables, folder.path());
        let built_with =
            Capabilities { local_provider: local_provider.is_some(), ..Capabilities::ALL };
        let settings = Settings::load(&environment, built_with).map_err(failed)?;
        let clock = match options.manual_clock {
            true => Clock::manual(Clock::System.now()),
            false => Clock::System,
        };
        let app = App::open(settings, clock, routes::LINKS).await.map_err(failed)?;
        let demo = Demo::new(app, local_provider, instances);
        let provider_runs = match local_provider {
            Some(make) => run_provider(&demo, make, idp)?,
            None => None,
        };
        Ok(Self {
            serving: run_app(&demo, listener),
            provider_runs: Mutex::new(provider_runs),
            demo,
            secret,
            handle,
            folder,
            log,
        })
    }
}

/// Listens, if need be where somebody did a moment ago: the system may need that long.
async fn listen(port: u16) -> Result<TcpListener> {
    let start = tokio::time::Instant::now();
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Err(_) if start.elapsed() < GRACE => tokio::time::sleep(AGAIN).await,
            ended => return ended.map_err(failed),
        }
    }
}

fn run_app(demo: &Demo, listener: TcpListener) -> Running {
    let (sites, jobs) = (vec![(listener, routes::router(demo))], demo.clone());
    Running::start(|mut stopped| {
        serve::run(
            demo.app.clone(),
            sites,
            move |background| routes::start_jobs(&jobs, background),
            async move {
                // A sender that is gone means the same.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            },
        )
    })
}

fn run_provider(
    demo: &Demo,
    make: LocalProvider,
    listener: TcpListener,
) -> Result<Option<Running>> {
    let router = make(&demo.app.settings).map_err(failed)?;
    Ok(router.map(|it| Running::start(|stop| Server::new(&demo.app).accept(listener, it, stop))))
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
        let mut running = self.provider_runs.lock().await;
        match disruption {
            Disruption::CutDatabase => self.demo.app.db.close().await,
            Disruption::StopProvider => {
                if let Some(provider) = running.take() {
                    provider.end().await;
                }
            }
            Disruption::StartProvider => {
                let idp = self.demo.app.settings.local_idp.as_ref();
                let Some((idp, make)) = idp.zip(self.demo.local_provider) else {
                    return Err(Error::Unsupported("there is no local provider".to_owned()));
                };
                if running.is_none() {
                    let listener = listen(idp.port).await?;
                    let _on_its_threads = self.handle.enter();
                    *running = run_provider(&self.demo, make, listener)?;
                }
            }
        }
        Ok(())
    }

    async fn set_roles(&self, email: &str, names: &[String]) -> Result<()> {
        let email = Email::parse(email).map_err(failed)?;
        let mut roles = Roles::default();
        for name in names {
            roles.insert(name.parse().map_err(failed)?);
        }
        for user in users::by_email(&self.demo.app.db, &email).await.map_err(failed)? {
            users::set_roles(&self.demo.app.db, user.id, &roles).await.map_err(failed)?;
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
            return Err(Error::Unsupported("its clock runs by itself".to_owned()));
        }
        clock.advance(Span::millis(i64::try_from(by.as_millis()).map_err(failed)?));
        Ok(())
    }

    fn log(&self) -> Result<String> {
        let log =
            self.log.as_ref().ok_or_else(|| Error::Unsupported("it keeps no log".to_owned()))?;
        Ok(String::from_utf8_lossy(&log.text.lock()).into_owned())
    }

    fn database_files(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for file in std::fs::read_dir(self.folder.path()).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            if path.is_file() {
                bytes.extend(std::fs::read(path).map_err(failed)?);
            }
        }
        Ok(bytes)
    }

    async fn stop(self: Box<Self>) {
        let Self { provider_runs, serving, demo, folder, log, .. } = *self;
        if let Some(log) = log {
            log.reads.store(false, Ordering::Relaxed);
        }
        if let Some(provider) = provider_runs.into_inner() {
            provider.end().await;
        }
        serving.end().await;
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
    async fn a_port_that_is_let_go_a_moment_later_is_taken_again() {
        let first = listen(0).await.unwrap();
        let port = first.local_addr().unwrap().port();
        assert!(TcpListener::bind(("127.0.0.1", port)).await.is_err());
        let going = async {
            tokio::time::sleep(AGAIN * 3).await;
            drop(first);
        };
        let (again, ()) = tokio::join!(listen(port), going);
        assert_eq!(again.unwrap().local_addr().unwrap().port(), port);
    }
}
