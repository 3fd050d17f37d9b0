//! Microsoft Graph's sendMail: HTTPS, a MIME message in base64, recipients from the header and nowhere else.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::certificates::{Authority, CertificateKind, LOOPBACK_NAMES};
use crate::endpoint::Answer;
use crate::listener::Listener;
use crate::outlook::Options;
use crate::smtp::content;
use crate::tokens::Tokens;

/// The largest request, as Graph says it.
const REQUEST_LIMIT: usize = 4 * 1024 * 1024;

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Reads it whole, then answers; [`Answer::Usual`] is what Graph would.
    Answer(Answer),
    /// Answers behind the header fields, and reads on without looking.
    AnswerEarly(Answer),
    /// Reads so many octets of content, then is gone.
    CutAfter(usize),
    /// Says nothing from the first octet of TLS on.
    StallHandshake,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Posted {
    /// `POST`.
    pub method: String,
    /// `/v1.0/me/sendMail`.
    pub path: String,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Octets of content that arrived.
    pub octets: usize,
    /// The message, as far as it could be decoded.
    pub data: Vec<u8>,
    /// Whom To, Cc and Bcc name, members of groups left out: nobody says that Graph reads them.
    pub recipients: Vec<String>,
    /// The HTTP status answered; `None` when nothing was.
    pub status: Option<u16>,
}

impl Posted {
    /// A header field's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The message as its recipients get it: without Bcc.
    pub fn delivered(&self) -> Vec<u8> {
        let end = header_end(&self.data);
        let mut message = Vec::new();
        for field in fields(&self.data[..end]) {
            if !field.to_ascii_lowercase().starts_with("bcc:") {
                message.extend_from_slice(field.as_bytes());
            }
        }
        message.extend_from_slice(&self.data[end..]);
        message
    }
}

/// A running Graph; it ends when dropped.
pub struct GraphServer {
    shared: Arc<Shared>,
    listener: Mutex<Option<Listener>>,
    port: u16,
}

struct Shared {
    account: String,
    aliases: Vec<String>,
    tokens: Arc<Tokens>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    scope: String,
    connections: usize,
    posts: Vec<Posted>,
    scripted: VecDeque<Act>,
    always: Option<Act>,
}

