//! The submission server as a client sees it.

use std::time::{Duration, Instant};

use crate::client::{Client, outlook, outlook_saying, xoauth2};
use stand_in::smtp::Side;
use stand_in::{Options, Outlook};

const IDLE: Duration = Duration::from_secs(5);
const FLIGHT: &[u8] =
    b"MAIL FROM:<someone@outlook.com> SIZE=50\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";

fn send(client: &mut Client, content: &[u8]) -> String {
    client.write(FLIGHT);
    for expected in ["250 2.1.0 Sender OK", "250 2.1.5 Recipient OK", "250 2.1.5 Recipient OK", "354 "] {
        assert!(client.reply().starts_with(expected), "{expected}");
    }
    client.write(content);
    client.reply()
}

#[test]
fn an_optimal_client_needs_nine_round_trips() {
    let outlook = outlook();
    let mut client = Client::signed_in(&outlook);
    let reply = send(&mut client, b"From: someone@outlook.com\r\n\r\nhello\r\n..\r\n.\r\nQUIT\r\n");
    assert!(reply.starts_with("250 2.0.0 OK <") && reply.contains("OUTLOOK.COM> [Hostname="), "{reply}");
    assert!(client.reply().starts_with("221 2.0.0"));
    drop(client);
    assert!(outlook.smtp.wait_until_idle(IDLE));
    let connections = outlook.smtp.connections();
    assert_eq!(connections[0].round_trips, 9, "{}", connections[0]);
    assert_eq!(connections[0].server_name.as_deref(), Some("localhost"));
    let received = &outlook.smtp.received()[0];
    assert!(received.pipelined && received.facts.is_clean());
    assert_eq!(received.data, b"From: someone@outlook.com\r\n\r\nhello\r\n.\r\n");
    assert_eq!(received.mail_from, "MAIL FROM:<someone@outlook.com> SIZE=50");
    assert_eq!(received.recipients(), ["a@example.org", "b@example.org"]);
    assert_eq!((received.auth_user.as_str(), received.tls_version.as_str()), ("someone@outlook.com", "TLSv1_3"));
    assert!(reply.contains(&received.new_message_id));
}

#[test]
fn the_lists_are_outlooks() {
    let outlook = outlook();
    let mut client = Client::connect(&outlook);
    assert!(client.reply().contains("Microsoft ESMTP MAIL Service ready at"));
    assert!(client.say("MAIL FROM:<a@b.c>").starts_with("503 5.5.2 Send hello first"));
    assert!(client.say("EHLO MacBook..").starts_with("501 5.5.4 Invalid domain name"));
    let clear = client.say("EHLO [127.0.0.1]");
    assert!(clear.contains("250-STARTTLS\r\n") && clear.ends_with("250 SMTPUTF8\r\n") && !clear.contains("AUTH"));
    assert!(client.say("AUTH XOAUTH2").starts_with("451 5.7.3 STARTTLS is required"));
    client.say("STARTTLS");
    let mut client = client.start_tls(outlook.authority.der()).unwrap();
    assert!(client.say("AUTH XOAUTH2").starts_with("503 5.5.2 Send hello first"));
    let list = client.say("EHLO localhost");
    assert!(list.contains("250-AUTH LOGIN XOAUTH2\r\n") && !list.contains("STARTTLS"));
    assert!(client.say("MAIL FROM:<a@b.c>").starts_with("530 5.7.57"));
    assert!(client.say("AUTH PLAIN AGEAYg==").starts_with("504 5.7.4"));
}

#[test]
fn two_step_and_refused_tokens() {
    let outlook = outlook();
    let token = outlook.access_token();
    let mut client = Client::in_tls(&outlook);
    assert_eq!(client.say("AUTH XOAUTH2"), "334 \r\n");
    assert!(client.say(&xoauth2("alias@outlook.com", &token)).starts_with("535 5.7.3 Authentication unsuccessful ["));
    assert!(client.say(&format!("AUTH XOAUTH2 {}", xoauth2("someone@outlook.com", "x"))).starts_with("535 5.7.3"));
    assert_eq!(client.say("AUTH LOGIN"), "334 VXNlcm5hbWU6\r\n");
    assert_eq!(client.say("YQ=="), "334 UGFzc3dvcmQ6\r\n");
    assert!(client.say("YQ==").contains("basic authentication is disabled."));
    assert_eq!(client.say("AUTH XOAUTH2"), "334 \r\n");
    assert_eq!(client.say(&xoauth2("Someone@outlook.com", &token)), "235 2.7.0 Authentication successful\r\n");
    outlook.tokens.revoke_all_access();
    let mut client = Client::in_tls(&outlook);
    assert!(client.say(&format!("AUTH XOAUTH2 {}", xoauth2("someone@outlook.com", &token))).starts_with("535 5.7.3"));
    assert!(!outlook.smtp.transcript().contains(&xoauth2("someone@outlook.com", &token)[..60]));
}

#[test]
fn a_foreign_from_is_refused_behind_the_dot() {
    let options = Options { aliases: vec!["alias@outlook.com".to_owned()], ..Options::new(crate::client::ca_file()) };
    let outlook = Outlook::start(options).unwrap();
    let mut client = Client::signed_in(&outlook);
    assert!(
        send(&mut client, b"From: root@web1\r\n\r\n.\r\n").starts_with("554 5.2.252 SendAsDenied; someone@outlook.com")
    );
    assert!(send(&mut client, b"Subject: x\r\n\r\n.\r\n").starts_with("550 5.7.512"));
    assert!(send(&mut client, b"From: \"x\" <alias@outlook.com>\r\n\r\n.\r\n").starts_with("250"));
    assert_eq!((outlook.smtp.received().len(), outlook.smtp.received_whole().len()), (1, 3));
}

