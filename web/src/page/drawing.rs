//! A drawing of one's own.

use std::{cell::RefCell, rc::Rc};

use web::{Pictures, stroke};
use web_sys::{Event, EventTarget, HtmlCanvasElement, HtmlInputElement};

use crate::{
    dom::{Result, by_id, on},
    pad::{Pad, Touch},
    tile,
};

/// The panel to draw in.
pub struct Drawing {
    state: Rc<RefCell<State>>,
    pad: Pad,
}

struct State {
    canvas: HtmlCanvasElement,
    /// One picture, in colour; fitted to the model when it is used.
    picture: Pictures,
    cursor: Option<(usize, usize)>,
}

impl Drawing {
    /// An empty panel; `done` gets the drawing.
    pub fn new(done: impl Fn(Pictures) + 'static) -> Result<Self> {
        let canvas: HtmlCanvasElement = by_id("drawing")?;
        let state = State { canvas: canvas.clone(), picture: Pictures::default(), cursor: None };
        let state = Rc::new(RefCell::new(state));
        let drawn = Rc::clone(&state);
        let pad = Pad::new(&canvas, move |touch| drawn.borrow_mut().touch(touch))?;
        let cleared = Rc::clone(&state);
        on(&by_id::<EventTarget>("drawing-clear")?, "click", move |_: Event| {
            let mut state = cleared.borrow_mut();
            state.picture.values.fill(0.0);
            state.draw();
        })?;
        let used = Rc::clone(&state);
        on(&by_id::<EventTarget>("drawing-use")?, "click", move |_: Event| {
            let picture = used.borrow().picture.clone();
            done(picture);
        })?;
        Ok(Self { state, pad })
    }

    /// Gives the drawing, a black one at first, this side.
    pub fn set_side(&self, side: usize) {
        let mut state = self.state.borrow_mut();
        if state.picture.side != side {
            self.pad.set_side(side);
            state.picture = match &state.picture {
                drawn if drawn.count() > 0 => drawn.fitted(side, 3),
                _ => Pictures { side, channels: 3, values: vec![0.0; side * side * 3] },
            };
        }
        state.draw();
    }

    /// Whether something is drawn.
    pub fn is_drawn(&self) -> bool {
        self.state.borrow().picture.values.iter().any(|&value| value > 0.0)
    }
}

impl State {
    fn touch(&mut self, touch: Touch) {
        match touch {
            Touch::Begin(at) => self.stroke(at, at),
            Touch::Move(from, to) => self.stroke(from, to),
            Touch::Point(pixel) => self.cursor = pixel,
        }
        self.draw();
    }

    fn stroke(&mut self, from: (f32, f32), to: (f32, f32)) {
        let width = by_id::<HtmlInputElement>("pen-size").map_or(3.0, |input| input.value_as_number());
        // A colour field always has the form #rrggbb.
        let text = by_id::<HtmlInputElement>("pen").map_or_else(|_| "#ffffff".to_owned(), |input| input.value());
        let number = u32::from_str_radix(text.trim_start_matches('#'), 16).unwrap_or(0xFF_FFFF);
        let ink = [16, 8, 0].map(|shift| f32::from((number >> shift) as u8) / 255.0);
        for pixel in stroke(self.picture.side, from, to, width as f32 / 2.0) {
            self.picture.values[3 * pixel..3 * pixel + 3].copy_from_slice(&ink);
        }
    }

    fn draw(&self) {
        let mut rgba = self.picture.rgba(0);
        if let Some((x, y)) = self.cursor {
            let at = 4 * (y * self.picture.side + x);
            if let Some(pixel) = rgba.get_mut(at..at + 3) {
                pixel.copy_from_slice(&[255, 220, 0]);
            }
        }
        // Can fail only where the browser draws no canvas, which the stage reports.
        let _ = tile::draw(&self.canvas, self.picture.side, &rgba);
    }
}
