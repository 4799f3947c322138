//! Our own apalis backend: a stream of leased pages. It never yields an error: one would end the worker and drop what is
//! on the wire. What goes wrong with Redis is logged, waited out and tried again where pages are leased.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll, ready},
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    task::{Task, task_id::RandomId},
    worker::context::WorkerContext,
};
use futures::future::BoxFuture;
use tower::layer::util::Identity;

use super::{Queue, lane::PageJob};

/// See the module.
pub(super) struct LaneBackend {
    queue: Arc<Queue>,
    next: Option<BoxFuture<'static, Option<PageJob>>>,
}

impl LaneBackend {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, next: None }
    }
}

async fn receive(queue: Arc<Queue>) -> Option<PageJob> {
    queue.lock().await.recv().await
}

impl Backend for LaneBackend {
    type Task = Task<PageJob>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Infallible>>> {
        let queue = &self.queue;
        let next = self.next.get_or_insert_with(|| Box::pin(receive(Arc::clone(queue))));
        let job = ready!(next.as_mut().poll(cx));
        self.next = None;
        Poll::Ready(job.map(|job| Ok(Task::new(job))))
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for LaneBackend {
    type Args = PageJob;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
