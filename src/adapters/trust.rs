//! Stand-in until the real file arrives: which certificates we trust.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::words::Words;

/// The TLS settings for SMTP and HTTPS.
///
/// # Errors
/// Words that say which file cannot be used.
pub fn client_config(tls_ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Words> {
    let loaded = match tls_ca_file {
        Some(file) => rustls_native_certs::load_certs_from_paths(Some(file), None),
        None => rustls_native_certs::load_native_certs(),
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Words::from(error.to_string()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
