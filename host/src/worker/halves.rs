//! Batches that are halved where they fail, until the item at fault is alone.

use std::collections::VecDeque;

/// Batches that wait for their turn. The halves of a batch that failed go to the end, so
/// that items without a fault wait for as few failures as possible.
pub(super) struct Halves<T>(VecDeque<Vec<T>>);

impl<T> Halves<T> {
    /// One batch; none if it is empty.
    pub(super) fn of(items: Vec<T>) -> Self {
        let mut halves = Self(VecDeque::new());
        halves.again(items);
        halves
    }

    /// The next batch, which is not empty.
    pub(super) fn next(&mut self) -> Option<Vec<T>> {
        self.0.pop_front()
    }

    /// Puts a batch to the end, whole.
    pub(super) fn again(&mut self, batch: Vec<T>) {
        if !batch.is_empty() {
            self.0.push_back(batch);
        }
    }

    /// Puts the halves of a batch that failed to the end. An item that failed alone comes
    /// back.
    pub(super) fn halve(&mut self, mut batch: Vec<T>) -> Option<T> {
        if batch.len() <= 1 {
            return batch.pop();
        }
        let second = batch.split_off(batch.len() / 2);
        self.again(batch);
        self.again(second);
        None
    }

    /// Everything that still waits.
    pub(super) fn rest(self) -> impl Iterator<Item = T> {
        self.0.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_items_at_fault_end_alone_and_the_others_wait_for_few_failures() {
        let faulty = |item: &u32| *item == 37 || *item == 90;
        let (mut halves, mut alone, mut done) = (Halves::of((0..100).collect()), vec![], vec![]);
        let mut failures = 0;
        while let Some(batch) = halves.next() {
            if batch.iter().any(faulty) {
                failures += 1;
                alone.extend(halves.halve(batch));
            } else {
                done.extend(batch.into_iter().map(|item| (item, failures)));
            }
        }
        alone.sort_unstable();
        assert_eq!(alone, [37, 90]);
        assert_eq!(done.len(), 98);
        assert!(failures <= 2 * 8, "{failures}");
        let early = done.iter().filter(|(_, failures)| *failures <= 5);
        assert!(early.count() >= 50, "{done:?}");
    }
}
