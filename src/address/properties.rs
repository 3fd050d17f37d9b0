//! What holds for every list, tried on random ones.

use proptest::prelude::*;

use super::*;

fn address() -> impl Strategy<Value = AddrSpec> {
    let local = prop_oneof![
        4 => "[a-zA-Z0-9!#$%&'*+/=^_`{|}~.-]{1,20}",
        1 => "[ -~]{1,20}",
        1 => "[a-zäöü字🦀]{1,8}",
    ];
    let domain = prop_oneof![
        4 => "[a-z0-9]{1,8}(\\.[a-zA-Z0-9]{1,8}){0,3}".prop_map(Some),
        1 => Just(Some("[IPv6:2001:db8::1]".to_owned())),
        1 => Just(Some("[192.0.2.1]".to_owned())),
        1 => Just(None),
    ];
    (local, domain).prop_filter_map("not an address", |(local, domain)| {
        let is_nameable = local.chars().any(|character| character != '.');
        (is_nameable && (domain.is_some() || !local.contains('@'))).then_some(AddrSpec { local, domain })
    })
}

fn display() -> impl Strategy<Value = Vec<u8>> {
    // Names that are not US-ASCII come back encoded, ends without white space.
    prop_oneof![Just(String::new()), "[A-Za-z]{1,8}( [A-Za-z.]{1,8}){0,2}", "[ -~]{1,40}"]
        .prop_map(|text| text.trim().as_bytes().to_vec())
        .prop_filter("an encoded word", |text| !text.windows(2).any(|pair| pair == b"=?"))
}

fn mailbox() -> impl Strategy<Value = Mailbox> {
    (display(), address()).prop_map(|(display, address)| Mailbox { display, address })
}

fn list() -> impl Strategy<Value = Vec<Entry>> {
    let entry = prop_oneof![
        4 => mailbox().prop_map(Entry::Mailbox),
        1 => (display(), prop::collection::vec(mailbox(), 0..4))
            .prop_map(|(display, members)| Entry::Group { display, members }),
    ];
    prop::collection::vec(entry, 0..8)
}

/// Octets that look like lists more often than random ones do.
fn listlike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "a", "b.c", "@", "x.org", ",", ";", ":", "<", ">", "(", ")", "\"", "\\", "[", "]", ".", " ", "\r\n ", "\n\t",
            "=?utf-8?Q?a=40b?=", "IPv6:::1", "\u{fc}", "<a@b>", "(c)", "\"q r\"", "G:", "\r", "\n", "\0", "\u{85}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn addresses(list: &[Entry]) -> Vec<AddrSpec> {
    list.iter().flat_map(Entry::mailboxes).map(|mailbox| mailbox.address.clone()).collect()
}

/// The text with `filler` wherever white space may stand: beside marks outside quotes, comments and literals.
fn with_filler(text: &[u8], filler: &[u8]) -> Vec<u8> {
    let mut filled = filler.to_vec();
    let (mut quoted, mut literal, mut escaped) = (false, false, false);
    for &octet in text {
        let is_mark = !quoted && !literal && b",;:<>@".contains(&octet);
        if is_mark {
            filled.extend_from_slice(filler);
        }
        filled.push(octet);
        if is_mark {
            filled.extend_from_slice(filler);
        }
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !literal => quoted = !quoted,
            b'[' if !quoted => literal = true,
            b']' if !quoted => literal = false,
            _ => {}
        }
    }
    filled.extend_from_slice(filler);
    filled
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_name_is_written_as_one_before_its_address(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
        let list = format!("{} <a@b>", crate::header_text::encode_phrase(&octets, "iso-8859-1"));
        prop_assert_eq!(parse_list(list.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in prop_oneof![listlike(), prop::collection::vec(any::<u8>(), 0..200)]) {
        let _ = parse_sender(&octets);
        if parse_operand(&octets).is_ok() {
            prop_assert!(!octets.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
        }
        let Ok(list) = parse_list(&octets) else { return Ok(()) };
        for address in addresses(&list) {
            prop_assert!(!address.local.is_empty());
            prop_assert!(!address.to_wire().chars().any(char::is_control));
            if address.domain.is_some() {
                prop_assert_eq!(address.to_lettre().unwrap().to_string(), address.to_wire());
            }
        }
        let written = render_list(&list, "iso-8859-1");
        let again = parse_list(&written);
        prop_assert!(again.is_ok(), "{:?} {}", again, String::from_utf8_lossy(&written));
        prop_assert_eq!(addresses(&again.unwrap()), addresses(&list));
        let names_are_ascii = list.iter().all(|entry| match entry {
            Entry::Mailbox(mailbox) => mailbox.address.local.is_ascii(),
            Entry::Group { members, .. } => members.iter().all(|mailbox| mailbox.address.local.is_ascii()),
        });
        prop_assert!(!names_are_ascii || written.is_ascii());
    }

    #[test]
    fn what_is_written_is_read_back(list in list()) {
        let written = render_list(&list, "utf-8");
        prop_assert_eq!(parse_list(&written), Ok(list), "{}", String::from_utf8_lossy(&written));
    }

    #[test]
    fn a_comma_joins_lists(one in list(), other in list()) {
        let joined = [render_list(&one, "utf-8"), render_list(&other, "utf-8")].join(&b","[..]);
        prop_assert_eq!(parse_list(&joined), Ok([one, other].concat()));
    }

    #[test]
    fn lines_are_short(list in list()) {
        for line in render_list(&list, "utf-8").split(|&octet| octet == b'\n') {
            prop_assert!(line.len() <= 79 || !line.trim_ascii().contains(&b' ') || line.contains(&b'"'));
        }
    }

    #[test]
    fn comments_and_folding_change_nothing(
        list in list(),
        filler in prop::sample::select(vec![" ", "\r\n ", "(c)", "(a@b, <c@d>; \\) \")", "\n\t(x\r\n (y)) "]),
    ) {
        let written = with_filler(&render_list(&list, "utf-8"), filler.as_bytes());
        let read = parse_list(&written);
        prop_assert!(read.is_ok(), "{:?} {}", read, String::from_utf8_lossy(&written));
        prop_assert_eq!(addresses(&read.unwrap()), addresses(&list));
    }
}
