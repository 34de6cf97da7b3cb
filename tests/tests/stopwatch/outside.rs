//! A poller that shares nothing with the stopwatch: another client, another clock
//! face, another beat.

use std::time::{Duration, Instant};

use latchkey_lab::Call;
use reqwest::header::HeaderMap;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How often it asks: out of step with the stopwatch.
const EVERY: Duration = Duration::from_millis(37);

/// When a key died, as far as one poller can tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bracket {
    /// It was sent then, and still opened.
    pub(crate) last_accepted: Instant,
    /// The first refusal was there then.
    pub(crate) first_refused: Instant,
}

impl Bracket {
    /// Whether both may be right: the key died once, within both brackets.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.last_accepted <= other.first_refused && other.last_accepted <= self.first_refused
    }
}

/// Asks until it is told to stop, and tells when the key died.
pub(crate) struct Poller {
    stop: oneshot::Sender<()>,
    running: JoinHandle<Bracket>,
}

impl Poller {
    /// Begins to ask.
    pub(crate) fn start(call: &Call) -> Self {
        let headers: HeaderMap = call.headers.iter().cloned().collect();
        let (url, (stop, mut stopped)) = (call.url.clone(), oneshot::channel());
        #[expect(clippy::disallowed_methods, reason = "somebody outside: no limits of the app's")]
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let running = tokio::spawn(async move {
            let (mut accepted, mut refused) = (None, None);
            while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                let asked = Instant::now();
                let answer = client.get(url.clone()).headers(headers.clone()).send().await;
                match answer.expect("an answer").status().as_u16() {
                    200 => {
                        assert!(refused.is_none(), "it opened again");
                        accepted = Some(asked);
                    }
                    401 => refused = refused.or(Some(Instant::now())),
                    // It says nothing about the key.
                    _ => {}
                }
                tokio::time::sleep(EVERY).await;
            }
            Bracket {
                last_accepted: accepted.expect("it was alive"),
                first_refused: refused.expect("it died"),
            }
        });
        Self { stop, running }
    }

    /// Stops asking.
    pub(crate) async fn read(self) -> Bracket {
        // It has ended already when nobody receives this, and then it has failed.
        let _ = self.stop.send(());
        self.running.await.expect("a poller that saw it die")
    }
}
