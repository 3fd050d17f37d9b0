//! Trust anchors: the system's certificates, loaded once, and the account's `tls_ca_file`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::load_certs_from_paths;

use crate::adapters::files;
use crate::words::Words;
use crate::world::FileFault;

/// Where distributions keep all roots in one file: reading one file takes 0.8 ms, the folder of 150 takes 3.5 ms.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // Alpine
];

/// Where they lie one by one, for a system without a bundle. `load_native_certs()` looks here too, but lets
/// SSL_CERT_FILE and SSL_CERT_DIR, which a caller controls, decide instead.
const FOLDERS: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// How we speak TLS to a submission server: 1.2 or 1.3, certificates verified against the system's roots and those
/// in `tls_ca_file`, no ALPN.
///
/// # Errors
///
/// A `tls_ca_file` that is missing, holds no certificate, or could have been written by somebody else.
pub fn client_config(tls_ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Words> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system_roots().iter().cloned());
    for certificate in own_roots(tls_ca_file)? {
        roots.add(certificate).map_err(|error| Words::from(format!("tls_ca_file: {error}")))?;
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Words::from(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The same anchors as certificates, to be counted.
///
/// # Errors
///
/// As [`client_config`].
pub fn roots(tls_ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Words> {
    let mut roots = system_roots().to_vec();
    roots.extend(own_roots(tls_ca_file)?);
    Ok(roots)
}

/// Where the system's roots lie, and how many anchors there are in all.
///
/// # Errors
///
/// As [`client_config`].
pub fn census(tls_ca_file: Option<&Path>) -> Result<(Option<PathBuf>, usize), Words> {
    let count = roots(tls_ca_file)?.len();
    let places = BUNDLES.iter().chain(FOLDERS).map(Path::new);
    Ok((places.filter(|place| place.exists()).map(PathBuf::from).next(), count))
}

/// The one provider of cryptography; a second one in the process makes rustls panic.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The system's roots; empty on a machine without any, where every certificate is then refused.
fn system_roots() -> &'static [CertificateDer<'static>] {
    static ROOTS: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let files = BUNDLES.iter().map(|file| (Some(Path::new(file)), None));
        let folders = FOLDERS.iter().map(|folder| (None, Some(Path::new(folder))));
        files
            .chain(folders)
            .filter(|(file, folder)| file.or(*folder).is_some_and(Path::exists))
            .map(|(file, folder)| load_certs_from_paths(file, folder).certs)
            .find(|certificates| !certificates.is_empty())
            .unwrap_or_default()
    })
}

/// The account's own anchors. Whoever can write them can read every token, so they are judged like a configuration.
fn own_roots(tls_ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Words> {
    let Some(file) = tls_ca_file else { return Ok(Vec::new()) };
    let fault = |why: &str| Words::from(format!("tls_ca_file {}: {why}", file.display()));
    let pem = files::read_existing(file).map_err(|why| match why {
        FileFault::Unreadable(problem) => fault(&problem),
        FileFault::WritableByOthers => fault("others can write or own it"),
        FileFault::ByWayOfOthers(place) => {
            fault(&format!("others can write or own its folder or the way there: {}", place.display()))
        }
        FileFault::NotRegular => fault("not a regular file"),
        FileFault::TooLarge => fault("too large"),
    })?;
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| fault(&error.to_string()))?;
    if certificates.is_empty() { Err(fault("no certificate in it")) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_system_has_roots_whatever_the_environment_says() {
        assert!(client_config(None).is_ok());
        assert!(roots(None).unwrap().len() == system_roots().len());
    }

    #[test]
    fn a_ca_file_that_cannot_be_used_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(client_config(Some(&file)).unwrap_err().whole().contains("No such file"));
        fs::write(&file, "no PEM here").unwrap();
        assert!(client_config(Some(&file)).unwrap_err().whole().contains("no certificate"));
        fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(client_config(Some(&file)).is_err());
        assert!(client_config(Some(folder.path())).unwrap_err().whole().contains("regular"));
    }

    #[test]
    fn a_ca_file_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(client_config(Some(&file)).unwrap_err().whole().contains("others can write"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(client_config(Some(&file)).unwrap_err().whole().contains("its folder"));
    }
}
