//! As much of HTTP/1.1 as one POST of a form, or one GET of a page, needs, inside TLS, one request a connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Answer, Shared, TokenRequest};

type Tls = StreamOwned<ServerConnection, TcpStream>;

const LARGEST_BODY: usize = 1 << 20;

/// Serves one request.
pub(super) fn serve(shared: &Shared, socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut reader = BufReader::new(StreamOwned::new(connection, socket));
    let Some(request) = read_request(&mut reader)? else { return Ok(()) };
    let (index, mut answer) = shared.answer(&request);
    let mut stream = reader.into_inner();
    thread::sleep(shared.latency);
    while let Answer::Delayed(pause, inner) = answer {
        thread::sleep(pause);
        answer = *inner;
    }
    match answer {
        Answer::Http { status, headers, body } => {
            shared.answered(index, status);
            write_answer(&mut stream, status, &headers, &body)
        }
        Answer::Raw(octets) => {
            stream.write_all(&octets)?;
            finish(&mut stream)
        }
        Answer::Stall => {
            while stream.sock.read(&mut [0; 1024])? > 0 {}
            Ok(())
        }
        Answer::Drop | Answer::Usual | Answer::Delayed(..) => Ok(()),
    }
}

fn read_request(reader: &mut BufReader<Tls>) -> io::Result<Option<TokenRequest>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0).min(LARGEST_BODY)];
    reader.read_exact(&mut body)?;
    let form = if method == "GET" { form(query) } else { form(&String::from_utf8_lossy(&body)) };
    let path = path.to_owned();
    Ok(Some(TokenRequest { method, path, headers, form, status: None, at: SystemTime::now() }))
}

fn write_answer(stream: &mut Tls, status: u16, headers: &[(String, String)], body: &[u8]) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("date")) {
        head.push_str(&format!("Date: {}\r\n", crate::dates::http_now()));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())?;
    finish(stream)
}

/// Says goodbye and waits for the client to close, lest a reset takes the answer away.
fn finish(stream: &mut Tls) -> io::Result<()> {
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.shutdown(std::net::Shutdown::Write)?;
    stream.sock.set_read_timeout(Some(std::time::Duration::from_secs(1)))?;
    while stream.sock.read(&mut [0; 1024])? > 0 {}
    Ok(())
}

/// application/x-www-form-urlencoded to its fields.
fn form(body: &str) -> Vec<(String, String)> {
    let pairs = body.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match first {
            b'+' => octets.push(b' '),
            b'%' => {
                let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(octet) => {
                        octets.push(octet);
                        rest = &behind[2..];
                    }
                    None => octets.push(b'%'),
                }
            }
            octet => octets.push(*octet),
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        assert_eq!(
            form("a=b%20c+d&e=%2B&f"),
            [("a", "b c d"), ("e", "+"), ("f", "")].map(|(k, v)| (k.into(), v.into()))
        );
    }
}
