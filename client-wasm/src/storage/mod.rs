//! What stays on the device: one IndexedDB database, every write strictly durable.
//!
//! Works alike in a window, a dedicated worker and a service worker. Knows rows and transactions; it
//! does not know why a row changes.

mod block;
mod database;
mod deposit;
mod error;
mod session;
mod transaction;
mod value;

pub use database::Database;
pub use deposit::{DepositRow, Gap, RowState, WRITTEN};
pub use error::StorageError;
pub use session::SessionRow;
