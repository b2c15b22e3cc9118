//! Places of the boxes and lines of a layered graph, left to right (Sugiyama, Tagawa, Toda 1981:
//! longest-path layers, lines through the gaps of the layers they cross, barycentre order).
//! Pure and deterministic; a circle, which no valid spec has, ends in a last layer of its own.

/// Size of a box, in pixels.
pub const BOX_W: f64 = 204.0;
pub const BOX_H: f64 = 74.0;
const GAP_X: f64 = 50.0;
const GAP_Y: f64 = 22.0;
/// Height of the gap that a line passes through a layer by.
const PASS_H: f64 = 14.0;
const MARGIN: f64 = 8.0;
const SWEEPS: usize = 8;

#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    pub width: f64,
    pub height: f64,
    /// Upper left corner of each box.
    pub boxes: Vec<(f64, f64)>,
    /// For each line, in the order given, the points that it goes through.
    pub lines: Vec<Vec<(f64, f64)>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot {
    Box(usize),
    /// A line on its way through.
    Pass {
        line: usize,
    },
}

impl Slot {
    fn height(self) -> f64 {
        match self {
            Slot::Box(_) => BOX_H,
            Slot::Pass { .. } => PASS_H,
        }
    }
}

/// Lays out `count` boxes; `lines` are (from, to) pairs of indices below `count`.
pub fn layout(count: usize, lines: &[(usize, usize)]) -> Layout {
    let layer_of = layers(count, lines);
    let depth = layer_of.iter().max().map_or(0, |l| l + 1);
    let mut columns: Vec<Vec<Slot>> = vec![Vec::new(); depth];
    for (i, layer) in layer_of.iter().enumerate() {
        columns[*layer].push(Slot::Box(i));
    }
    for (line, (from, to)) in lines.iter().enumerate() {
        for column in columns.iter_mut().take(layer_of[*to]).skip(layer_of[*from] + 1) {
            column.push(Slot::Pass { line });
        }
    }
    order(&mut columns, lines);

    let tall = columns.iter().map(|c| column_height(c)).fold(0.0, f64::max);
    let mut boxes = vec![(0.0, 0.0); count];
    let mut middles: Vec<Vec<(f64, f64)>> = vec![Vec::new(); lines.len()];
    for (n, column) in columns.iter().enumerate() {
        let x = MARGIN + n as f64 * (BOX_W + GAP_X);
        let mut y = MARGIN + (tall - column_height(column)) / 2.0;
        for slot in column {
            match slot {
                Slot::Box(i) => boxes[*i] = (x, y),
                Slot::Pass { line } => {
                    let at = y + PASS_H / 2.0;
                    middles[*line].extend([(x, at), (x + BOX_W, at)]);
                }
            }
            y += slot.height() + GAP_Y;
        }
    }
    let lines = lines
        .iter()
        .zip(middles)
        .map(|((from, to), middle)| {
            let start = (boxes[*from].0 + BOX_W, boxes[*from].1 + BOX_H / 2.0);
            let end = (boxes[*to].0, boxes[*to].1 + BOX_H / 2.0);
            std::iter::once(start).chain(middle).chain([end]).collect()
        })
        .collect();
    let width = 2.0 * MARGIN + depth as f64 * (BOX_W + GAP_X) - if depth > 0 { GAP_X } else { 0.0 };
    Layout { width, height: 2.0 * MARGIN + tall, boxes, lines }
}

fn column_height(column: &[Slot]) -> f64 {
    let gaps = column.len().saturating_sub(1) as f64 * GAP_Y;
    column.iter().map(|s| s.height()).sum::<f64>() + gaps
}

