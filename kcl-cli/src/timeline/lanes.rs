//! Places labels along an axis in lanes, so that no two overlap, in as few lanes as that takes.

/// Lanes that labels are put into.
#[derive(Debug)]
pub(crate) struct Lanes {
    /// The length of the axis, in columns or tenths of a pixel.
    width: usize,
    /// The most lanes.
    most: usize,
    /// The taken spans of each lane.
    taken: Vec<Vec<(usize, usize)>>,
}

/// The place of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) lane: usize,
    /// Whether it stands to the left of its mark, because the right has no space for it.
    pub(crate) flipped: bool,
}

impl Lanes {
    pub(crate) const fn new(width: usize, most: usize) -> Self {
        Self { width, most, taken: Vec::new() }
    }

    /// Places a label of the size `label` at something that lasts from `from` to `to`. `None` if
    /// every lane is taken there.
    pub(crate) fn put(&mut self, (from, to): (usize, usize), label: usize) -> Option<Place> {
        let flipped = from + label > self.width && from >= label;
        let (start, end) =
            if flipped { (from - label, to.max(from + 1)) } else { (from, to.max(from + label)) };
        let is_free = |lane: &Vec<(usize, usize)>| {
            lane.iter().all(|(taken, until)| end < *taken || *until < start)
        };
        let lane = self.taken.iter().position(is_free).unwrap_or(self.taken.len());
        if lane == self.taken.len() {
            if lane == self.most {
                return None;
            }
            self.taken.push(Vec::new());
        }
        self.taken[lane].push((start, end));
        Some(Place { lane, flipped })
    }

    pub(crate) const fn count(&self) -> usize {
        self.taken.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_share_a_lane_if_there_is_room_and_what_fits_nowhere_is_left_out() {
        let mut lanes = Lanes::new(40, 2);
        let at = |lane| Some(Place { lane, flipped: false });
        assert_eq!(lanes.put((0, 1), 10), at(0));
        assert_eq!(lanes.put((5, 20), 10), at(1));
        assert_eq!(lanes.put((12, 12), 5), at(0), "beside the first");
        assert_eq!(lanes.put((13, 13), 5), None, "both are taken");
        assert_eq!(lanes.put((39, 39), 8), Some(Place { lane: 0, flipped: true }));
        assert_eq!(lanes.count(), 2);
    }
}
