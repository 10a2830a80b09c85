//! The program as a user meets it.

mod bad_input;
mod shell;
mod tracked;
mod work;
