//! A certificate authority of our own, and one server certificate of each kind a client has to judge.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};

/// The names the good certificate is for.
pub const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What kind of certificate the server shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CertificateKind {
    /// For the loopback names, under the authority, valid now.
    #[default]
    Good,
    /// Like the good one, but it ran out in 2020.
    Expired,
    /// Under the authority and valid, but for another host.
    WrongHost,
    /// For the loopback names and valid now, but signed by itself.
    SelfSigned,
}

/// A certificate with its key.
pub struct Identity {
    /// The certificate, DER.
    pub certificate: CertificateDer<'static>,
    /// The same, PEM.
    pub certificate_pem: String,
    key: KeyPair,
}

impl Identity {
    /// Its key, PEM, for a server that is not ours.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// A TLS server showing this certificate, speaking only `versions`.
    pub fn server_config(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![self.certificate.clone()], key));
        Arc::new(config.expect("a certificate made a moment ago fits its key"))
    }
}

/// A certificate authority, new with each instance.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes one.
    pub fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Outlook stand-in authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    /// The authority's own certificate, for `tls_ca_file`.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's own certificate, DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A certificate of the given kind for `names` (DNS names or IP addresses; ignored for the wrong host).
    pub fn identity(&self, kind: CertificateKind, names: &[&str]) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = server_params(names)?;
        let certificate = match kind {
            CertificateKind::Good => params.signed_by(&key, &self.issuer)?,
            CertificateKind::Expired => {
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
                params.signed_by(&key, &self.issuer)?
            }
            CertificateKind::WrongHost => server_params(&["smtp.elsewhere.example"])?.signed_by(&key, &self.issuer)?,
            CertificateKind::SelfSigned => params.self_signed(&key)?,
        };
        Ok(Identity { certificate: certificate.der().clone(), certificate_pem: certificate.pem(), key })
    }
}

fn server_params(names: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("nobody"));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}