/// The layer of each box: one more than the last of what it depends on.
fn layers(count: usize, lines: &[(usize, usize)]) -> Vec<usize> {
    let mut after = vec![Vec::new(); count];
    let mut open = vec![0_usize; count];
    for (from, to) in lines {
        after[*from].push(*to);
        open[*to] += 1;
    }
    let mut layer = vec![0; count];
    let mut ready: Vec<usize> = (0..count).filter(|i| open[*i] == 0).collect();
    let mut next = 0;
    while let Some(i) = ready.get(next).copied() {
        next += 1;
        for to in &after[i] {
            layer[*to] = layer[*to].max(layer[i] + 1);
            open[*to] -= 1;
            if open[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    let last = ready.iter().map(|i| layer[*i] + 1).max().unwrap_or(0);
    for i in 0..count {
        if open[i] > 0 {
            layer[i] = last;
        }
    }
    layer
}

/// Sorts each column by the mean place of its neighbours, to and fro.
fn order(columns: &mut [Vec<Slot>], lines: &[(usize, usize)]) {
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        for step in 1..columns.len() {
            let (at, beside) = if forth {
                (step, step - 1)
            } else {
                (columns.len() - 1 - step, columns.len() - step)
            };
            let places = Places::of(&columns[beside], lines.len());
            let mut keyed: Vec<(f64, Slot)> = columns[at]
                .iter()
                .enumerate()
                .map(|(i, slot)| (places.mean_beside(*slot, lines).unwrap_or(i as f64), *slot))
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            columns[at] = keyed.into_iter().map(|(_, slot)| slot).collect();
        }
    }
}

/// Where each box and line stands in one column.
struct Places {
    boxes: std::collections::HashMap<usize, usize>,
    lines: Vec<Option<usize>>,
}

impl Places {
    fn of(column: &[Slot], lines: usize) -> Self {
        let mut places = Places { boxes: Default::default(), lines: vec![None; lines] };
        for (at, slot) in column.iter().enumerate() {
            match slot {
                Slot::Box(i) => {
                    places.boxes.insert(*i, at);
                }
                Slot::Pass { line } => places.lines[*line] = Some(at),
            }
        }
        places
    }

    /// The place at which `line` meets this column, if it does.
    fn of_line(&self, line: usize, ends: (usize, usize)) -> Option<usize> {
        self.lines[line]
            .or_else(|| [ends.0, ends.1].iter().find_map(|i| self.boxes.get(i).copied()))
    }

    fn mean_beside(&self, slot: Slot, lines: &[(usize, usize)]) -> Option<f64> {
        let found: Vec<usize> = match slot {
            Slot::Pass { line } => self.of_line(line, lines[line]).into_iter().collect(),
            Slot::Box(i) => lines
                .iter()
                .enumerate()
                .filter(|(_, (from, to))| (*from == i) != (*to == i))
                .filter_map(|(line, ends)| self.of_line(line, *ends))
                .collect(),
        };
        let sum: usize = found.iter().sum();
        (!found.is_empty()).then(|| sum as f64 / found.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chain_goes_right_and_a_circle_ends() {
        let chain = layout(3, &[(0, 1), (1, 2), (0, 2)]);
        assert!(chain.boxes[0].0 < chain.boxes[1].0 && chain.boxes[1].0 < chain.boxes[2].0);
        assert_eq!(chain.lines[2].len(), 4, "the long line passes the middle layer by");
        let circle = layout(3, &[(0, 1), (1, 2), (2, 1)]);
        assert_eq!(circle.boxes[1].0, circle.boxes[2].0);
        assert_eq!(layout(0, &[]).boxes, vec![]);
    }

    proptest! {
        #[test]
        fn boxes_never_overlap_and_nothing_leaves_the_picture(
            count in 1_usize..24,
            raw in prop::collection::vec((0_usize..24, 0_usize..24), 0..50),
        ) {
            let lines: Vec<_> = raw
                .into_iter()
                .map(|(a, b)| (a % count, b % count))
                .filter(|(a, b)| a < b)
                .collect();
            let l = layout(count, &lines);
            for (i, a) in l.boxes.iter().enumerate() {
                prop_assert!(a.0 >= 0.0 && a.0 + BOX_W <= l.width);
                prop_assert!(a.1 >= 0.0 && a.1 + BOX_H <= l.height);
                for b in &l.boxes[..i] {
                    prop_assert!((a.0 - b.0).abs() >= BOX_W || (a.1 - b.1).abs() >= BOX_H);
                }
            }
            for line in &l.lines {
                prop_assert!(line.windows(2).all(|p| p[0].0 < p[1].0));
            }
        }
    }
}
