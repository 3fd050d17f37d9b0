//! Which charset a header's raw text is in: nobody declares one for headers, so it is the one of the text below.

use std::io;

use super::entity::{EntityKind, Facts};
use super::visitor::{Charsets, End, Open, Visitor};
use super::walk::walk;
use crate::message::{Body, Piece};

/// Reads a body for them; nothing is read where nothing but UTF-8 is in it.
pub(super) fn charsets(root: &Facts, body: &mut Body) -> io::Result<Charsets> {
    let mut survey = Survey::default();
    walk(root, &Charsets::new(), &mut body.lines()?, &mut survey)?;
    Ok(survey.charsets)
}

#[derive(Default)]
struct Survey {
    charsets: Charsets,
    open: Vec<Option<String>>,
}

/// One that says something: raw text that is not UTF-8 is in neither of these.
fn is_telling(charset: &str) -> bool {
    !["utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit"].contains(&charset)
}

impl Visitor for Survey {
    type Fault = io::Error;

    fn field(&mut self, _: &[Open], _: usize, _: &[u8], _: Option<&[u8]>) -> io::Result<()> {
        Ok(())
    }

    fn field_fragment(&mut self, _: Piece<'_>) -> io::Result<()> {
        Ok(())
    }

    fn header_end(&mut self, _: usize, _: &Facts, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn opened(&mut self, _: &[Open], facts: &Facts) -> io::Result<()> {
        self.open.push(facts.charset.clone().filter(|charset| is_telling(charset)));
        Ok(())
    }

    fn content(&mut self, _: Piece<'_>) -> io::Result<()> {
        Ok(())
    }

    fn margin(&mut self, _: Piece<'_>) -> io::Result<()> {
        Ok(())
    }

    fn delimiter(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn closed(&mut self, open: &[Open], _: End) -> io::Result<()> {
        let (Some(entity), Some(Some(charset))) = (open.last(), self.open.pop()) else { return Ok(()) };
        self.charsets.insert(entity.ordinal, charset.clone());
        // What an attached message is written in says nothing of what it is attached to.
        if entity.kind != EntityKind::Message
            && let Some(parent) = self.open.last_mut()
        {
            parent.get_or_insert(charset);
        }
        Ok(())
    }
}
