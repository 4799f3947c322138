//! Walks through everything that a protocol can do, breadth first, so that the first trace found is a shortest one.
//!
//! Of our own, in a page: what is checked besides the states is that a good end stays within reach from every one of
//! them, which needs the whole graph walked backwards. The model checkers on crates.io do not answer that, and bring a
//! web server along.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt::{self, Display},
};

/// Something to explore.
pub(crate) trait Protocol {
    type State;
    type Event: Copy + Display;

    fn start(&self) -> Self::State;

    /// All that may happen next.
    fn events(&self, state: &Self::State) -> Vec<Self::Event>;

    /// What then is.
    ///
    /// # Errors
    /// What is wrong with it.
    fn step(&self, state: &Self::State, event: Self::Event) -> Result<Self::State, String>;

    /// Equal for states between which nothing that may happen makes a difference.
    fn fingerprint(&self, state: &Self::State) -> u64;

    /// True for what happens by itself sooner or later; false for mishaps and whims.
    fn is_progress(&self, event: Self::Event) -> bool;

    /// True where everything has come to a good end.
    fn is_settled(&self, state: &Self::State) -> bool;
}

/// How much was explored.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    pub(crate) settled: usize,
    /// Of the longest of the shortest ways to a state.
    pub(crate) depth: u32,
}

/// What went wrong, and how it came to that.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) what: String,
    pub(crate) trace: Vec<String>,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, event) in self.trace.iter().enumerate() {
            writeln!(f, "{:3}. {event}", at + 1)?;
        }
        write!(f, "then: {}", self.what)
    }
}

struct Node<E> {
    /// The state before, and what happened.
    from: Option<(u32, E)>,
    depth: u32,
}

/// What is known of the graph.
struct Graph<E> {
    nodes: Vec<Node<E>>,
    seen: HashMap<u64, u32>,
    /// Steps of progress.
    edges: Vec<(u32, u32)>,
    settled: Vec<u32>,
    steps: usize,
}

impl<E: Copy + Display> Graph<E> {
    fn new() -> Self {
        Self { nodes: Vec::new(), seen: HashMap::new(), edges: Vec::new(), settled: Vec::new(), steps: 0 }
    }

    /// The number of a state, and whether it is new.
    fn note(&mut self, fingerprint: u64, from: Option<(u32, E)>) -> (u32, bool) {
        match self.seen.entry(fingerprint) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(free) => {
                let id = *free.insert(self.nodes.len() as u32);
                let depth = from.map_or(0, |(before, _)| self.nodes[before as usize].depth + 1);
                self.nodes.push(Node { from, depth });
                (id, true)
            }
        }
    }

    fn violation(&self, what: String, at: u32, last: Option<E>) -> Violation {
        let mut trace: Vec<String> = last.iter().map(E::to_string).collect();
        let mut node = &self.nodes[at as usize];
        while let Some((before, event)) = node.from {
            trace.push(event.to_string());
            node = &self.nodes[before as usize];
        }
        trace.reverse();
        Violation { what, trace }
    }

    /// The first state from which no settled one can be reached by progress.
    fn first_stuck(&self) -> Option<u32> {
        let mut first = vec![0_u32; self.nodes.len() + 1];
        self.edges.iter().for_each(|(_, to)| first[*to as usize + 1] += 1);
        (1..first.len()).for_each(|at| first[at] += first[at - 1]);
        let (mut before, mut next) = (vec![0_u32; self.edges.len()], first.clone());
        for (from, to) in &self.edges {
            before[next[*to as usize] as usize] = *from;
            next[*to as usize] += 1;
        }
        let mut reaches = vec![false; self.nodes.len()];
        let mut queue = self.settled.clone();
        queue.iter().for_each(|id| reaches[*id as usize] = true);
        while let Some(id) = queue.pop() {
            for from in &before[first[id as usize] as usize..first[id as usize + 1] as usize] {
                if !std::mem::replace(&mut reaches[*from as usize], true) {
                    queue.push(*from);
                }
            }
        }
        reaches.iter().position(|reaches| !reaches).map(|id| id as u32)
    }
}

/// Explores all of `protocol`.
///
/// # Errors
/// The shortest way to a state that is wrong, or from which no good end can be reached.
pub(crate) fn explore<P: Protocol>(protocol: &P) -> Result<Explored, Violation> {
    let mut graph = Graph::new();
    let start = protocol.start();
    graph.note(protocol.fingerprint(&start), None);
    let mut queue = VecDeque::from([start]);
    let mut id = 0;
    while let Some(state) = queue.pop_front() {
        if protocol.is_settled(&state) {
            graph.settled.push(id);
        }
        for event in protocol.events(&state) {
            let next = protocol.step(&state, event).map_err(|what| graph.violation(what, id, Some(event)))?;
            graph.steps += 1;
            let (to, is_new) = graph.note(protocol.fingerprint(&next), Some((id, event)));
            if protocol.is_progress(event) && to != id {
                graph.edges.push((id, to));
            }
            if is_new {
                queue.push_back(next);
            }
        }
        id += 1;
    }
    if let Some(stuck) = graph.first_stuck() {
        return Err(graph.violation("no truthful settled state can be reached any more".to_owned(), stuck, None));
    }
    let depth = graph.nodes.iter().map(|node| node.depth).max().unwrap_or_default();
    Ok(Explored { states: graph.nodes.len(), steps: graph.steps, settled: graph.settled.len(), depth })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts by one or two; at `trap` it stays.
    struct Count {
        to: u32,
        trap: u32,
        never: u32,
    }

    impl Protocol for Count {
        type State = u32;
        type Event = u32;

        fn start(&self) -> u32 {
            0
        }
        fn events(&self, state: &u32) -> Vec<u32> {
            if *state == self.trap || *state >= self.to { Vec::new() } else { vec![1, 2] }
        }
        fn step(&self, state: &u32, event: u32) -> Result<u32, String> {
            let next = state + event;
            if next == self.never { Err(format!("{next} is reached")) } else { Ok(next) }
        }
        fn fingerprint(&self, state: &u32) -> u64 {
            u64::from(*state)
        }
        fn is_progress(&self, _: u32) -> bool {
            true
        }
        fn is_settled(&self, state: &u32) -> bool {
            *state >= self.to
        }
    }

    #[test]
    fn everything_is_visited_once() {
        let explored = explore(&Count { to: 5, trap: 99, never: 99 }).expect("nothing is wrong");
        assert_eq!((explored.states, explored.steps, explored.settled, explored.depth), (7, 10, 2, 3));
    }

    #[test]
    fn what_is_wrong_comes_with_the_shortest_way_to_it() {
        let violation = explore(&Count { to: 9, trap: 99, never: 4 }).expect_err("it goes wrong");
        assert_eq!(violation.trace, ["2", "2"]);
        assert_eq!(violation.what, "4 is reached");
    }

    #[test]
    fn a_dead_end_is_found() {
        let violation = explore(&Count { to: 9, trap: 3, never: 99 }).expect_err("it goes wrong");
        assert_eq!(violation.trace, ["1", "2"]);
    }
}
