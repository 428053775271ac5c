//! The seven classes of objects that the platform knows by name. Their names are for good: storage hangs on them.

#![allow(
    missing_docs,
    reason = "the attribute on an object's class makes methods without them"
)]

mod directory;
pub(crate) mod flow;
mod line;
mod mailbox;
mod network;
mod upload;
mod upstream;

pub use directory::Directory;
pub use flow::Flow;
pub use line::Line;
pub use mailbox::Mailbox;
pub use network::Network;
pub use upload::Upload;
pub use upstream::Upstream;
