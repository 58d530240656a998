//! Whose journal it is, and what is left of it.
