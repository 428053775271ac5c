//! A queue between what happens (events, timers) and the one task that waits for it.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use std::collections::VecDeque;
use std::rc::Rc;

struct State<Item> {
    items: VecDeque<Item>,
    waker: Option<Waker>,
}

/// A queue of one thread; clones share it.
pub(crate) struct Queue<Item> {
    state: Rc<RefCell<State<Item>>>,
}

impl<Item> Clone for Queue<Item> {
    fn clone(&self) -> Self {
        Self {
            state: Rc::clone(&self.state),
        }
    }
}

impl<Item> Queue<Item> {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self {
            state: Rc::new(RefCell::new(State {
                items: VecDeque::new(),
                waker: None,
            })),
        }
    }

    /// Adds an item and wakes who waits.
    pub(crate) fn push(&self, item: Item) {
        let waker = {
            let mut state = self.state.borrow_mut();
            state.items.push_back(item);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The next item; waits for one. Only one task may wait at a time.
    pub(crate) async fn next(&self) -> Item {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            match state.items.pop_front() {
                Some(item) => Poll::Ready(item),
                None => {
                    state.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// Waits for `work` at most this long. What comes later than that is dropped when it comes.
pub(crate) async fn within<Output: 'static>(
    milliseconds: u32,
    work: impl Future<Output = Output> + 'static,
) -> Option<Output> {
    let queue = Queue::new();
    let done = queue.clone();
    wasm_bindgen_futures::spawn_local(async move { done.push(Some(work.await)) });
    let late = queue.clone();
    let timeout = gloo_timers::callback::Timeout::new(milliseconds, move || late.push(None));
    let outcome = queue.next().await;
    drop(timeout);
    outcome
}

#[cfg(test)]
mod tests {
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};

    use super::Queue;

    #[test]
    fn items_come_in_order_and_an_empty_queue_waits() {
        let queue = Queue::new();
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting = pin!(queue.next());
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Pending);
        queue.push(1);
        queue.push(2);
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(1));
        assert_eq!(pin!(queue.next()).poll(&mut context), Poll::Ready(2));
    }
}
