//! Messages this program writes itself: the test message, and the news of mail that failed.

use std::io;

use lettre::Address;
use mail_builder::MessageBuilder;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;

use super::{Dots, IntakeFault, Message};
use crate::moments::unix_seconds;
use crate::world::Spools;

/// Far more than any of them has, in octets.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What differs between them.
pub struct Text<'a> {
    /// The mailbox's own address.
    pub from: &'a Address,
    /// Who gets it.
    pub to: &'a Address,
    /// Its subject; any text.
    pub subject: &'a str,
    /// What it says; lines end in LF.
    pub body: &'a str,
    /// When it is written.
    pub now: std::time::SystemTime,
    /// Makes its Message-ID unique.
    pub unique: [u8; 16],
    /// Whether nobody asked for it: no vacation notice answers such a message (RFC 3834).
    pub automatic: bool,
}

impl Text<'_> {
    /// The message, read as any other is.
    ///
    /// # Errors
    /// Those of the spool.
    pub fn message(&self, spools: &dyn Spools) -> Result<Message, IntakeFault> {
        let octets = self.octets().map_err(|error| IntakeFault::Unreadable(error.to_string().as_str().into()))?;
        Message::read(&mut octets.as_slice(), false, Dots::Content, spools.spool(), LONGEST)
    }

    fn octets(&self) -> io::Result<Vec<u8>> {
        let unique: String = self.unique.iter().map(|octet| format!("{octet:02x}")).collect();
        let mut builder = MessageBuilder::new()
            .from(AsRef::<str>::as_ref(self.from))
            .to(AsRef::<str>::as_ref(self.to))
            .header("Subject", Raw::new(self.subject))
            .date(Date::new(i64::try_from(unix_seconds(self.now)).unwrap_or_default()))
            .message_id(format!("{unique}@{}", self.from.domain()))
            .text_body(self.body);
        if self.automatic {
            builder = builder.header("Auto-Submitted", Raw::new("auto-generated"));
        }
        builder.write_to_vec()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::fake_world::{Fakes, account};

    #[test]
    fn the_message_is_a_whole_one() {
        let account = account();
        let text = Text {
            from: &account.address,
            to: &account.address,
            subject: "outlook-sendmail works on w\u{e9}b1",
            body: "Gr\u{fc}\u{df}e\n",
            now: UNIX_EPOCH,
            unique: [7; 16],
            automatic: true,
        };
        let fields = text.message(&*Fakes::default().world().spools).unwrap().fields;
        let value = |name: &str| {
            let field = fields.iter().find(|field| field.is(name)).unwrap_or_else(|| panic!("no {name}"));
            String::from_utf8(field.unfolded().trim_ascii().to_vec()).unwrap()
        };
        assert_eq!((value("From").as_str(), value("To").as_str()), ("<me@outlook.com>", "<me@outlook.com>"));
        assert_eq!(value("Date"), "Thu, 1 Jan 1970 00:00:00 +0000");
        assert_eq!(value("Message-ID"), "<07070707070707070707070707070707@outlook.com>");
        assert_eq!(value("Auto-Submitted"), "auto-generated");
        assert_eq!(value("Subject"), "outlook-sendmail works on w\u{e9}b1");
        assert!(value("Content-Type").contains("utf-8"));
    }
}
