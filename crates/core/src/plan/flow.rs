//! Who goes out when, in numbers: groups of recipients over the rooms in which each may hear, none above its capacity.
//! A greatest flow, begun from the shares that are wished for.

/// How many of each group are in each room.
#[derive(Debug)]
pub(super) struct Flow {
    /// By group.
    unplaced: Vec<u64>,
    /// By room.
    spare: Vec<u64>,
    /// The rooms of each group, in the order of time.
    open: Vec<Vec<usize>>,
    /// `[group][room]`.
    placed: Vec<Vec<u64>>,
}

/// A step on the way to a room with space: the group that gives way there, and the room that it leaves.
type Way = Vec<(usize, usize)>;

impl Flow {
    /// Nobody is placed yet; `open(group, room)` says who may be where.
    pub(super) fn new(demands: &[u64], capacities: &[u64], open: impl Fn(usize, usize) -> bool) -> Self {
        let rooms = |group| (0..capacities.len()).filter(|room| open(group, *room)).collect();
        Self {
            unplaced: demands.to_vec(),
            spare: capacities.to_vec(),
            open: (0..demands.len()).map(rooms).collect(),
            placed: vec![vec![0; capacities.len()]; demands.len()],
        }
    }

    /// Places everybody for whom there is room: each group in proportion to the weights of its rooms as far as these
    /// hold it, or in the first rooms where they have none; the others wherever others can make way.
    pub(super) fn fill(&mut self, weight: impl Fn(usize) -> Option<f64>) {
        for group in 0..self.unplaced.len() {
            let wanted = self.unplaced[group] as f64;
            let rooms = self.open[group].clone();
            let total: Option<f64> = rooms.iter().map(|room| weight(*room)).sum();
            for room in rooms {
                let share = weight(room).zip(total).map(|(weight, total)| (wanted * weight / total.max(1.0)) as u64);
                self.place(group, room, share.unwrap_or(u64::MAX));
            }
        }
        for group in 0..self.unplaced.len() {
            while self.unplaced[group] > 0 && self.make_way(group) {}
        }
    }

    fn place(&mut self, group: usize, room: usize, most: u64) {
        let count = most.min(self.unplaced[group]).min(self.spare[room]);
        self.unplaced[group] -= count;
        self.spare[room] -= count;
        self.placed[group][room] += count;
    }

    /// Finds a room for some of `group`, moving others on if need be; false if there is no way.
    fn make_way(&mut self, group: usize) -> bool {
        let (reached, _) = self.reach(group);
        let Some((last, way)) = reached.into_iter().find(|(room, _)| self.spare[*room] > 0) else { return false };
        let moved = way.iter().map(|(group, room)| self.placed[*group][*room]);
        let count = moved.chain([self.unplaced[group], self.spare[last]]).min().unwrap_or(0);
        // Along the way each group takes `count` of the room that the group after it leaves.
        let mut giver = group;
        for (next, room) in &way {
            self.placed[giver][*room] += count;
            self.placed[*next][*room] -= count;
            giver = *next;
        }
        self.placed[giver][last] += count;
        self.unplaced[group] -= count;
        self.spare[last] -= count;
        true
    }

    /// The rooms that `group` can get into if others move on, each with the way there, nearest first, and the groups
    /// that would have to move.
    fn reach(&self, group: usize) -> (Vec<(usize, Way)>, Vec<usize>) {
        let (mut rooms, mut groups): (Vec<(usize, Way)>, _) = (vec![], vec![(group, Way::new())]);
        let mut looked_at = 0;
        while let Some((from, way)) = groups.get(looked_at).cloned() {
            looked_at += 1;
            for room in &self.open[from] {
                if rooms.iter().any(|(known, _)| known == room) {
                    continue;
                }
                rooms.push((*room, way.clone()));
                for other in 0..self.placed.len() {
                    let is_new = groups.iter().all(|(known, _)| *known != other);
                    if is_new && self.placed[other][*room] > 0 {
                        groups.push((other, [way.as_slice(), &[(other, *room)]].concat()));
                    }
                }
            }
        }
        (rooms, groups.into_iter().map(|(group, _)| group).collect())
    }

    /// After [`Flow::fill`], if somebody is unplaced: groups that are too many for the rooms that they share, and these.
    pub(super) fn bottleneck(&self) -> Option<(Vec<usize>, Vec<usize>)> {
        let group = self.unplaced.iter().position(|unplaced| *unplaced > 0)?;
        let (rooms, groups) = self.reach(group);
        Some((groups, rooms.into_iter().map(|(room, _)| room).collect()))
    }

    /// The first room that still expects one of `group`, which is expected no more.
    pub(super) fn next(&mut self, group: usize) -> usize {
        let room = self.placed[group].iter().position(|count| *count > 0).expect("everybody is placed");
        self.placed[group][room] -= 1;
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills rooms of `capacities`; `open` are the rooms of each group.
    fn filled(demands: &[u64], capacities: &[u64], open: &[&[usize]]) -> Flow {
        let mut flow = Flow::new(demands, capacities, |group, room| open[group].contains(&room));
        flow.fill(|_| Some(1.0));
        flow
    }

    #[test]
    fn a_group_is_spread_over_its_rooms() {
        let flow = filled(&[30, 10], &[100, 100, 100], &[&[0, 1, 2], &[1]]);
        assert_eq!(flow.placed, [[10, 10, 10], [0, 10, 0]]);
    }

    #[test]
    fn those_who_can_go_elsewhere_make_way() {
        let flow = filled(&[20, 20, 20], &[20, 20, 20], &[&[0, 1, 2], &[0, 1], &[0]]);
        assert_eq!(flow.bottleneck(), None);
        assert_eq!(flow.placed, [[0, 0, 20], [0, 20, 0], [20, 0, 0]]);
    }

    #[test]
    fn groups_that_are_too_many_for_their_rooms_are_named_with_these() {
        let flow = filled(&[5, 8, 5], &[10, 100], &[&[0], &[0], &[0, 1]]);
        assert_eq!(flow.bottleneck(), Some((vec![1, 0], vec![0])));
    }
}
