//! The one way by which a method's outcome reaches JavaScript. An `async fn` of the class would bring its own
//! copy of that way, two kilobytes for each method.

use core::pin::Pin;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::{Client, Outcome};

/// What a method can give to JavaScript.
pub(super) trait Given {
    /// The same as JavaScript sees it.
    fn given(self) -> JsValue;
}

impl Given for () {
    fn given(self) -> JsValue {
        JsValue::UNDEFINED
    }
}

macro_rules! given {
    ($($kind:ty),*) => {
        $(impl Given for $kind {
            fn given(self) -> JsValue {
                self.into()
            }
        })*
    };
}

given!(String, u32, JsValue, web_sys::Blob, Client);

/// Does the work, and settles the promise with its outcome.
pub(super) fn promise<Value: Given>(
    work: impl Future<Output = Outcome<Value>> + 'static,
) -> Promise {
    settle(Box::pin(async move { work.await.map(Given::given) }))
}

fn settle(work: Pin<Box<dyn Future<Output = Outcome<JsValue>>>>) -> Promise {
    future_to_promise(work)
}
