//! Calls through a whole exchange in memory.

mod access;
mod calling;
mod voicemail;
mod world;