impl GraphServer {
    /// Starts one that honours `tokens` and shows a certificate of `authority`.
    pub fn start(options: &Options, authority: &Authority, tokens: Arc<Tokens>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            account: options.account.clone(),
            aliases: options.aliases.clone(),
            tokens,
            state: Mutex::default(),
        });
        let identity = authority.identity(CertificateKind::Good, &LOOPBACK_NAMES).map_err(io::Error::other)?;
        let config = identity.server_config(&[&TLS13, &TLS12]);
        let serving = Arc::clone(&shared);
        let latency = options.latency;
        let listener = Listener::start(options.ipv6, move |socket| {
            // A client that breaks off is the test's business, not ours.
            let _ = serve(&serving, socket, Arc::clone(&config), latency);
        })?;
        let port = listener.address().port();
        shared.state().scope = format!("https://localhost:{port}/Mail.Send");
        Ok(Self { shared, listener: Mutex::new(Some(listener)), port })
    }

    /// `https://localhost:PORT`, for `endpoints.graph`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The only scope it takes.
    pub fn scope(&self) -> String {
        format!("{}/Mail.Send", self.url())
    }

    /// What becomes of the next requests, one each, before the usual behaviour is back.
    pub fn act_next(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.state().scripted.extend(acts);
    }

    /// From now on this becomes of every request; `None` brings the usual behaviour back.
    pub fn act_always(&self, act: Option<Act>) {
        self.shared.state().always = act;
    }

    /// Every request so far whose header fields were read.
    pub fn posts(&self) -> Vec<Posted> {
        self.shared.state().posts.clone()
    }

    /// Those that were answered 202.
    pub fn accepted(&self) -> Vec<Posted> {
        self.posts().into_iter().filter(|post| post.status == Some(202)).collect()
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Forgets requests and connections.
    pub fn forget(&self) {
        let mut state = self.shared.state();
        state.posts.clear();
        state.connections = 0;
    }

    /// Nobody listens any more.
    pub fn stop(&self) {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What Graph would answer.
    fn usual(&self, post: &Posted) -> Answer {
        let scope = self.state().scope.clone();
        let token = post.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if post.method != "POST" || post.path != "/v1.0/me/sendMail" {
            return error(404, "ResourceNotFound", "Resource could not be discovered.");
        }
        if !token.is_some_and(|token| self.tokens.has_scope(token, &scope)) {
            return error(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.");
        }
        if post.octets > REQUEST_LIMIT {
            return error(413, "BadRequest", "The maximum request length supported is 4MB.");
        }
        if post.header("content-type") != Some("text/plain") || post.data.is_empty() {
            let why = "Invalid base64 string for MIME content.";
            return error(400, "ErrorMimeContentInvalidBase64String", why);
        }
        if post.recipients.is_empty() {
            return error(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.");
        }
        let from = content::addresses(&content::field(&post.data, "from").unwrap_or_default());
        let may = |address: &String| {
            std::iter::once(&self.account).chain(&self.aliases).any(|own| own.eq_ignore_ascii_case(address))
        };
        if !from.iter().all(may) {
            let why = "The user account which was used to submit this request does not have the right to send mail on \
                       behalf of the specified sending account.";
            return error(403, "ErrorSendAsDenied", why);
        }
        Answer::Http { status: 202, headers: Vec::new(), body: Vec::new() }
    }
}

/// An error in Graph's form.
pub fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({ "error": { "code": code, "message": message, "innerError": { "request-id": REQUEST_ID } } }),
    )
}

/// What every request is called.
pub const REQUEST_ID: &str = "7c4b2d3e-0000-4000-8000-5f0e6a1b2c01";

type Tls = StreamOwned<ServerConnection, TcpStream>;

fn serve(shared: &Shared, socket: TcpStream, config: Arc<ServerConfig>, latency: Duration) -> io::Result<()> {
    let act = {
        let mut state = shared.state();
        state.connections += 1;
        state.scripted.pop_front().or_else(|| state.always.clone()).unwrap_or(Act::Answer(Answer::Usual))
    };
    socket.set_nodelay(true)?;
    if matches!(act, Act::StallHandshake) {
        return stall(socket);
    }
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut reader = BufReader::new(StreamOwned::new(connection, socket));
    let Some(mut post) = read_head(&mut reader)? else { return Ok(()) };
    let index = {
        let mut state = shared.state();
        state.posts.push(post.clone());
        state.posts.len() - 1
    };
    let announced: usize = post.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let answer = match act {
        Act::CutAfter(octets) => return reader.read_exact(&mut vec![0; octets.min(announced)]),
        Act::AnswerEarly(answer) => answer,
        Act::Answer(answer) => {
            let mut content = vec![0; announced.min(4 * REQUEST_LIMIT)];
            reader.read_exact(&mut content)?;
            post.octets = content.len();
            post.data = STANDARD.decode(&content).unwrap_or_default();
            post.recipients = recipients(&post.data);
            shared.state().posts[index] = post.clone();
            answer
        }
        Act::StallHandshake => return Ok(()),
    };
    thread::sleep(latency);
    let mut stream = reader.into_inner();
    let mut answer = answer;
    while let Answer::Delayed(pause, inner) = answer {
        thread::sleep(pause);
        answer = *inner;
    }
    if matches!(answer, Answer::Usual) {
        answer = shared.usual(&post);
    }
    match answer {
        Answer::Http { status, headers, body } => {
            shared.state().posts[index].status = Some(status);
            write_answer(&mut stream, status, &headers, &body)
        }
        Answer::Raw(octets) => {
            stream.write_all(&octets)?;
            finish(&mut stream)
        }
        Answer::Stall => stall(stream.sock),
        Answer::Drop | Answer::Usual | Answer::Delayed(..) => Ok(()),
    }
}

/// Listens until the client goes.
fn stall(mut socket: TcpStream) -> io::Result<()> {
    while socket.read(&mut [0; 4096])? > 0 {}
    Ok(())
}

fn read_head(reader: &mut BufReader<Tls>) -> io::Result<Option<Posted>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => return Ok(Some(Posted { method, path, headers, ..Posted::default() })),
        }
    }
}

