//! Parameters behind a semicolon, of URIs and of header values (RFC 3261 25.1 `generic-param`).

use core::fmt;

use crate::text;

/// One `name` or `name=value`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Param {
    /// The name, compared without case.
    pub name: String,
    /// The value without quotes; nothing for a flag such as `lr`.
    pub value: Option<String>,
}

/// Parameters in the order they were met.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Params(Vec<Param>);

impl Params {
    /// No parameters.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of the first parameter with this name; a flag has the value `""`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name)
            .map(|param| param.value.as_deref().unwrap_or(""))
    }

    /// Whether there is a parameter with this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Gives the parameter this value, in its old place if it had one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.put(name, Some(value.into()));
    }

    /// Adds the flag `name` if it is not there.
    pub fn set_flag(&mut self, name: &str) {
        self.put(name, None);
    }

    /// Removes every parameter with this name.
    pub fn remove(&mut self, name: &str) {
        self.0
            .retain(|param| !param.name.eq_ignore_ascii_case(name));
    }

    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.0
            .iter()
            .find(|param| param.name.eq_ignore_ascii_case(name))
    }

    fn put(&mut self, name: &str, value: Option<String>) {
        match self
            .0
            .iter_mut()
            .find(|param| param.name.eq_ignore_ascii_case(name))
        {
            Some(param) => param.value = value,
            None => self.push(name.to_owned(), value),
        }
    }

    pub(crate) fn push(&mut self, name: String, value: Option<String>) {
        self.0.push(Param { name, value });
    }

    pub(crate) fn from_header(params: &[sipx_sip::headers::HeaderParam]) -> Self {
        let mut out = Self::new();
        for param in params {
            out.push(
                text::owned(&param.name),
                param.value.as_deref().map(text::owned),
            );
        }
        out
    }

    pub(crate) fn from_uri(params: Option<&sipx_sip::Params>) -> Self {
        let mut out = Self::new();
        for param in params.into_iter().flatten() {
            out.push(text::owned(param.name()), param.value().map(text::owned));
        }
        out
    }

    /// Writes the parameters as a header carries them, quoting values that are no tokens or hosts.
    pub(crate) fn write_to_header(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in &self.0 {
            write!(formatter, ";{}", param.name)?;
            match param.value.as_deref() {
                Some(value) if is_bare(value) => write!(formatter, "={value}")?,
                Some(value) => write!(formatter, "={}", text::quoted(value))?,
                None => {}
            }
        }
        Ok(())
    }

    /// Writes the parameters as a URI carries them; values are already escaped.
    pub(crate) fn write_to_uri(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        first: char,
        next: char,
    ) -> fmt::Result {
        let mut separator = first;
        for param in &self.0 {
            write!(formatter, "{separator}{}", param.name)?;
            if let Some(value) = param.value.as_deref() {
                write!(formatter, "={value}")?;
            }
            separator = next;
        }
        Ok(())
    }
}

fn is_bare(value: &str) -> bool {
    !value.is_empty() && text::is_token(&value.replace(['[', ']', ':', '/'], "."))
}
