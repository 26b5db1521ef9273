//! What of a picture is to be found, with the strokes that led to it.

use options::Region;
use web::Mask;

/// A mask, and what it was before.
pub struct Painted {
    now: Step,
    /// What was before, the newest last, and what was undone.
    past: Vec<Step>,
    future: Vec<Step>,
}

#[derive(Clone)]
struct Step {
    mask: Mask,
    /// The region, as long as the mask is exactly that.
    region: Option<Region>,
}

impl Step {
    fn new(side: usize, region: Option<Region>) -> Self {
        let mask = region.map_or_else(|| Mask::known(side), |region| Mask::region(side, region));
        Self { mask, region }
    }

    fn fit(&mut self, side: usize) {
        self.mask = self.region.map_or_else(|| self.mask.fitted(side), |region| Mask::region(side, region));
    }
}

/// Steps that can be undone.
const MEMORY: usize = 100;

impl Painted {
    /// Before there is a picture.
    pub fn nothing() -> Self {
        Self { now: Step::new(0, None), past: Vec::new(), future: Vec::new() }
    }

    /// What is unknown.
    pub fn mask(&self) -> &Mask {
        &self.now.mask
    }

    /// Its name, if it has one.
    pub fn region(&self) -> Option<Region> {
        self.now.region
    }

    /// Whether the visitor painted it: no address can say it.
    pub fn is_by_hand(&self) -> bool {
        self.now.region.is_none() && !self.now.mask.is_empty()
    }

    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Fits everything to pictures of this side. The first of them has `region` unknown.
    pub fn fit(&mut self, side: usize, region: Option<Region>) {
        if self.now.mask.side() == 0 {
            self.now = Step::new(side, region);
        } else if self.now.mask.side() != side {
            self.past.iter_mut().chain(&mut self.future).chain([&mut self.now]).for_each(|step| step.fit(side));
        }
    }

    /// Makes a region unknown, or nothing, in a step of its own.
    pub fn choose(&mut self, region: Option<Region>) {
        self.begin();
        self.now = Step::new(self.now.mask.side(), region);
    }

    /// Begins a step, which can be undone.
    pub fn begin(&mut self) {
        self.future.clear();
        if self.past.len() == MEMORY {
            self.past.remove(0);
        }
        self.past.push(self.now.clone());
    }

    /// Paints in the step that has begun.
    pub fn paint(&mut self, paint: impl FnOnce(&mut Mask)) {
        self.now.region = None;
        paint(&mut self.now.mask);
    }

    pub fn undo(&mut self) {
        if let Some(before) = self.past.pop() {
            self.future.push(std::mem::replace(&mut self.now, before));
        }
    }

    pub fn redo(&mut self) {
        if let Some(after) = self.future.pop() {
            self.past.push(std::mem::replace(&mut self.now, after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_painted_is_there_for_a_model_of_another_side() {
        let mut painted = Painted::nothing();
        painted.fit(4, Some(Region::Left));
        assert_eq!((painted.region(), painted.is_by_hand()), (Some(Region::Left), false));
        painted.begin();
        painted.paint(|mask| mask.stroke((3.5, 3.5), (3.5, 3.5), 0.6, true));
        let by_hand = painted.mask().clone();
        painted.fit(8, Some(Region::Right));
        assert_eq!(painted.mask(), &by_hand.fitted(8));
        assert!(painted.is_by_hand());
        painted.undo();
        assert_eq!((painted.mask(), painted.region()), (&Mask::region(8, Region::Left), Some(Region::Left)));
        painted.fit(5, None);
        assert_eq!(painted.mask(), &Mask::region(5, Region::Left), "a region is that of the side");
        painted.redo();
        assert!(painted.is_by_hand() && painted.mask().side() == 5 && !painted.can_redo());
    }

    #[test]
    fn the_last_steps_can_be_undone() {
        let mut painted = Painted::nothing();
        painted.fit(2, None);
        for _ in 0..2 * MEMORY {
            painted.begin();
            painted.paint(Mask::invert);
        }
        let mut undone = 0;
        while painted.can_undo() {
            painted.undo();
            undone += 1;
        }
        assert_eq!((undone, painted.can_redo()), (MEMORY, true));
        painted.choose(Some(Region::Top));
        assert!(!painted.can_redo(), "what was undone has gone");
    }
}
