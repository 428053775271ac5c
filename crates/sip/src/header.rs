//! The header fields of a message, in order, under their full names.

/// Header fields. Names are compared without case; compact forms are written out when a message is
/// parsed, so that `v` and `Via` are one. Fields of lists that elements work on value by value (Via,
/// Route, Record-Route, Contact, Path, Service-Route, History-Info, Diversion) hold one value each.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Headers(Vec<(String, String)>);

/// Fields that are split into one value each.
const SPLIT: [&str; 8] = [
    "Via",
    "Route",
    "Record-Route",
    "Contact",
    "Path",
    "Service-Route",
    "History-Info",
    "Diversion",
];

impl Headers {
    /// The first value under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All values under this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Replaces all fields of this name by one, in the place of the first.
    pub fn set(&mut self, name: &str, value: &str) {
        let place = self.position(name);
        self.remove(name);
        self.insert(place.unwrap_or(self.0.len()), name, value);
    }

    /// Adds a field behind all others.
    pub fn add(&mut self, name: &str, value: &str) {
        self.insert(self.0.len(), name, value);
    }

    /// Adds a field in front of the first of this name, or in front of everything.
    pub fn add_first(&mut self, name: &str, value: &str) {
        self.insert(self.position(name).unwrap_or(0), name, value);
    }

    /// Removes all fields of this name.
    pub fn remove(&mut self, name: &str) {
        self.0
            .retain(|(field, _)| !field.eq_ignore_ascii_case(name));
    }

    /// Takes the first field of this name out.
    pub fn remove_first(&mut self, name: &str) -> Option<String> {
        let at = self.position(name)?;
        Some(self.0.remove(at).1)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|(field, _)| field.eq_ignore_ascii_case(name))
    }

    /// A value cannot add a line of its own: its line ends become spaces.
    fn insert(&mut self, at: usize, name: &str, value: &str) {
        let at = at.min(self.0.len());
        self.0
            .insert(at, (name.to_owned(), crate::text::one_line(value)));
    }

    /// Adds a field as it came from the wire.
    pub(crate) fn add_parsed(&mut self, name: &str, value: &str) {
        if SPLIT.iter().any(|split| split.eq_ignore_ascii_case(name)) {
            for one in crate::text::split(value, ',') {
                self.add(name, one);
            }
        } else {
            self.add(name, value);
        }
    }

    /// Writes all fields but Content-Length, which follows from the body.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        let fields = self
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Length"));
        for (name, value) in fields {
            for part in [name, ": ", value, "\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
}
