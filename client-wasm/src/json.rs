//! JSON that servers send and take, read and written by the browser itself. What is not there, or is of
//! another kind, is none.

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// A value that was read.
#[derive(Clone)]
pub(crate) struct Json(JsValue);

impl Json {
    /// Reads a text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        JSON::parse(text).ok().map(Self)
    }

    /// A text in an object.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.field(name)?.as_string()
    }

    /// A number in an object.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.field(name)?.as_f64()
    }

    /// The items of an array in an object.
    pub(crate) fn items(&self, name: &str) -> Vec<Self> {
        self.field(name)
            .and_then(|items| items.dyn_into::<Array>().ok())
            .map(|items| items.iter().map(Self).collect())
            .unwrap_or_default()
    }

    fn field(&self, name: &str) -> Option<JsValue> {
        Reflect::get(&self.0, &name.into()).ok()
    }
}

/// An object of texts, as text.
pub(crate) fn object(fields: &[(&str, &str)]) -> JsValue {
    let object = Object::new();
    for (name, text) in fields {
        // Setting a field fails only on frozen objects.
        let _ = Reflect::set(&object, &(*name).into(), &(*text).into());
    }
    JSON::stringify(&object).map_or(JsValue::NULL, JsValue::from)
}
