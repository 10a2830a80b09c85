//! One suite, run over each database.

mod faults;
mod places;
mod registry;
mod suite;

use places::{in_folder, in_postgres};

#[test]
fn sqlite_keeps_all_promises() {
    let (_folder, place) = in_folder();
    suite::check_store(&place);
}

#[test]
fn postgresql_keeps_all_promises() {
    match in_postgres() {
        Some(server) => suite::check_store(&server.place),
        None => eprintln!("NOT RUN: PostgreSQL is not installed here (Debian: apt install postgresql)"),
    }
}
