//! Calls through a whole exchange in memory.

mod access;
mod calling;
mod crash;
mod limits;
mod voicemail;
