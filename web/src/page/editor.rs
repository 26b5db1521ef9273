//! Painting what of a picture is to be found.

use std::{cell::RefCell, rc::Rc};

use options::{Region, Words};
use web::{Mask, Pictures};
use web_sys::{Event, EventTarget, HtmlButtonElement, HtmlCanvasElement, HtmlInputElement};

use crate::{
    dom::{Result, by_id, on},
    focus,
    pad::{Pad, Touch},
    painted::Painted,
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
    painted: Painted,
    cursor: Option<(usize, usize)>,
}

impl Editor {
    /// An editor without a picture; `changed` hears when another part is unknown.
    pub fn new(changed: impl Fn() + Clone + 'static) -> Result<Self> {
        let canvas: HtmlCanvasElement = by_id("mask")?;
        let state = Rc::new(RefCell::new(State {
            canvas: canvas.clone(),
            picture: Pictures::default(),
            painted: Painted::nothing(),
            cursor: None,
        }));
        let (painted, hear) = (Rc::clone(&state), changed.clone());
        let pad = Pad::new(&canvas, move |touch| {
            painted.borrow_mut().touch(touch);
            hear();
        })?;
        let button = |id: &str, act: fn(&mut Painted)| -> Result<()> {
            let (state, hear) = (Rc::clone(&state), changed.clone());
            on(&by_id::<EventTarget>(id)?, "click", move |_: Event| {
                act(&mut state.borrow_mut().painted);
                // The last step that can be undone or done again takes the focus from its button.
                let _ = focus::keep(&["#undo", "#redo"], || {
                    state.borrow().draw();
                    Ok(())
                });
                hear();
            })
        };
        button("undo", Painted::undo)?;
        button("redo", Painted::redo)?;
        button("invert", |painted| {
            painted.begin();
            painted.paint(Mask::invert);
        })?;
        button("clear", |painted| painted.choose(None))?;
        for &region in Region::all() {
            let (state, hear) = (Rc::clone(&state), changed.clone());
            on(&by_id::<EventTarget>(&format!("mask-{}", region.word()))?, "click", move |_: Event| {
                state.borrow_mut().painted.choose(Some(region));
                state.borrow().draw();
                hear();
            })?;
        }
        state.borrow().draw();
        Ok(Self { state, pad })
    }

    /// Puts a picture below the mask, which fits itself to it. Of the first picture, `region` becomes unknown.
    pub fn set_picture(&self, picture: Pictures, region: Option<Region>) {
        let mut state = self.state.borrow_mut();
        self.pad.set_side(picture.side);
        state.painted.fit(picture.side, region);
        state.picture = picture;
        state.draw();
    }

    /// Makes a region unknown.
    pub fn set_region(&self, region: Region) {
        let mut state = self.state.borrow_mut();
        state.painted.choose(Some(region));
        state.draw();
    }

    /// Whether the visitor painted the mask: no address can say it.
    pub fn is_painted(&self) -> bool {
        self.state.borrow().painted.is_by_hand()
    }

    /// What is unknown, and its name if it has one.
    pub fn mask(&self) -> (Mask, Option<Region>) {
        let painted = &self.state.borrow().painted;
        (painted.mask().clone(), painted.region())
    }
}

impl State {
    fn touch(&mut self, touch: Touch) {
        match touch {
            Touch::Begin(at) => {
                self.painted.begin();
                self.stroke(at, at);
            }
            Touch::Move(from, to) => self.stroke(from, to),
            Touch::Point(pixel) => self.cursor = pixel,
        }
        self.draw();
    }

    fn stroke(&mut self, from: (f32, f32), to: (f32, f32)) {
        let checked = |id| by_id::<HtmlInputElement>(id).is_ok_and(|input| input.checked());
        let width = by_id::<HtmlInputElement>("brush").map_or(3.0, |input| input.value_as_number());
        self.painted.paint(|mask| mask.stroke(from, to, width as f32 / 2.0, !checked("erase")));
    }

    fn draw(&self) {
        for (id, can) in [("undo", self.painted.can_undo()), ("redo", self.painted.can_redo())] {
            if let Ok(button) = by_id::<HtmlButtonElement>(id) {
                button.set_disabled(!can);
            }
        }
        let (mut rgba, mask) = (self.picture.rgba(0), self.painted.mask());
        let side = mask.side();
        if rgba.len() != side * side * 4 {
            // Setting the size clears the canvas: there is no picture.
            self.canvas.set_width(self.canvas.width());
            return;
        }
        for (i, (pixel, &unknown)) in rgba.chunks_mut(4).zip(mask.unknown()).enumerate() {
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
