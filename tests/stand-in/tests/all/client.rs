//! A raw client: writes octets, reads replies, knows nothing.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use stand_in::{Dialogue, Options, Outlook};

pub(crate) fn ca_file() -> PathBuf {
    static SERIAL: AtomicUsize = AtomicUsize::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("stand-in-{}-{serial}.pem", std::process::id()))
}

pub(crate) fn outlook() -> Outlook {
    Outlook::start(Options::new(ca_file())).unwrap()
}

pub(crate) fn outlook_saying(dialogue: &str) -> Outlook {
    let dialogue = Some(Dialogue::parse(dialogue).unwrap());
    Outlook::start(Options { dialogue, ..Options::new(ca_file()) }).unwrap()
}

pub(crate) fn tls_config(root: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    Arc::new(builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth())
}

pub(crate) enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

pub(crate) struct Client {
    reader: BufReader<Stream>,
}

impl Client {
    pub(crate) fn connect(outlook: &Outlook) -> Self {
        Self::impatient(outlook, Duration::from_secs(10))
    }

    pub(crate) fn impatient(outlook: &Outlook, timeout: Duration) -> Self {
        let socket = TcpStream::connect(outlook.smtp.address()).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(timeout)).unwrap();
        Self { reader: BufReader::new(Stream::Clear(socket)) }
    }

    /// Connected, in TLS, EHLO said, not signed in.
    pub(crate) fn in_tls(outlook: &Outlook) -> Self {
        let mut client = Self::connect(outlook);
        client.reply();
        client.say("EHLO [127.0.0.1]");
        assert_eq!(client.say("STARTTLS"), "220 2.0.0 SMTP server ready\r\n");
        let mut client = client.start_tls(outlook.authority.der()).unwrap();
        client.say("EHLO [127.0.0.1]");
        client
    }

    /// Ready for MAIL.
    pub(crate) fn signed_in(outlook: &Outlook) -> Self {
        let mut client = Self::in_tls(outlook);
        let reply =
            client.say(&format!("AUTH XOAUTH2 {}", xoauth2(&outlook.options().account, &outlook.access_token())));
        assert_eq!(reply, "235 2.7.0 Authentication successful\r\n");
        client
    }

    pub(crate) fn start_tls(self, root: CertificateDer<'static>) -> io::Result<Self> {
        assert!(self.reader.buffer().is_empty(), "octets in the clear behind the 220");
        let Stream::Clear(mut socket) = self.reader.into_inner() else { panic!("twice") };
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(tls_config(root), name).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Self { reader: BufReader::new(Stream::Tls(Box::new(StreamOwned::new(tls, socket)))) })
    }

    pub(crate) fn write(&mut self, octets: &[u8]) {
        self.try_write(octets).unwrap();
    }

    fn try_write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self.reader.get_mut() {
            Stream::Clear(stream) => stream.write_all(octets),
            Stream::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        }
    }

    /// Like `say`; `None` when there is nobody to say it to.
    pub(crate) fn try_say(&mut self, line: &str) -> Option<String> {
        self.try_write(format!("{line}\r\n").as_bytes()).ok()?;
        Some(self.reply())
    }

    /// One reply, all its lines; what there was when the connection ended.
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = Vec::new();
        loop {
            let start = reply.len();
            let end = (&mut self.reader).take(1 << 20).read_until(b'\n', &mut reply);
            if reply.len() >= 1 << 20 {
                return String::new();
            }
            if end.unwrap_or(0) == 0 || reply.get(start + 3) != Some(&b'-') {
                return String::from_utf8_lossy(&reply).into_owned();
            }
        }
    }

    pub(crate) fn say(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    pub(crate) fn buffered(&mut self) -> Vec<u8> {
        self.reader.buffer().to_vec()
    }
}

pub(crate) fn xoauth2(user: &str, token: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"))
}

/// Posts a form; status and body.
pub(crate) fn post(outlook: &Outlook, path: &str, form: &str) -> (u16, String) {
    let length = form.len();
    let answer = exchange(
        outlook,
        &format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{form}"),
    );
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
}

/// One HTTPS request and its whole answer.
pub(crate) fn exchange(outlook: &Outlook, request: &str) -> String {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(tls_config(outlook.authority.der()), name).unwrap();
    let socket = TcpStream::connect(outlook.endpoint.address()).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
