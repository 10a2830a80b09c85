//! A server as its clients meet it.

mod attacks;
mod http;
mod mlflow_client;
mod words;