#[test]
fn content_faults_are_noticed() {
    let outlook = outlook();
    let mut client = Client::signed_in(&outlook);
    let long = "x".repeat(999);
    let content = format!("From: someone@outlook.com\r\n\r\na\nb\rc\0\u{e9}\r\n.x\r\n{long}\r\n\n.\n\r\n.\r\n");
    assert!(send(&mut client, content.as_bytes()).starts_with("250"));
    let facts = outlook.smtp.received()[0].facts.clone();
    assert_eq!((facts.bare_lf, facts.bare_cr, facts.nul, facts.eight_bit), (3, 1, 1, 2));
    assert_eq!((facts.longest_line, facts.unstuffed_dots), (999, 1));
    assert!(!facts.is_clean());
}

#[test]
fn injected_octets_come_with_the_220() {
    let outlook = outlook_saying(r"on starttls: inject 235 2.7.0 You are in\r\n");
    let mut client = Client::connect(&outlook);
    client.reply();
    client.say("EHLO localhost");
    assert!(client.say("STARTTLS").starts_with("220"));
    assert_eq!(client.buffered(), b"235 2.7.0 You are in\r\n");
}

#[test]
fn only_the_good_certificate_is_accepted() {
    for kind in ["expired", "wrong-host", "self-signed", "good"] {
        let outlook = outlook_saying(&format!("on tls: certificate {kind}"));
        let mut client = Client::connect(&outlook);
        client.reply();
        client.say("EHLO localhost");
        client.say("STARTTLS");
        assert_eq!(client.start_tls(outlook.authority.der()).is_ok(), kind == "good", "{kind}");
    }
}

#[test]
fn dialogues_replace_what_they_name() {
    let outlook = outlook_saying(
        "on ehlo2:\n    -PIPELINING\n    +XTRA\non rcpt 2: 550 5.1.1 No\non data:\n    delay 50\n    default\n\
         on content:\n    raw !!\\xFF\\r\\n\n    drop\non tls: version 1.2\non auth longer-than 512 times 1: 501 5.5.4 long",
    );
    let mut client = Client::in_tls(&outlook);
    let list = client.say("EHLO localhost");
    assert!(list.contains("250-SMTPUTF8\r\n250 XTRA\r\n") && !list.contains("PIPELINING"));
    let auth = format!("AUTH XOAUTH2 {}", xoauth2("someone@outlook.com", &outlook.access_token()));
    assert_eq!(client.say(&auth), "501 5.5.4 long\r\n");
    assert!(client.say(&auth).starts_with("235"));
    client.write(FLIGHT);
    let codes: Vec<_> = (0..4).map(|_| client.reply()[..3].to_owned()).collect();
    assert_eq!(codes, ["250", "250", "550", "354"]);
    client.write(b"x\r\n.\r\n");
    assert_eq!(client.reply(), "!!\u{fffd}\r\n");
    assert_eq!(client.reply(), "");
    assert!(outlook.smtp.wait_until_idle(IDLE));
    assert!(outlook.smtp.received().is_empty());
    assert_eq!(outlook.smtp.received_whole()[0].rcpt_to.len(), 1);
    assert_eq!(outlook.smtp.connections()[0].tls_version, "TLSv1_2");
}

#[test]
fn stalls_end_with_the_client_and_drops_do_not_wait() {
    let outlook = outlook_saying("on banner times 1: stall\non banner times 1: drop\non data: drop-after 10");
    let stalled = Client::connect(&outlook);
    while outlook.smtp.connections().is_empty() {
        std::thread::yield_now();
    }
    assert!(!outlook.smtp.wait_until_idle(Duration::from_millis(50)));
    drop(stalled);
    assert_eq!(Client::connect(&outlook).reply(), "");
    let mut client = Client::signed_in(&outlook);
    assert_eq!(send(&mut client, b"0123456789ABC"), "");
    assert!(outlook.smtp.wait_until_idle(IDLE));
    let events: Vec<_> = outlook.smtp.connections().iter().map(|one| one.transcript.last().cloned().unwrap()).collect();
    assert!(events.iter().all(|entry| entry.side == Side::Event));
    assert_eq!(events[2].text, "no final dot");
}

#[test]
fn latency_is_paid_once_a_round_trip() {
    let latency = Duration::from_millis(20);
    let outlook = Outlook::start(Options { latency, ..Options::new(crate::client::ca_file()) }).unwrap();
    let started = Instant::now();
    let mut client = Client::signed_in(&outlook);
    assert!(send(&mut client, b"From: someone@outlook.com\r\n\r\n.\r\nQUIT\r\n").starts_with("250"));
    let took = started.elapsed();
    assert!(took >= latency * 9 && took < latency * 20, "{took:?}");
}

#[test]
fn both_families_share_a_port() {
    let Ok(outlook) = Outlook::start(Options { ipv6: true, ..Options::new(crate::client::ca_file()) }) else {
        return; // A machine without IPv6.
    };
    assert!(std::net::TcpStream::connect(("::1", outlook.smtp.port())).is_ok());
}
