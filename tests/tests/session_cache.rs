//! `SESSION_CACHE=watch`.
