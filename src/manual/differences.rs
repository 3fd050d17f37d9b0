//! Where we differ from Sendmail and Postfix on purpose: one row each, for DIFFERENCES in sendmail(8).
//!
//! What theirs do was measured with Sendmail 8.17.1 and Postfix 3.7.11, or is what their manuals say.

/// One difference.
pub(super) struct Difference {
    /// What it is about: a word or two of roff.
    pub(super) what: &'static str,
    /// What Sendmail and Postfix do, as a sentence.
    pub(super) theirs: &'static str,
    /// What we do, as a sentence.
    pub(super) ours: &'static str,
    /// Why, as a sentence.
    pub(super) reason: &'static str,
    /// Where it is tried on the real program: a file or folder, and behind a space a test in it.
    pub(super) proof: &'static str,
}

/// Every difference, the ones that change a message first.
#[rustfmt::skip]
pub(super) const DIFFERENCES: &[Difference] = &[
    Difference { what: "From, Sender and Resent-From fields", theirs: "Stay as they are in both", ours: "Here a From that is not the account's becomes the account's, with the original in X-Original-From and, when it can be answered, in Reply-To; Resent-From is treated alike and a foreign Sender is dropped, unless from in the configuration says otherwise", reason: "Outlook.com refuses everything else, and only after the whole message", proof: "tests/edge/19-F-from" },
    Difference { what: "The sender (-f, -r)", theirs: "Is the reverse path in both, the null sender too", ours: "Here it is when the account owns the address or the configuration passes all, else the account's address takes its place", reason: "Outlook.com refuses everything else", proof: "tests/end_to_end/differences.rs a_foreign_or_null_sender_is_the_account" },
    Difference { what: "-f twice", theirs: "Is refused by Sendmail; in Postfix the last one counts", ours: "Here the last one counts", reason: "Programs append their own to a configured one", proof: "tests/edge/52-f-twice" },
    Difference { what: "A lone dot without -i", theirs: "Ends the message in both", ours: "Here one from a pipe or a file that something follows is content, unless lone_dot in the configuration says otherwise", reason: "Many programs, sudo and mdadm among them, call without -i, and their text would be cut off", proof: "tests/edge/03-dot-noi" },
    Difference { what: "Leading dots without -i", theirs: "Lose one dot in Sendmail and none in Postfix", ours: "Here they lose one when recipients are arguments, -t is absent, every line that starts with a dot starts with two and one of these is nothing but two dots", reason: "A line of two dots is what doubling makes of a lone dot, for whose sake dots are doubled; other lines start with an ellipsis or ../ of their own (cron, mdadm and mailed logs have such), and a dot too many is better than one lost", proof: "tests/edge/53-stuffed-dots" },
    Difference { what: "8-bit text and long lines", theirs: "Travel as they are, or are broken up, depending on the server", ours: "Here text with octets above 127, NUL or lines over 998 octets is encoded; signed and encrypted parts, and octets above 127 where no standard has an encoding, go as they are where the server offers 8BITMIME, with a record in the log, and else the status is 65", reason: "Outlook.com damages 8-bit text", proof: "tests/edge/43-longline" },
    Difference { what: "Repeated To, Cc and Reply-To fields", theirs: "Stay as they are in both", ours: "Here they become one", reason: "RFC 5322 allows one of each", proof: "tests/edge/28-dup-to" },
    Difference { what: "Address lists that others may read otherwise", theirs: "Stay as they are in Postfix, and are joined with commas by Sendmail", ours: "Here a list without its commas, with semicolons, with a name that has to be quoted or an encoded word in quotation marks is written anew, the addresses being the same", reason: "Who replies to all, and Microsoft Graph, which reads recipients nowhere else, might find other addresses in it", proof: "tests/edge/95-lists-set-anew" },
    Difference { what: "Characters that nobody sees", theirs: "Are part of an address in both", ours: "Here they are white space around an address, and inside one status 65", reason: "They come along when an address is copied from a page, or make one look like another", proof: "tests/edge/88-invisible-around-addresses" },
    Difference { what: "Apparently-To", theirs: "Stays in both", ours: "Here it is dropped like Bcc, and names recipients with -t", reason: "Old mailers put blind recipients there", proof: "tests/edge/96-apparently-to" },
    Difference { what: "Trace fields with a word over 998 octets", theirs: "Are broken up in both", ours: "Here they go as encoded text in X-Original-Received and the like", reason: "No line may be longer, and a space would change the word", proof: "tests/edge/94-trace-with-an-endless-word" },
    Difference { what: "# behind an alias", theirs: "Is part of an address in Sendmail", ours: "Here it starts a comment where white space is before it, with a warning in the log", reason: "People write such comments, and no address has one", proof: "tests/end_to_end/differences.rs what_is_odd_in_the_alias_file_is_told" },
    Difference { what: "Other fields that stand twice", theirs: "Stay as they are in both", ours: "Here of From, Sender, Date, Message-ID, MIME-Version, Content-Type and Content-Transfer-Encoding the first that says something stays and the others are dropped; of Subject as well, with what the others say in X-Original-Subject; In-Reply-To and References are joined", reason: "RFC 5322 allows one of each, and readers differ in which they show", proof: "tests/edge/87-fields-twice" },
    Difference { what: "Fields that say nothing", theirs: "Stay as they are in both", ours: "Here a Date that no calendar has, a Message-ID without anything in angle brackets, and a field of addresses that holds none, such as To: <> or Reply-To: Name <>, are dropped, and a Date or Message-ID of ours is added; an empty Subject stays", reason: "A message needs a Date and an identifier that others can use, and an address that is none cannot be answered", proof: "tests/edge/88-fields-without-words" },
    Difference { what: "CR without LF in the header", theirs: "Is text in both", ours: "Here it ends the line when a field follows, and in input without any LF always; elsewhere it is status 65", reason: "What is one field to one reader is two to the next, a Bcc among them", proof: "tests/edge/89-returns-only" },
    Difference { what: "A byte order mark", theirs: "Ends the header before it has begun in both", ours: "Here it is dropped in front of any line of the header, and of an alias file", reason: "It is no text, and the header behind it would be lost", proof: "tests/edge/91-byte-order-mark" },
    Difference { what: "Attachments in binary", theirs: "Get CRLF or LF for their line ends in both", ours: "Here what is no text, UTF-16 among it, keeps every octet, encoded as base64; where it cannot be known which octets are its own, the status is 65", reason: "A picture with another CR is none", proof: "tests/end_to_end/differences.rs what_is_no_text_keeps_every_octet" },
    Difference { what: "DKIM-Signature", theirs: "Stays in both", ours: "Here one is dropped when the body or any field it signs was changed", reason: "A broken signature is worse than none, and Outlook.com signs again", proof: "tests/edge/92-signed-field-changed" },
    Difference { what: "Content-Length", theirs: "Stays in Sendmail and is dropped by Postfix", ours: "Here it is dropped, as Return-Path is in all three", reason: "It is wrong as soon as anything is encoded", proof: "tests/edge/30-returnpath" },
    Difference { what: "A first line that starts with >From", theirs: "Starts the body in Sendmail and is dropped by Postfix", ours: "Here it is dropped", reason: "It is a mark of a mailbox file, and the header behind it would be lost", proof: "tests/end_to_end/differences.rs a_quoted_from_line_is_dropped" },
    Difference { what: "Local names", theirs: "Are mailboxes of this machine, an unknown one is an error", ours: "Here whoever has no alias is local_mail_to of the configuration, or else the account, and the header shows that address, once for several names", reason: "There are no mailboxes here, and a name without a domain cannot be answered", proof: "tests/edge/27-bare-names" },
    Difference { what: "Aliases that are commands or files", theirs: "Are run or written to in both", ours: "Here they are left out with a warning in the log", reason: "This program runs as whoever calls it", proof: "tests/end_to_end/differences.rs an_alias_is_never_a_command_or_a_file" },
    Difference { what: "Alias lists in the header", theirs: "Stay names in both, qualified perhaps", ours: "Here a name that leads to several addresses is shown as an empty group", reason: "Its members are nobody's business, and a bare name cannot be answered", proof: "tests/end_to_end/differences.rs an_alias_of_several_is_shown_as_a_group" },
    Difference { what: "An address that cannot be read", theirs: "Is passed over by Sendmail, which sends to the others", ours: "Here nobody gets the message, status 65", reason: "Sending to the others would hide that one is missing", proof: "tests/edge/54-unreadable-operand" },
    Difference { what: "In-Reply-To and References", theirs: "Stay as they are in both", ours: "Here an id of the same caller's message of the last month that Outlook.com replaced becomes the new one, unless message_ids in the configuration says otherwise", reason: "Outlook.com gives each message of a personal account another Message-ID, and threads would fall apart", proof: "tests/end_to_end/threads.rs a_shallow_series_of_git_and_its_reroll_stay_one_thread" },
    Difference { what: "Many messages at the same time", theirs: "Go out, or wait in the queue, as the servers can take them", ours: "Here at most three are sent at a time through one mailbox, and 30 at once but then one every two seconds; others wait within their deadline, and are sent when it ends", reason: "Outlook.com refuses a fourth connection and delays what exceeds 30 a minute", proof: "tests/alone/pace.rs many_at_once_share_three_connections" },
    Difference { what: "A refused recipient", theirs: "Does not keep the message from the others, and comes back as a bounce later", ours: "Here one refused recipient means that nobody gets the message, status 67, where the caller is told; where messages are kept the others get it, and it is listed as failed", reason: "A caller who is still there can correct the address and call again", proof: "tests/end_to_end/outbox.rs those_the_server_takes_get_it_and_the_others_are_listed" },
    Difference { what: "Errors (-e, -oe)", theirs: "Are mailed to the sender by both, or told in other ways -e chooses", ours: "Here they are one line on standard error, an exit status and a record in the log", reason: "Who called may have no mailbox, and a bounce may be refused like the message", proof: "tests/dialogues/rcpt-550.dialogue" },
    Difference { what: "The queue", theirs: "Keeps in both what cannot be sent now, and the status is 0", ours: "Here it does so where there is no controlling terminal, or on_failure in the configuration says keep, as the machine's account does by default; else the status is 75, and nothing was sent or kept", reason: "A person at a terminal decides better than a queue nobody looks into", proof: "tests/end_to_end/outbox.rs without_a_terminal_auto_keeps" },
    Difference { what: "What is in the queue", theirs: "Is tried by a server for five days, and then comes back as a bounce", ours: "Here a timer tries it after a minute, later every hour, for five days; then it is listed as failed, and told in the log and, once sending works, in one mail to local_mail_to, or the account", reason: "A bounce would go out through the mailbox that could not send", proof: "tests/end_to_end/outbox.rs a_message_refused_for_good_later_is_failed_and_told_of_once" },
    Difference { what: "Background delivery (-odb, -odq)", theirs: "Lets the caller go on at once in Sendmail", ours: "Here the caller always waits for the verdict", reason: "What is refused for good can be told to nobody else", proof: "tests/end_to_end/differences.rs the_caller_waits_whatever_he_says" },
    Difference { what: "Status 75", theirs: "Means queued in Sendmail's manual, and wrong arguments too in Postfix", ours: "Here it means that nothing was sent or kept and the same call may work later", reason: "Whoever sees it may call again without sending twice", proof: "tests/dialogues/content-451.dialogue" },
    Difference { what: "A connection lost after the message", theirs: "Is tried again by both", ours: "Here it is status 74, and nothing is repeated; a kept message is listed as perhaps sent", reason: "The message was perhaps sent, and a second one cannot be taken back", proof: "tests/dialogues/content-drop.dialogue" },
    Difference { what: "A closed standard input", theirs: "Is opened on /dev/null by both, and an empty message goes out", ours: "Here it is status 71, as one that is not open for reading", reason: "There is no message, and nobody means to send none", proof: "tests/end_to_end/faults.rs what_cannot_be_read_is_no_empty_message" },
    Difference { what: "No recipients", theirs: "Is status 64 in Sendmail, 0 with -t, and 75 in Postfix", ours: "Here it is status 64", reason: "The same call would fail again", proof: "tests/edge/13-t-norcpt" },
    Difference { what: "The recipient <>", theirs: "Is status 67 in Sendmail and the postmaster in Postfix", ours: "Here it is status 65", reason: "It is nobody's address", proof: "tests/edge/42-rcpt-angle-empty" },
    Difference { what: "Unknown flags", theirs: "Are status 64 in Sendmail and 75 in Postfix", ours: "Here they are status 64, after standard input was read to its end", reason: "A caller that is still writing would die of SIGPIPE and tell nobody", proof: "tests/end_to_end/faults.rs a_wrong_call_reads_its_message_and_says_why" },
    Difference { what: "--help and --version", theirs: "Are unknown to both", ours: "Here they count as the first argument only", reason: "Further back somebody else's argument could turn a message into a help text and status 0", proof: "tests/end_to_end/differences.rs help_is_asked_for_first" },
    Difference { what: "-v", theirs: "Writes to standard output in Sendmail and mails a report in Postfix", ours: "Here it writes a transcript to standard error, secrets left out", reason: "Standard output may be a page or a reply", proof: "tests/end_to_end/differences.rs a_transcript_goes_to_standard_error" },
    Difference { what: "-C, -D, -O, -o and -X", theirs: "Choose configurations and files to write in Sendmail, and -C a configuration in Postfix", ours: "Here they are ignored, but for IgnoreDots", reason: "Programs pass on arguments that strangers chose (CVE-2016-10033)", proof: "tests/end_to_end/differences.rs arguments_choose_no_configuration_and_no_file" },
    Difference { what: "-n", theirs: "Leaves aliases alone in Sendmail", ours: "Here it is ignored", reason: "A local name can be reached through an alias only", proof: "tests/end_to_end/differences.rs aliases_count_always" },
    Difference { what: "-bs", theirs: "Answers the final dot when the message is in the queue", ours: "Here the reply is Outlook.com's verdict, or 250 for a message that is kept", reason: "A refusal reaches whoever wrote the message", proof: "tests/end_to_end/stdio_server.rs the_reply_to_the_dot_is_outlooks_verdict" },
    Difference { what: "-bv", theirs: "Says in Sendmail whether an address can be delivered to, and mails a report in Postfix", ours: "Here it prints the addresses each name leads to, whether they exist or not", reason: "Outlook.com cannot be asked without sending", proof: "tests/end_to_end/differences.rs where_a_name_leads_is_printed" },
    Difference { what: "-bp, -q, mailq", theirs: "Look after the queue, -q with an interval as a server", ours: "Here they look after the caller's own messages, root after everybody's that wait for the machine's account, and -q tries everything once, whatever its interval", reason: "A timer does the rest, not a server", proof: "tests/end_to_end/outbox.rs a_message_refused_for_now_is_kept_and_arrives_once" },
    Difference { what: "-bi, -I, newaliases", theirs: "Build a database in both", ours: "Here they follow every alias and say on standard error what is wrong, status 0", reason: "The file itself is read for each message", proof: "tests/end_to_end/faults.rs the_queue_and_the_aliases_are_asked_about_without_a_message" },
    Difference { what: "-bd, -bD, -bl, -bt, -bh, -bH, -ba", theirs: "Are servers, tests and statistics", ours: "Here they are status 64", reason: "This program is neither a server nor a mail router", proof: "tests/end_to_end/faults.rs what_is_not_offered_sends_nothing" },
];

#[test]
fn every_difference_is_tried() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for row in DIFFERENCES {
        let (file, test) = row.proof.split_once(' ').unwrap_or((row.proof, ""));
        let path = root.join(file);
        assert!(path.exists(), "{}: {file}", row.what);
        assert!(file.ends_with(".rs") != test.is_empty(), "{}: {}", row.what, row.proof);
        if !test.is_empty() {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains(&format!("#[test]\nfn {test}() {{")), "{}: {}", row.what, row.proof);
        }
    }
}

#[test]
fn every_difference_is_three_sentences_about_one_thing() {
    let mut seen = std::collections::BTreeSet::new();
    for row in DIFFERENCES {
        assert!(seen.insert(row.what), "{} twice", row.what);
        for sentence in [row.theirs, row.ours, row.reason] {
            assert!(!sentence.ends_with('.'), "{}: {sentence}", row.what);
        }
        assert!(row.ours.starts_with("Here "), "{}: {}", row.what, row.ours);
    }
}
