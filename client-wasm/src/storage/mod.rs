//! What stays on the device: one IndexedDB database, every write strictly durable.
//!
//! Works alike in a window, a dedicated worker and a service worker. Knows rows and transactions; it
//! does not know why a row changes.

mod attempt;
mod block;
mod database;
mod deposit;
mod error;
mod part;
mod session;
mod transaction;
mod trim;
mod value;

pub use attempt::{Attempt, Cut, SentPart};
pub use database::Database;
pub use deposit::{DepositRow, Gap, RowState, WRITTEN};
pub use error::StorageError;
pub use part::PartRow;
pub use session::{SessionRow, is_number};
