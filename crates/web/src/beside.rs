//! Work that goes on whether or not the browser that asked for it still waits.
//!
//! A token that rotates and is dropped on the way is lost; so the process waits
//! for this work, too, before it lets go of the database.

use tokio::sync::watch;

use crate::errors::{Fault, Result, catalogue};

/// How much of it is under way.
#[derive(Debug, Default)]
pub struct Beside(watch::Sender<usize>);

impl Beside {
    /// Runs something to its end, and waits for it as long as the browser does.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let counted = Counted::new(&self.0);
        let task = tokio::spawn(async move {
            let _counted = counted;
            work.await
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a task ended badly");
            Err(Fault::new(catalogue::INTERNAL))
        })
    }

    /// Comes to its end when nothing is under way.
    pub(crate) async fn over(&self) {
        // The sender is here, so this ends in no other way.
        let _ = self.0.subscribe().wait_for(|under_way| *under_way == 0).await;
    }
}

struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|under_way| *under_way += 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|under_way| *under_way -= 1);
    }
}
