//! The program beside programs nobody here wrote: mail clients, submission servers, an authorization server, a keyring.
//!
//! They come from `tests/install-test-packages`; a test says SKIPPED where its program is missing.

mod oidc;
mod real_clients;
mod real_servers;
mod secret_service;
