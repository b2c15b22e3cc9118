//! How much room a text takes in a picture. The reader's font is not known, so the letters of a wide
//! one are measured (DejaVu Sans Bold); what fits there fits elsewhere.

/// Width of ASCII from the space on, in thousandths of the font's size.
#[rustfmt::skip]
const ASCII: [u16; 95] = [
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365,
    696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580,
    1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850,
    733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500,
    500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687,
    716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838,
];

/// In pixels, for letters of that size.
pub fn width(text: &str, size: f64) -> f64 {
    let letter = |c: char| match (c as usize).checked_sub(0x20).and_then(|at| ASCII.get(at)) {
        Some(thousandths) => f64::from(*thousandths),
        None => 1050.0,
    };
    text.chars().map(letter).sum::<f64>() * size / 1000.0
}

/// As much of `text` as fits into `room` pixels, with `…` where it was cut.
pub fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let room = room - width("…", size);
    let mut out = String::new();
    let mut used = 0.0;
    for c in text.chars() {
        used += width(c.encode_utf8(&mut [0; 4]), size);
        if used > room {
            break;
        }
        out.push(c);
    }
    format!("{}…", out.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_would_leave_its_place() {
        assert_eq!(fit("Short", 14.0, 173.0), "Short");
        for text in ["W".repeat(40), "Export for the accountants".into(), "会計".repeat(20)] {
            let cut = fit(&text, 14.0, 173.0);
            assert!(cut.ends_with('…') && width(&cut, 14.0) <= 173.0, "{cut}");
        }
    }
}
