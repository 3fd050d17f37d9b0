//! Who was told what of his message, and what became of it.

use std::collections::BTreeMap;
use std::fmt;

use stand_in::Outlook;

use harness::SOON;

/// What a caller's exit status told him.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// 0: somebody else worries about it now.
    Taken,
    /// 74.
    PerhapsSent,
    /// 74, where the queue may have been unable to keep the message: its caller alone knows.
    PerhapsSentUnkept,
    /// Any other status.
    Refused(i32),
    /// He was killed.
    Nothing,
}

impl Told {
    pub fn by(status: i32) -> Self {
        match status {
            0 => Self::Taken,
            74 => Self::PerhapsSent,
            -1 | 137 => Self::Nothing,
            status => Self::Refused(status),
        }
    }
}

/// One message each, known by its only recipient.
#[derive(Default)]
pub struct Ledger {
    told: BTreeMap<String, Told>,
    /// What `mailq` said of it in the end, for those it listed.
    listed: BTreeMap<String, String>,
}

/// How many fared how.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Tally {
    pub taken_and_arrived: usize,
    pub taken_and_perhaps_sent: usize,
    pub told_perhaps_sent: usize,
    pub refused: usize,
    pub untold_and_arrived: usize,
    pub untold_and_perhaps_sent: usize,
    pub untold_and_gone: usize,
    /// Of all that are listed as perhaps sent, those that arrived.
    pub perhaps_sent_and_arrived: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "exit 0: {} arrived once, {} perhaps sent; exit 74: {}; refused and never sent: {}; killed callers: {} arrived \
             once, {} perhaps sent, {} never sent; of all perhaps sent {} did arrive",
            self.taken_and_arrived,
            self.taken_and_perhaps_sent,
            self.told_perhaps_sent,
            self.refused,
            self.untold_and_arrived,
            self.untold_and_perhaps_sent,
            self.untold_and_gone,
            self.perhaps_sent_and_arrived
        )
    }
}

impl Ledger {
    pub fn note(&mut self, recipient: &str, told: Told) {
        assert!(self.told.insert(recipient.to_owned(), told).is_none(), "{recipient} is there twice");
    }

    /// Reads what `mailq` lists; the last word on a message is what counts.
    pub fn read_list(&mut self, list: &str) {
        let lines: Vec<_> = list.lines().collect();
        for window in lines.windows(2) {
            if let [state, recipients] = window
                && let Some(state) = state.trim().strip_prefix('(')
            {
                self.listed.insert(recipients.trim().to_owned(), state.trim_end_matches(')').to_owned());
            }
        }
    }

    /// What must hold of every message, however it ended. `outlook` has seen nothing but these.
    pub fn judge(&self, outlook: &Outlook) -> Tally {
        assert!(outlook.smtp.wait_until_idle(SOON), "a connection stays open");
        let mut arrivals: BTreeMap<String, usize> = BTreeMap::new();
        for recipient in outlook.smtp.received().iter().flat_map(|message| message.recipients()) {
            *arrivals.entry(recipient).or_default() += 1;
        }
        let (mut tally, mut wrong) = (Tally::default(), Vec::new());
        for (recipient, told) in &self.told {
            let arrived = arrivals.get(recipient).copied().unwrap_or_default();
            let state = self.listed.get(recipient).map_or("", String::as_str);
            let is_perhaps = state.starts_with("perhaps sent");
            tally.perhaps_sent_and_arrived += usize::from(is_perhaps && arrived == 1);
            let count = match (told, arrived, state) {
                (_, 0 | 1, _) if is_perhaps && *told == Told::Taken => &mut tally.taken_and_perhaps_sent,
                (Told::PerhapsSent, 0 | 1, _) if is_perhaps => &mut tally.told_perhaps_sent,
                (Told::PerhapsSentUnkept, 0 | 1, _) if is_perhaps || state.is_empty() => &mut tally.told_perhaps_sent,
                (Told::Nothing, 0 | 1, _) if is_perhaps => &mut tally.untold_and_perhaps_sent,
                (Told::Taken, 1, "") => &mut tally.taken_and_arrived,
                (Told::Nothing, 1, "") => &mut tally.untold_and_arrived,
                (Told::Nothing, 0, "") => &mut tally.untold_and_gone,
                // Listed although it never left: honest, and it stays where it is.
                (Told::Refused(status), 0, _) if *status != 70 && (state.is_empty() || is_perhaps) => {
                    &mut tally.refused
                }
                _ => {
                    wrong.push(format!("{recipient}: told {told:?}, arrived {arrived} times, listed as {state:?}"));
                    continue;
                }
            };
            *count += 1;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        tally
    }

    pub fn len(&self) -> usize {
        self.told.len()
    }
}
