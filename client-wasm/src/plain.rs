//! Plain JavaScript data as rows, options and events: what `serde-wasm-bindgen` would read, in a third of the code.
//!
//! A struct asks for its fields one after another, in their order and by their names, so that no name has to be
//! compared with all others as in a map. A field that is absent or undefined is one that was never written: an
//! option is none then, and whatever else has a default gets it. Maps, bytes and what is more than data are not
//! read. Errors do not repeat what was met: no page shows that, and numbers in words are five kilobytes.

use core::fmt::Display;

use js_sys::{Array, Object, Reflect};
use serde::de::value::StringDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, Expected, IntoDeserializer,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use wasm_bindgen::{JsCast, JsValue};

/// The largest whole number that JavaScript tells from its neighbours.
const LARGEST: f64 = 9_007_199_254_740_991.0;

/// Why a value could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

impl de::Error for Unreadable {
    fn custom<Message: Display>(message: Message) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(_met: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("it is not {expected}"))
    }

    fn invalid_value(_met: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("it is not {expected}"))
    }
}

/// Reads a value that holds nothing but data.
pub(crate) fn read<Value: DeserializeOwned>(value: JsValue) -> Result<Value, Unreadable> {
    Value::deserialize(Plain(value))
}

/// One value to be read.
struct Plain(JsValue);

/// The fields of one struct, to be asked for in their order.
struct Fields {
    object: JsValue,
    names: core::slice::Iter<'static, &'static str>,
    /// The last one, if it was not there.
    absent: Option<&'static str>,
}

/// The elements of an array.
struct Elements {
    array: Array,
    next: u32,
}

impl Plain {
    /// A whole number that is exact.
    fn whole(&self) -> Option<f64> {
        let number = self.0.as_f64()?;
        (number.trunc() == number && number.abs() <= LARGEST).then_some(number)
    }
}

/// Whole numbers of every width; what is too large for its place, serde refuses.
macro_rules! whole {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            match self.whole() {
                Some(number) => visitor.visit_i64(number as i64),
                None => Err(unexpected(&visitor)),
            }
        })*
    };
}

impl<'de> de::Deserializer<'de> for Plain {
    type Error = Unreadable;

    whole! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        bytes byte_buf char identifier map unit unit_struct
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        Err(unexpected(&visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0.as_bool() {
            Some(value) => visitor.visit_bool(value),
            None => Err(unexpected(&visitor)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0.as_f64() {
            Some(value) => visitor.visit_f64(value),
            None => Err(unexpected(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0.as_string() {
            Some(value) => visitor.visit_string(value),
            None => Err(unexpected(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0.is_undefined() || self.0.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0.dyn_into() {
            Ok(array) => visitor.visit_seq(Elements { array, next: 0 }),
            Err(_) => Err(unexpected(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if !self.0.is_object() {
            return Err(unexpected(&visitor));
        }
        let mut fields = Fields {
            object: self.0,
            names: fields.iter(),
            absent: None,
        };
        let read = visitor.visit_seq(&mut fields);
        read.map_err(|error| fields.absent.map_or(error, Unreadable::missing_field))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if self.0.is_string() {
            return visitor.visit_enum(Variant {
                name: self.0,
                content: JsValue::UNDEFINED,
            });
        }
        let entries = self.0.dyn_ref().map(Object::entries);
        let entry = entries.filter(|entries| entries.length() == 1);
        let entry = entry.and_then(|entries| entries.get(0).dyn_into::<Array>().ok());
        match entry {
            Some(entry) => visitor.visit_enum(Variant {
                name: entry.get(0),
                content: entry.get(1),
            }),
            None => Err(unexpected(&visitor)),
        }
    }
}

fn unexpected(expected: &dyn Expected) -> Unreadable {
    Unreadable::invalid_type(Unexpected::Unit, expected)
}

impl Fields {
    /// The next field's name and value.
    fn next(&mut self) -> Option<(&'static str, JsValue)> {
        let name = self.names.next()?;
        let value = Reflect::get(&self.object, &JsValue::from_str(name));
        Some((name, value.unwrap_or(JsValue::UNDEFINED)))
    }
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = Unreadable;

    fn next_element_seed<Seed: DeserializeSeed<'de>>(
        &mut self,
        seed: Seed,
    ) -> Result<Option<Seed::Value>, Unreadable> {
        self.absent = None;
        let Some((name, value)) = self.next() else {
            return Ok(None);
        };
        let is_absent = value.is_undefined();
        match seed.deserialize(Plain(value)) {
            Err(_) if is_absent => {
                self.absent = Some(name);
                Ok(None)
            }
            read => read.map(Some),
        }
    }
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = Unreadable;

    fn next_element_seed<Seed: DeserializeSeed<'de>>(
        &mut self,
        seed: Seed,
    ) -> Result<Option<Seed::Value>, Unreadable> {
        if self.next >= self.array.length() {
            return Ok(None);
        }
        let element = self.array.get(self.next);
        self.next = self.next.saturating_add(1);
        seed.deserialize(Plain(element)).map(Some)
    }
}

/// One variant of an enum: its name, or an object whose one key is its name.
struct Variant {
    name: JsValue,
    content: JsValue,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Unreadable;
    type Variant = Plain;

    fn variant_seed<Seed: DeserializeSeed<'de>>(
        self,
        seed: Seed,
    ) -> Result<(Seed::Value, Plain), Unreadable> {
        let name = self.name.as_string().unwrap_or_default();
        let name: StringDeserializer<Unreadable> = name.into_deserializer();
        Ok((seed.deserialize(name)?, Plain(self.content)))
    }
}

impl<'de> VariantAccess<'de> for Plain {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        Ok(())
    }

    fn newtype_variant_seed<Seed: DeserializeSeed<'de>>(
        self,
        seed: Seed,
    ) -> Result<Seed::Value, Unreadable> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        de::Deserializer::deserialize_tuple(self, length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
