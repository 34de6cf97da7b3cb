//! An independent poller: another client, another clock, another interval.

use std::time::{Duration, Instant};

use latchkey_lab::Call;
use reqwest::header::HeaderMap;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Its interval: not a multiple of the stopwatch's.
const EVERY: Duration = Duration::from_millis(37);

/// When a credential stopped working, as far as one poller can tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bracket {
    /// The last accepted request was sent then.
    pub(crate) last_accepted: Instant,
    /// The first refusal was received then.
    pub(crate) first_refused: Instant,
}

impl Bracket {
    /// Whether the two intervals overlap.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.last_accepted <= other.first_refused && other.last_accepted <= self.first_refused
    }
}

/// Polls until it is stopped, and returns when the credential stopped working.
pub(crate) struct Poller {
    stop: oneshot::Sender<()>,
    running: JoinHandle<Bracket>,
}

impl Poller {
    /// Starts polling.
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
                    // Says nothing about the credential.
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

    /// Stops polling.
    pub(crate) async fn read(self) -> Bracket {
        // Fails only if it has already ended, with an error.
        let _ = self.stop.send(());
        self.running.await.expect("a poller that saw it die")
    }
}
