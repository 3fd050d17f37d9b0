//! One mail transaction: MAIL, RCPT, DATA, and the verdict on the content.

use std::thread;
use std::time::SystemTime;

use super::content;
use super::record::{Received, Side};
use super::session::{Over, Session};
use super::words;
use crate::dialogue::Stage;

/// The mailbox's own server, behind the one that answers.
const HOST: &str = "PN3PR01MB9597.INDPRD01.PROD.OUTLOOK.COM";

/// Recipients Exchange takes in one message.
const MOST_RECIPIENTS: usize = 500;

/// What MAIL and RCPT have said so far.
#[derive(Default)]
pub(super) struct Transaction {
    mail_from: Option<String>,
    rcpt_to: Vec<String>,
    /// RCPT commands since MAIL, refused ones included.
    pub(super) recipients_tried: usize,
    /// How often the client had been waited for when MAIL came.
    waits_at_mail: usize,
}

impl Session<'_> {
    pub(super) fn mail(&mut self, line: &[u8], text: &str) -> Result<(), Over> {
        let reply = self.unless_greeted().unwrap_or_else(|| {
            if self.wire.tls_version().is_empty() {
                format!("451 5.7.3 STARTTLS is required to send mail {}", self.tail())
            } else if self.user.is_none() {
                format!("530 5.7.57 Client not authenticated to send mail. {}", self.tail())
            } else if self.transaction.mail_from.is_some() {
                "503 5.5.2 Sender already specified".to_owned()
            } else {
                words::mail_fault(text).unwrap_or("250 2.1.0 Sender OK").to_owned()
            }
        });
        if self.answer(Stage::Mail, line, &reply)? / 100 == 2 {
            let (mail_from, waits_at_mail) = (Some(text.to_owned()), self.wire.waits);
            self.transaction = Transaction { mail_from, waits_at_mail, ..Transaction::default() };
        }
        Ok(())
    }

    pub(super) fn rcpt(&mut self, line: &[u8], text: &str) -> Result<(), Over> {
        self.transaction.recipients_tried += 1;
        let reply = match &self.transaction.mail_from {
            None => "503 5.5.2 Need mail command".to_owned(),
            Some(_) if self.transaction.rcpt_to.len() >= MOST_RECIPIENTS => {
                format!("452 4.5.3 Too many recipients {}", self.tail())
            }
            Some(mail) => {
                let utf8 = mail.to_ascii_uppercase().contains(" SMTPUTF8");
                words::rcpt_fault(text, utf8).unwrap_or("250 2.1.5 Recipient OK").to_owned()
            }
        };
        if self.answer(Stage::Rcpt, line, &reply)? / 100 == 2 {
            self.transaction.rcpt_to.push(text.to_owned());
        }
        Ok(())
    }

    pub(super) fn data(&mut self, line: &[u8]) -> Result<(), Over> {
        let reply = if self.transaction.mail_from.is_none() {
            "503 5.5.2 Need mail command"
        } else if self.transaction.rcpt_to.is_empty() {
            "503 5.5.2 Need rcpt command"
        } else {
            "354 Start mail input; end with <CRLF>.<CRLF>"
        };
        let pipelined = self.wire.waits == self.transaction.waits_at_mail;
        if self.answer(Stage::Data, line, reply)? == 354 { self.content(pipelined) } else { Ok(()) }
    }

    fn content(&mut self, pipelined: bool) -> Result<(), Over> {
        let shared = self.shared;
        self.under_way.get_or_insert_with(|| shared.load.begin());
        let Some(octets) = self.wire.content(self.drop_after)? else {
            self.wire.abort();
            return Err("no final dot".into());
        };
        let (data, facts) = content::unstuff(&octets);
        self.note(Side::Client, format!("[content, {} octets]", octets.len()));
        let new_message_id = self.message_id(&data);
        let reply = if shared.load.is_exceeded() {
            words::too_many_at_once(HOST)
        } else {
            self.verdict(&data, &new_message_id)
        };
        let accepted = reply.starts_with('2');
        let transaction = std::mem::take(&mut self.transaction);
        let received = Received {
            mail_from: transaction.mail_from.unwrap_or_default(),
            rcpt_to: transaction.rcpt_to,
            data,
            facts,
            auth_user: self.user.clone().unwrap_or_default(),
            tls_version: self.wire.tls_version(),
            pipelined,
            connection: self.number,
            at: SystemTime::now(),
            code: None,
            new_message_id,
        };
        let index = self.shared.record(|records| {
            records.received.push(received);
            records.received.len() - 1
        });
        if accepted {
            thread::sleep(shared.load.carried_over());
        }
        let code = self.answer(Stage::Content, b"", &reply)?;
        self.under_way = None;
        self.shared.record(|records| {
            if let Some(received) = records.received.get_mut(index) {
                received.code = Some(code);
            }
        });
        Ok(())
    }

    /// The id Outlook gives the message: a new one for personal accounts, the message's own for Microsoft 365.
    fn message_id(&self, data: &[u8]) -> String {
        let own = content::field(data, "message-id").filter(|_| self.shared.keep_message_id);
        own.unwrap_or_else(|| {
            let unique = self.shared.tokens.opaque("PN3PR01MB", 40).replace('_', "-");
            format!("<{unique}@{HOST}>")
        })
    }

    /// What the mailbox store says: 5322.From and MAIL FROM have to be the account's own.
    fn verdict(&self, data: &[u8], new_message_id: &str) -> String {
        let from = content::addresses(&content::field(data, "from").unwrap_or_default());
        if from.is_empty() {
            return format!(
                "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant and include a valid From \
                 address {}",
                self.tail()
            );
        }
        let envelope = self.transaction.mail_from.as_deref().and_then(words::path).unwrap_or_default();
        let senders = from.iter().map(String::as_str).chain((!envelope.is_empty()).then_some(envelope));
        for sender in senders {
            if !self.shared.may_send_as(sender) {
                return words::send_as_denied(&self.shared.account, sender, HOST);
            }
        }
        format!("250 2.0.0 OK {new_message_id} [Hostname={HOST}]")
    }
}
