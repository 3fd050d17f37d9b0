//! The words Outlook uses, and how it judges a command.

use crate::dates;

/// What EHLO lists; STARTTLS gives way to AUTH inside TLS.
pub(super) fn ehlo(host: &str, inside_tls: bool) -> String {
    let middle = if inside_tls { "AUTH LOGIN XOAUTH2" } else { "STARTTLS" };
    let keywords = [
        "SIZE 157286400",
        "PIPELINING",
        "DSN",
        "ENHANCEDSTATUSCODES",
        middle,
        "8BITMIME",
        "BINARYMIME",
        "CHUNKING",
        "SMTPUTF8",
    ];
    let mut lines = vec![format!("{host} Hello [127.0.0.1]")];
    lines.extend(keywords.map(str::to_owned));
    listing(&lines)
}

/// Lines to one 250 reply.
fn listing(lines: &[String]) -> String {
    let last = lines.len().saturating_sub(1);
    let marked = lines.iter().enumerate().map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' }));
    marked.collect::<Vec<_>>().join("\r\n")
}

/// The same list with keywords taken out and put in.
pub(super) fn edited(reply: &str, omit: &[String], add: &[String]) -> String {
    let mut lines: Vec<String> = reply.split("\r\n").filter_map(|line| line.get(4..)).map(str::to_owned).collect();
    lines.retain(|line| {
        let keyword = line.split(' ').next().unwrap_or_default();
        !omit.iter().any(|gone| gone.eq_ignore_ascii_case(keyword))
    });
    lines.extend_from_slice(add);
    listing(&lines)
}

pub(super) fn banner(host: &str, session: &str) -> String {
    format!("220 {host} Microsoft ESMTP MAIL Service ready at {} [{session}]", dates::rfc5322_now())
}

/// The tail of an error reply: `[HOST 2026-11-22T21:50:33.251Z 08DCE9686F3D146F]`.
pub(super) fn tail(host: &str, session: &str) -> String {
    format!("[{host} {} {session}]", dates::iso_now())
}

pub(super) fn too_many_at_once(host: &str) -> String {
    format!(
        "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. \
         [Hostname={host}]"
    )
}

pub(super) fn send_as_denied(account: &str, sender: &str, host: &str) -> String {
    format!(
        "554 5.2.252 SendAsDenied; {account} not allowed to send as {sender}; \
         STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; \
         Failed to process message due to a permanent exception with message \
         [BeginDiagnosticData]Cannot submit message. 0.35250:0A00A280[EndDiagnosticData] [Hostname={host}]"
    )
}

/// Whether Outlook takes this as the name in EHLO: an address literal, or dotted labels of letters, digits and hyphens.
pub(super) fn is_domain_or_literal(name: &str) -> bool {
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(literal) = literal {
        let address = literal.strip_prefix("IPv6:").unwrap_or(literal);
        return address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_ipv6() == literal.starts_with("IPv6:"));
    }
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
    };
    name.len() <= 255 && name.split('.').all(label)
}

/// The address between the angle brackets of MAIL or RCPT; a quoted local part may hold any of them.
pub(super) fn path(command: &str) -> Option<&str> {
    split_path(command).map(|(address, _)| address)
}

fn split_path(command: &str) -> Option<(&str, &str)> {
    let (_, rest) = command.split_once(":<")?;
    let (mut quoted, mut escaped) = (false, false);
    for (at, octet) in rest.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some((&rest[..at], &rest[at + 1..])),
            _ => {}
        }
    }
    None
}