fn write_answer(stream: &mut Tls, status: u16, headers: &[(String, String)], body: &[u8]) -> io::Result<()> {
    let reason = match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Request Entity Too Large",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Answer",
    };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\nrequest-id: {REQUEST_ID}\r\n");
    // Graph sends its errors in chunks.
    let body = match body {
        [] => b"0\r\n\r\n".to_vec(),
        body => [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat(),
    };
    head.push_str("Transfer-Encoding: chunked\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), &body].concat())?;
    finish(stream)
}

/// Says goodbye and waits for the client to close, lest a reset takes the answer away.
fn finish(stream: &mut Tls) -> io::Result<()> {
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.shutdown(Shutdown::Write)?;
    stream.sock.set_read_timeout(Some(Duration::from_secs(1)))?;
    while stream.sock.read(&mut [0; 64 * 1024])? > 0 {}
    Ok(())
}

fn header_end(data: &[u8]) -> usize {
    data.windows(4).position(|four| four == b"\r\n\r\n").map_or(data.len(), |end| end + 2)
}

/// The fields of a header, each with its line ends.
fn fields(header: &[u8]) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(header).split_inclusive("\r\n") {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => field.push_str(line),
            _ => fields.push(line.to_owned()),
        }
    }
    fields
}

/// Everybody To, Cc and Bcc name outside groups.
fn recipients(data: &[u8]) -> Vec<String> {
    let header = &data[..header_end(data)];
    let naming = |field: &String| {
        let (name, value) = field.split_once(':')?;
        let names = ["to", "cc", "bcc"].iter().any(|known| name.trim().eq_ignore_ascii_case(known));
        names.then(|| value.replace("\r\n", ""))
    };
    fields(header).iter().filter_map(naming).flat_map(|value| mailboxes(&value)).collect()
}

/// The bare addresses of a list, read character by character.
fn mailboxes(list: &str) -> Vec<String> {
    let (mut found, mut item, mut angle) = (Vec::new(), String::new(), None::<String>);
    let (mut quoted, mut escaped, mut depth, mut group) = (false, false, 0_usize, false);
    for letter in list.chars().chain([',']) {
        let bracketed = angle.is_some();
        let text = angle.as_mut().unwrap_or(&mut item);
        if escaped || quoted {
            let ends = quoted && !escaped && letter == '"';
            escaped = !escaped && letter == '\\';
            quoted = quoted && !ends;
            if depth == 0 {
                text.push(letter);
            }
            continue;
        }
        match letter {
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '"' => {
                quoted = true;
                text.push(letter);
            }
            '<' => angle = Some(String::new()),
            ':' if !bracketed => {
                group = true;
                item.clear();
            }
            ',' | ';' => {
                let address = angle.take().unwrap_or_else(|| item.clone());
                if !group && !address.trim().is_empty() {
                    found.push(address.trim().to_owned());
                }
                item.clear();
                group = group && letter == ',';
            }
            '>' => {}
            letter => text.push(letter),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_read_from_the_header_without_groups() {
        let data = b"To: \"a, b\" <a@x>, (no@x) b@x (c, d),\r\n \"q, q\"@x\r\nCC: g: m@x, n@x;, c@x\r\nbcc: root:;\r\n\
                     Subject: To: no@x\r\n\r\nTo: no@x\r\n";
        assert_eq!(recipients(data), ["a@x", "b@x", "\"q, q\"@x", "c@x"]);
        let post =
            Posted { data: b"A: b\r\nBcc: x@y,\r\n z@y\r\nC: d\r\n\r\nBcc: stays\r\n".to_vec(), ..Posted::default() };
        assert_eq!(post.delivered(), b"A: b\r\nC: d\r\n\r\nBcc: stays\r\n");
    }
}
