//! What a user agent proves its identity with.

/// How to prove who one is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Credentials {
    /// Not at all.
    #[default]
    None,
    /// A login token (RFC 8898), sent at once: it is only ever given to the server that issued it.
    Bearer(String),
    /// User name and password, for a digest challenge (RFC 8760).
    Password {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
}
