//! Calls through a whole exchange in memory.

mod access;
mod calling;
mod crash;
mod digest;
mod forking;
mod limits;
mod registrar;
mod subscriptions;
mod texts;
mod resumption;
mod voicemail;
mod diverted;
mod variants;
