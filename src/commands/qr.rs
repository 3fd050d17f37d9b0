//! A QR code in half blocks, two modules to a character, that scans from light terminals and from dark ones.

use qrcodegen::{QrCode, QrCodeEcc};

use crate::world::{Escapes, Screen};

/// ISO/IEC 18004 asks for four light modules on every side.
const QUIET_ZONE: i32 = 4;

/// Black on white, whatever the terminal's own colours are, and back (ECMA-48 SGR).
const BLACK_ON_WHITE: &str = "\x1b[30;47m";
const USUAL_COLOURS: &str = "\x1b[0m";

/// The code of a page, or `None` when it is wider than the screen or no page.
pub fn drawing(page: &str, screen: Screen) -> Option<String> {
    if !page.starts_with("https://") {
        return None;
    }
    let code = QrCode::encode_text(page, QrCodeEcc::Low).ok()?;
    let modules = -QUIET_ZONE..code.size() + QUIET_ZONE;
    if modules.len() > usize::from(screen.columns) {
        return None;
    }
    let mut drawing = String::new();
    for row in modules.clone().step_by(2) {
        if screen.escapes == Escapes::Colours {
            drawing.push_str(BLACK_ON_WHITE);
        }
        for column in modules.clone() {
            // Below the last of an odd number of rows the quiet zone goes on.
            drawing.push(half_blocks(code.get_module(column, row), code.get_module(column, row + 1), screen.escapes));
        }
        if screen.escapes == Escapes::Colours {
            drawing.push_str(USUAL_COLOURS);
        }
        drawing.push('\n');
    }
    Some(drawing)
}

/// Two modules, one above the other. Without colours what is drawn is the light ones: right on a dark terminal, and
/// inverted on a light one, which cameras read too.
fn half_blocks(upper_dark: bool, lower_dark: bool, escapes: Escapes) -> char {
    let (upper, lower) = match escapes {
        Escapes::Colours => (upper_dark, lower_dark),
        Escapes::None | Escapes::Lines => (!upper_dark, !lower_dark),
    };
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "https://www.microsoft.com/link";

    /// The drawing as rows of modules, dark being `#`.
    fn modules(drawing: &str, drawn_is_dark: bool) -> Vec<String> {
        let plain = drawing.replace(BLACK_ON_WHITE, "").replace(USUAL_COLOURS, "");
        let side = |line: &str, drawn: [char; 2]| {
            line.chars().map(|block| if drawn.contains(&block) == drawn_is_dark { '#' } else { '.' }).collect()
        };
        plain.lines().flat_map(|line| [side(line, ['█', '▀']), side(line, ['█', '▄'])]).collect()
    }

    #[test]
    fn every_module_is_where_it_belongs_and_the_quiet_zone_is_quiet() {
        let code = QrCode::encode_text(PAGE, QrCodeEcc::Low).unwrap();
        for escapes in [Escapes::None, Escapes::Lines, Escapes::Colours] {
            let drawing = drawing(PAGE, Screen { columns: 80, escapes }).unwrap();
            let rows = modules(&drawing, escapes == Escapes::Colours);
            assert!(rows.len() as i32 >= code.size() + 2 * QUIET_ZONE);
            for (y, row) in (-QUIET_ZONE..).zip(&rows) {
                assert_eq!(row.len() as i32, code.size() + 2 * QUIET_ZONE);
                for (x, module) in (-QUIET_ZONE..).zip(row.chars()) {
                    assert_eq!(module == '#', code.get_module(x, y), "{escapes:?} {x} {y}");
                }
            }
        }
    }

    #[test]
    fn colours_end_with_the_line_and_come_only_where_they_may() {
        let coloured = drawing(PAGE, Screen { columns: 80, escapes: Escapes::Colours }).unwrap();
        assert!(coloured.lines().all(|line| line.starts_with(BLACK_ON_WHITE) && line.ends_with(USUAL_COLOURS)));
        assert!(!drawing(PAGE, Screen { columns: 80, escapes: Escapes::Lines }).unwrap().contains('\x1b'));
    }

    #[test]
    fn what_does_not_fit_is_not_drawn() {
        let fits = |page: &str, columns| drawing(page, Screen { columns, escapes: Escapes::Colours }).is_some();
        assert!(fits(PAGE, 33) && !fits(PAGE, 32));
        assert!(fits(&format!("{PAGE}?otc=ABCD-EFGH"), 80));
        assert!(!fits(&format!("{PAGE}?{}", "x".repeat(3000)), 80));
        assert!(!fits("www.microsoft.com/link", 80));
    }
}