/// What is wrong with a MAIL command, as the reply to give.
pub(super) fn mail_fault(command: &str) -> Option<&'static str> {
    let Some((address, parameters)) = split_path(command).filter(|_| has_prefix(command, "MAIL FROM:<")) else {
        return Some("501 5.5.4 Invalid arguments");
    };
    let mut utf8 = false;
    for (key, value) in pairs(parameters) {
        let ok = match key.as_str() {
            "SIZE" => match value.parse::<u64>() {
                Ok(size) if size > 157_286_400 => {
                    return Some("552 5.3.4 Message size exceeds fixed maximum message size");
                }
                Ok(_) => true,
                Err(_) => false,
            },
            "BODY" => ["7BIT", "8BITMIME", "BINARYMIME"].contains(&value.to_ascii_uppercase().as_str()),
            "RET" => ["FULL", "HDRS"].contains(&value.to_ascii_uppercase().as_str()),
            "ENVID" => !value.is_empty() && value.len() <= 100,
            "AUTH" => !value.is_empty(),
            "SMTPUTF8" => {
                utf8 = true;
                value.is_empty()
            }
            _ => false,
        };
        if !ok {
            return Some("501 5.5.4 Unrecognized parameter");
        }
    }
    if !(address.is_empty() || is_mailbox(address, utf8)) { Some("501 5.1.7 Invalid address") } else { None }
}

/// What is wrong with a RCPT command, as the reply to give.
pub(super) fn rcpt_fault(command: &str, utf8: bool) -> Option<&'static str> {
    let Some((address, parameters)) = split_path(command).filter(|_| has_prefix(command, "RCPT TO:<")) else {
        return Some("501 5.5.4 Invalid arguments");
    };
    let known = |(key, value): (String, String)| match key.as_str() {
        "NOTIFY" => {
            let words: Vec<_> = value.split(',').map(str::to_ascii_uppercase).collect();
            let each = words.iter().all(|word| ["NEVER", "SUCCESS", "FAILURE", "DELAY"].contains(&word.as_str()));
            each && (words.len() == 1 || !words.iter().any(|word| word == "NEVER"))
        }
        "ORCPT" => value.split_once(';').is_some_and(|(kind, address)| !kind.is_empty() && !address.is_empty()),
        _ => false,
    };
    if !pairs(parameters).into_iter().all(known) {
        return Some("501 5.5.4 Unrecognized parameter");
    }
    if is_mailbox(address, utf8) { None } else { Some("501 5.1.3 Invalid address") }
}

fn is_mailbox(address: &str, utf8: bool) -> bool {
    address.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && (utf8 || address.is_ascii())
            && (is_domain_or_literal(domain) || (utf8 && !domain.is_empty()))
            && (local.starts_with('"') || !local.contains(|letter: char| " \t()<>,;:@\"[]\\".contains(letter)))
    })
}

fn has_prefix(command: &str, prefix: &str) -> bool {
    command.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn pairs(parameters: &str) -> Vec<(String, String)> {
    let words = parameters.split(' ').filter(|word| !word.is_empty());
    words
        .map(|word| word.split_once('=').unwrap_or((word, "")))
        .map(|(key, value)| (key.to_ascii_uppercase(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_judged() {
        assert_eq!(mail_fault("MAIL FROM:<a@b.c> SIZE=10 RET=HDRS ENVID=x BODY=8BITMIME"), None);
        assert_eq!(mail_fault("MAIL FROM:<>"), None);
        assert!(mail_fault("MAIL FROM: <a@b.c>").is_some() && mail_fault("MAIL FROM:<a@b.c> X=1").is_some());
        assert!(mail_fault("MAIL FROM:<a@b.c> SIZE=157286401").is_some_and(|reply| reply.starts_with("552")));
        assert_eq!(rcpt_fault("RCPT TO:<\"a>b\"@c.d> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y", false), None);
        assert!(rcpt_fault("RCPT TO:<root>", false).is_some());
    }

    #[test]
    fn ehlo_lists_are_edited() {
        let reply = edited(&ehlo("h", true), &["pipelining".to_owned()], &["XTRA 1".to_owned()]);
        assert!(!reply.contains("PIPELINING") && reply.contains("\r\n250-SMTPUTF8\r\n250 XTRA 1"));
        assert!(is_domain_or_literal("[IPv6:::1]") && is_domain_or_literal("localhost.localdomain"));
        assert!(!is_domain_or_literal("MacBook..") && !is_domain_or_literal("a_b") && !is_domain_or_literal("[::1]"));
    }
}
