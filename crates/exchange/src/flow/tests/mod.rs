//! Calls through a whole exchange in memory.

mod access;
mod calling;
mod crash;
mod digest;
mod diverted;
mod forking;
mod identity;
mod limits;
mod numbers;
mod registrar;
mod resumption;
mod subscriptions;
mod texts;
mod variants;
mod voicemail;
