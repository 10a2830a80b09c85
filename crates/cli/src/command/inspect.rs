//! `kolosal inspect`
