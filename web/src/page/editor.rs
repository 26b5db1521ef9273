//! Painting what of a picture is to be found.

use std::{cell::RefCell, rc::Rc};

use options::{Region, Words};
use web::{Mask, Pictures};
use web_sys::{Event, EventTarget, HtmlButtonElement, HtmlCanvasElement, HtmlInputElement};

use crate::{
    dom::{Result, by_id, on},
    focus,
    pad::{Pad, Touch},
    tile,
};

/// The inpainting panel.
pub struct Editor {
    state: Rc<RefCell<State>>,
    pad: Pad,
}

struct State {
    canvas: HtmlCanvasElement,
    /// The picture below the mask.
    picture: Pictures,
    mask: Mask,
    /// The region, as long as the mask is exactly that.
    region: Option<Region>,
    /// What was before, the newest last, and what was undone.
    past: Vec<(Mask, Option<Region>)>,
    future: Vec<(Mask, Option<Region>)>,
    cursor: Option<(usize, usize)>,
}

/// Steps that can be undone.
const MEMORY: usize = 100;

impl Editor {
    /// An editor without a picture; `changed` hears when another part is unknown.
    pub fn new(changed: impl Fn() + Clone + 'static) -> Result<Self> {
        let canvas: HtmlCanvasElement = by_id("mask")?;
        let state = Rc::new(RefCell::new(State {
            canvas: canvas.clone(),
            picture: Pictures::default(),
            mask: Mask::known(0),
            region: None,
            past: Vec::new(),
            future: Vec::new(),
            cursor: None,
        }));
        let (painted, hear) = (Rc::clone(&state), changed.clone());
        let pad = Pad::new(&canvas, move |touch| {
            painted.borrow_mut().touch(touch);
            hear();
        })?;
        let button = |id: &str, act: fn(&mut State)| -> Result<()> {
            let (state, hear) = (Rc::clone(&state), changed.clone());
            on(&by_id::<EventTarget>(id)?, "click", move |_: Event| {
                act(&mut state.borrow_mut());
                // The last step that can be undone or done again takes the focus from its button.
                let _ = focus::keep(&["#undo", "#redo"], || {
                    state.borrow().draw();
                    Ok(())
                });
                hear();
            })
        };
        button("undo", |state| {
            if let Some(before) = state.past.pop() {
                let now = std::mem::replace(&mut state.mask, before.0);
                state.future.push((now, std::mem::replace(&mut state.region, before.1)));
            }
        })?;
        button("redo", |state| {
            if let Some(after) = state.future.pop() {
                let now = std::mem::replace(&mut state.mask, after.0);
                state.past.push((now, std::mem::replace(&mut state.region, after.1)));
            }
        })?;
        button("invert", |state| {
            state.remember();
            state.region = None;
            state.mask.invert();
        })?;
        button("clear", |state| {
            state.remember();
            state.set_region(None);
        })?;
        for &region in Region::all() {
            let (state, hear) = (Rc::clone(&state), changed.clone());
            on(&by_id::<EventTarget>(&format!("mask-{}", region.word()))?, "click", move |_: Event| {
                state.borrow_mut().remember();
                state.borrow_mut().set_region(Some(region));
                state.borrow().draw();
                hear();
            })?;
        }
        state.borrow().draw();
        Ok(Self { state, pad })
    }

    /// Puts a picture below the mask. A mask of the same size is kept, else `region` becomes unknown.
    pub fn set_picture(&self, picture: Pictures, region: Option<Region>) {
        let mut state = self.state.borrow_mut();
        self.pad.set_side(picture.side);
        if state.mask.side() != picture.side {
            state.mask = Mask::known(picture.side);
            state.set_region(region);
            state.past.clear();
            state.future.clear();
        }
        state.picture = picture;
        state.draw();
    }

    /// Makes a region unknown.
    pub fn set_region(&self, region: Region) {
        let mut state = self.state.borrow_mut();
        state.remember();
        state.set_region(Some(region));
        state.draw();
    }

    /// Whether the visitor painted the mask: no address can say it.
    pub fn is_painted(&self) -> bool {
        let state = self.state.borrow();
        state.region.is_none() && !state.mask.is_empty()
    }

    /// What is unknown, and its name if it has one.
    pub fn mask(&self) -> (Mask, Option<Region>) {
        let state = self.state.borrow();
        (state.mask.clone(), state.region)
    }
}

impl State {
    fn touch(&mut self, touch: Touch) {
        match touch {
            Touch::Begin(at) => {
                self.remember();
                self.stroke(at, at);
            }
            Touch::Move(from, to) => self.stroke(from, to),
            Touch::Point(pixel) => self.cursor = pixel,
        }
        self.draw();
    }

    fn remember(&mut self) {
        self.future.clear();
        if self.past.len() == MEMORY {
            self.past.remove(0);
        }
        self.past.push((self.mask.clone(), self.region));
    }

    fn set_region(&mut self, region: Option<Region>) {
        let side = self.mask.side();
        self.region = region;
        self.mask = region.map_or_else(|| Mask::known(side), |region| Mask::region(side, region));
    }

    fn stroke(&mut self, from: (f32, f32), to: (f32, f32)) {
        let checked = |id| by_id::<HtmlInputElement>(id).is_ok_and(|input| input.checked());
        let width = by_id::<HtmlInputElement>("brush").map_or(3.0, |input| input.value_as_number());
        self.region = None;
        self.mask.stroke(from, to, width as f32 / 2.0, !checked("erase"));
    }

    fn draw(&self) {
        for (id, memory) in [("undo", &self.past), ("redo", &self.future)] {
            if let Ok(button) = by_id::<HtmlButtonElement>(id) {
                button.set_disabled(memory.is_empty());
            }
        }
        let mut rgba = self.picture.rgba(0);
        let side = self.mask.side();
        if rgba.len() != side * side * 4 {
            // Setting the size clears the canvas: there is no picture.
            self.canvas.set_width(self.canvas.width());
            return;
        }
        for (i, (pixel, &unknown)) in rgba.chunks_mut(4).zip(self.mask.unknown()).enumerate() {
            let (x, y) = (i % side, i / side);
            if unknown {
                // A fine chequer in a colour that no picture here has; the picture shines through.
                let strength = if (x + y) % 2 == 0 { 0.72 } else { 0.62 };
                for (value, tint) in pixel.iter_mut().zip([238.0, 106.0, 72.0]) {
                    *value = (f32::from(*value) * (1.0 - strength) + tint * strength) as u8;
                }
            }
            if self.cursor == Some((x, y)) {
                pixel[..3].copy_from_slice(&[255, 220, 0]);
            }
        }
        // Can fail only where the browser draws no canvas, which the stage reports.
        let _ = tile::draw(&self.canvas, side, &rgba);
    }
}
