//! Caller, arguments and stamp as frames. What the arguments' parser would not have let through is refused here too.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::frames::{self, Frames};
use super::tags::{Field, Tag as _};
use super::{Head, RequestFault};
use crate::envelope::Stamp;
use crate::invocation::{HeaderRecipients, Submit, Verbosity};
use crate::message::Dots;
use crate::world::Caller;

/// Names of this machine that are worth keeping: /etc/hosts has no end.
const LOCAL_DOMAINS: usize = 1000;

/// No zone is further from UTC (RFC 5322 section 3.3 has two digits for the hours).
const FARTHEST_ZONE: i32 = 24 * 3600;

pub(super) fn write(sink: &mut dyn Write, caller: &Caller, submit: &Submit, stamp: &Stamp) -> io::Result<()> {
    let Caller { uid, login, full_name, parent, host_name, local_domains } = caller;
    let mut put = |tag: Field, octets: &[u8]| frames::write(sink, tag, octets);
    put(Field::Uid, &uid.to_be_bytes())?;
    for (tag, text) in
        [(Field::Login, login), (Field::Person, full_name), (Field::Parent, parent), (Field::HostName, host_name)]
    {
        put(tag, shortened(text, tag))?;
    }
    for domain in local_domains.iter().take(LOCAL_DOMAINS) {
        put(Field::LocalDomain, shortened(domain, Field::LocalDomain))?;
    }
    // The configuration is the reader's own.
    let Submit { header_recipients, operands, values, dots, verbosity, config: _ } = submit;
    put(Field::Flags, &[header_recipients_octet(*header_recipients), dots_octet(*dots), verbosity_octet(*verbosity)])?;
    for operand in operands {
        put(Field::Operand, operand)?;
    }
    for (letter, value) in values.letters() {
        put(Field::FlagValue, &[letter.to_string().as_bytes(), value].concat())?;
    }
    let since = stamp.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut octets = since.as_secs().to_be_bytes().to_vec();
    octets.extend(since.subsec_nanos().to_be_bytes());
    octets.extend(stamp.utc_offset.to_be_bytes());
    octets.extend(stamp.unique);
    put(Field::Stamp, &octets)
}

/// Everything up to the stamp, which stands last.
pub(super) fn read(frames: &mut Frames<'_>) -> Result<Head, RequestFault> {
    let mut uid = None;
    let mut flags = false;
    let mut caller = Caller::default();
    let mut submit = Submit::default();
    loop {
        let (tag, length) = frames.head()?;
        let octets = frames.octets(length)?;
        match tag {
            Field::Uid => uid = Some(u32::from_be_bytes(array(&octets)?)),
            Field::Login => caller.login = text(octets)?,
            Field::Person => caller.full_name = text(octets)?,
            Field::Parent => caller.parent = text(octets)?,
            Field::HostName => caller.host_name = text(octets)?,
            Field::LocalDomain => caller.local_domains.push(text(octets)?),
            Field::Flags => {
                let [recipients, dots, verbosity] = array(&octets)?;
                submit.header_recipients = read_header_recipients(recipients)?;
                submit.dots = read_dots(dots)?;
                submit.verbosity = read_verbosity(verbosity)?;
                flags = true;
            }
            Field::Operand => submit.operands.push(argument(octets)?),
            Field::FlagValue => read_flag_value(&argument(octets)?, &mut submit)?,
            Field::Stamp => {
                let stamp = read_stamp(&octets)?;
                caller.uid = uid.filter(|_| flags).ok_or(RequestFault::Malformed("no caller or no flags"))?;
                return Ok(Head { caller, submit, stamp });
            }
        }
    }
}

fn read_flag_value(octets: &[u8], submit: &mut Submit) -> Result<(), RequestFault> {
    let read = octets.split_first().and_then(|(&letter, value)| submit.values.read(char::from(letter), value));
    read.ok_or(RequestFault::Malformed("a flag's value"))
}

fn read_stamp(octets: &[u8]) -> Result<Stamp, RequestFault> {
    let stamp = || -> Option<Stamp> {
        let (seconds, rest) = octets.split_first_chunk()?;
        let (nanoseconds, rest) = rest.split_first_chunk()?;
        let (zone, unique) = rest.split_first_chunk()?;
        let nanoseconds = Some(u32::from_be_bytes(*nanoseconds)).filter(|&it| it < 1_000_000_000)?;
        let now = UNIX_EPOCH.checked_add(Duration::new(u64::from_be_bytes(*seconds), nanoseconds))?;
        let utc_offset =
            Some(i32::from_be_bytes(*zone)).filter(|zone| (-FARTHEST_ZONE..FARTHEST_ZONE).contains(zone))?;
        Some(Stamp { now: year_has_four_digits(now)?, utc_offset, unique: unique.try_into().ok()? })
    };
    stamp().ok_or(RequestFault::Malformed("stamp"))
}

/// A Date field can say no other (RFC 5322 section 3.3).
fn year_has_four_digits(time: SystemTime) -> Option<SystemTime> {
    const YEAR_9999: u64 = 253_370_764_800;
    time.duration_since(UNIX_EPOCH).ok().filter(|since| since.as_secs() < YEAR_9999).map(|_| time)
}

fn array<const N: usize>(octets: &[u8]) -> Result<[u8; N], RequestFault> {
    octets.try_into().map_err(|_| RequestFault::Malformed("length"))
}

fn text(octets: Vec<u8>) -> Result<String, RequestFault> {
    String::from_utf8(octets).map_err(|_| RequestFault::Malformed("not UTF-8"))
}

/// No argument of a program holds a NUL.
fn argument(octets: Vec<u8>) -> Result<Vec<u8>, RequestFault> {
    if octets.contains(&0) { Err(RequestFault::Malformed("NUL in an argument")) } else { Ok(octets) }
}

/// As much of a name as a frame holds, cut between characters.
fn shortened(text: &str, tag: Field) -> &[u8] {
    let most = usize::try_from(tag.longest()).unwrap_or(usize::MAX).min(text.len());
    let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    text.get(..end).unwrap_or_default().as_bytes()
}

fn header_recipients_octet(recipients: HeaderRecipients) -> u8 {
    match recipients {
        HeaderRecipients::Ignored => 0,
        HeaderRecipients::Taken => 1,
    }
}

fn read_header_recipients(octet: u8) -> Result<HeaderRecipients, RequestFault> {
    match octet {
        0 => Ok(HeaderRecipients::Ignored),
        1 => Ok(HeaderRecipients::Taken),
        _ => Err(RequestFault::Malformed("-t")),
    }
}

fn dots_octet(dots: Dots) -> u8 {
    match dots {
        Dots::Content => 0,
        Dots::LoneDotMayEnd => 1,
        Dots::MayBeStuffed => 2,
    }
}

fn read_dots(octet: u8) -> Result<Dots, RequestFault> {
    match octet {
        0 => Ok(Dots::Content),
        1 => Ok(Dots::LoneDotMayEnd),
        2 => Ok(Dots::MayBeStuffed),
        _ => Err(RequestFault::Malformed("-i")),
    }
}

fn verbosity_octet(verbosity: Verbosity) -> u8 {
    match verbosity {
        // Nobody at the other end sees our terminal.
        Verbosity::Silent | Verbosity::Progress => 0,
        Verbosity::Transcript => 1,
    }
}

fn read_verbosity(octet: u8) -> Result<Verbosity, RequestFault> {
    match octet {
        0 => Ok(Verbosity::Silent),
        1 => Ok(Verbosity::Transcript),
        _ => Err(RequestFault::Malformed("-v")),
    }
}
