//! In-Reply-To and References made to name what Outlook has renamed.

use crate::envelope::{ChangeLog, Reason};
use crate::memory::threads::KnownIds;
use crate::message::Field;

/// The fields that name other messages (RFC 5322 section 3.6.4).
const FIELDS: [&str; 2] = ["In-Reply-To", "References"];

/// Rewrites what In-Reply-To and References say; says whether anything had to be.
pub(super) fn mend(known: &KnownIds<'_>, fields: &mut [Field], changes: &ChangeLog) -> bool {
    let refers = |field: &Field| FIELDS.iter().any(|name| field.is(name));
    let ids = fields.iter().filter(|field| refers(field)).flat_map(|field| parts(&field.value));
    let known = known.answers(ids.filter(|part| part.starts_with(b"<")));
    let mut any = false;
    for field in fields.iter_mut().filter(|field| refers(field)) {
        let new = |part: &[u8]| known.get(part).map(String::as_bytes);
        let parts = parts(&field.value);
        if parts.iter().all(|part| new(part).is_none()) {
            continue;
        }
        let value = parts.iter().flat_map(|part| new(part).unwrap_or(part)).copied().collect();
        let before = changes.copy(field);
        field.value = value;
        changes.replaced(before, field, Reason::RenamedByOutlook);
        any = true;
    }
    any
}

/// The value in pieces: each `<...>`, and what is between them.
fn parts(value: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some(begin) = rest.iter().position(|&octet| octet == b'<') {
        let (before, id) = rest.split_at(begin);
        let Some(end) = id.iter().position(|&octet| octet == b'>') else { break };
        let (id, after) = id.split_at(end + 1);
        parts.push(before);
        parts.push(id);
        rest = after;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, MessageIds};
    use crate::fake_world::{Fakes, account};
    use crate::memory::threads::remember;
    use crate::outcome::Receipt;

    fn field(name: &str, value: &str) -> Field {
        Field::new(name, value.as_bytes().to_vec())
    }

    #[test]
    fn what_outlook_renamed_is_mended_in_later_messages() {
        let fakes = Fakes::default();
        let world = fakes.world();
        remember(
            &world,
            &account(),
            0,
            "<1@host>",
            &Receipt::new("2.0.0 OK <A@PROD.OUTLOOK.COM> [Hostname=X.PROD.OUTLOOK.COM]".into()),
        );
        remember(&world, &account(), 0, "<2@host>", &Receipt::new("2.0.0 OK <B@PROD.OUTLOOK.COM> [Hostname=X]".into()));
        let mut fields = [
            field("In-Reply-To", " <2@host>"),
            field("References", " <0@else>\r\n <1@host>\r\n\t<2@host> (comment <"),
            field("Message-ID", " <1@host>"),
            field("Subject", " <1@host>"),
        ];
        let changes = ChangeLog::wanted();
        assert!(mend(&KnownIds::of(&world, &account(), 0), &mut fields, &changes));
        assert_eq!(fields[0].value, b" <B@PROD.OUTLOOK.COM>");
        assert_eq!(fields[1].value, b" <0@else>\r\n <A@PROD.OUTLOOK.COM>\r\n\t<B@PROD.OUTLOOK.COM> (comment <");
        assert_eq!((&fields[2].value[..], &fields[3].value[..]), (&b" <1@host>"[..], &b" <1@host>"[..]));
        let changed = changes.into_noted().changes;
        assert_eq!(changed.len(), 2);
        assert!(changed.iter().all(|change| change.reason == Reason::RenamedByOutlook));
        let left = Account { message_ids: MessageIds::Leave, ..account() };
        fields[0].value = b" <2@host>".to_vec();
        assert!(!mend(&KnownIds::of(&world, &left, 0), &mut fields, &ChangeLog::unwanted()));
        assert_eq!(fields[0].value, b" <2@host>");
    }
}
