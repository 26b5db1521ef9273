//! Choosing a picture and painting what of it is to be found.

use std::{cell::RefCell, rc::Rc};

use web::{Mask, Pictures, Region};
use web_sys::{Element, HtmlButtonElement, HtmlCanvasElement, HtmlInputElement, KeyboardEvent, PointerEvent};

use crate::{
    dom::{Result, by_id, create, on, refill},
    tile,
};

/// The inpainting panel; clones are the same panel.
#[derive(Clone)]
pub struct Editor(Rc<RefCell<State>>);

struct State {
    canvas: HtmlCanvasElement,
    pictures: Pictures,
    chosen: usize,
    mask: Mask,
    /// The region, as long as the mask is exactly that.
    region: Option<Region>,
    /// Where the pen was last, while it is down.
    pen: Option<(f32, f32)>,
    /// The pixel that the keyboard points at, while the canvas has the focus.
    cursor: Option<(usize, usize)>,
}

impl Editor {
    pub fn new() -> Result<Self> {
        let editor = Self(Rc::new(RefCell::new(State {
            canvas: by_id("mask")?,
            pictures: Pictures::default(),
            chosen: 0,
            mask: Mask::known(0),
            region: None,
            pen: None,
            cursor: None,
        })));
        editor.listen_to_buttons()?;
        editor.listen_to_pen()?;
        editor.listen_to_keys()?;
        Ok(editor)
    }

    /// Offers these pictures. A mask of the same size is kept, else `region` becomes unknown.
    pub fn set_pictures(&self, pictures: Pictures, chosen: usize, region: Option<Region>) -> Result<()> {
        let mut choices: Vec<Element> = Vec::new();
        for index in 0..pictures.count() {
            let label: Element = create("label", "")?;
            let radio: HtmlInputElement = create("input", "")?;
            radio.set_type("radio");
            radio.set_name("picture");
            radio.set_checked(index == chosen);
            radio.set_attribute("aria-label", &format!("Picture {}", index + 1))?;
            let canvas: HtmlCanvasElement = create("canvas", "")?;
            tile::draw(&canvas, pictures.side, &pictures.rgba(index))?;
            label.append_child(&radio)?;
            label.append_child(&canvas)?;
            self.on(&radio, "change", move |state, _: web_sys::Event| state.chosen = index)?;
            choices.push(label);
        }
        refill(&by_id::<Element>("pictures")?, choices)?;
        let mut state = self.0.borrow_mut();
        if state.mask.side() != pictures.side {
            state.set_region(pictures.side, region);
        }
        state.pictures = pictures;
        state.chosen = chosen;
        state.draw()
    }

    /// How many pictures are offered.
    pub fn count(&self) -> usize {
        self.0.borrow().pictures.count()
    }

    /// The number of the chosen picture.
    pub fn chosen(&self) -> usize {
        self.0.borrow().chosen
    }

    /// What is unknown, and its name if it has one.
    pub fn mask(&self) -> (Mask, Option<Region>) {
        let state = self.0.borrow();
        (state.mask.clone(), state.region)
    }

    /// Handles an event of a target, then draws.
    fn on<E: wasm_bindgen::JsCast>(
        &self,
        target: &web_sys::EventTarget,
        kind: &str,
        mut handle: impl FnMut(&mut State, E) + 'static,
    ) -> Result<()> {
        let state = Rc::clone(&self.0);
        on(target, kind, move |event: E| {
            let mut state = state.borrow_mut();
            handle(&mut state, event);
            // Can fail only where the browser draws no canvas, which the stage reports.
            let _ = state.draw();
        })
    }

    fn listen_to_buttons(&self) -> Result<()> {
        for (region, name) in Region::ALL {
            let button: HtmlButtonElement = by_id(&format!("mask-{name}"))?;
            self.on(&button, "click", move |state, _: web_sys::Event| {
                state.set_region(state.mask.side(), Some(region));
            })?;
        }
        let clear: HtmlButtonElement = by_id("clear")?;
        self.on(&clear, "click", |state, _: web_sys::Event| state.set_region(state.mask.side(), None))
    }

    fn listen_to_pen(&self) -> Result<()> {
        let canvas: HtmlCanvasElement = by_id("mask")?;
        self.on(&canvas, "pointerdown", |state, event: PointerEvent| {
            if event.button() == 0 {
                // Fails only if the pointer has gone by now.
                let _ = state.canvas.set_pointer_capture(event.pointer_id());
                let at = state.point(&event);
                state.pen = Some(at);
                state.cursor = None;
                state.stroke(at, at);
            }
        })?;
        self.on(&canvas, "pointermove", |state, event: PointerEvent| {
            if let Some(from) = state.pen {
                let to = state.point(&event);
                state.pen = Some(to);
                state.stroke(from, to);
            }
        })?;
        for end in ["pointerup", "pointercancel"] {
            self.on(&canvas, end, |state, _: PointerEvent| state.pen = None)?;
        }
        Ok(())
    }

    fn listen_to_keys(&self) -> Result<()> {
        let canvas: HtmlCanvasElement = by_id("mask")?;
        self.on(&canvas, "keydown", |state, event: KeyboardEvent| {
            let last = state.mask.side().saturating_sub(1);
            let (x, y) = state.cursor.unwrap_or((last / 2, last / 2));
            let to = match event.key().as_str() {
                "ArrowLeft" => (x.saturating_sub(1), y),
                "ArrowRight" => ((x + 1).min(last), y),
                "ArrowUp" => (x, y.saturating_sub(1)),
                "ArrowDown" => (x, (y + 1).min(last)),
                " " => (x, y),
                _ => return,
            };
            event.prevent_default();
            state.cursor = Some(to);
            if event.key() == " " || event.shift_key() {
                let middle = (to.0 as f32 + 0.5, to.1 as f32 + 0.5);
                state.stroke(middle, middle);
            }
        })?;
        self.on(&canvas, "blur", |state, _: web_sys::Event| state.cursor = None)
    }
}

impl State {
    fn set_region(&mut self, side: usize, region: Option<Region>) {
        self.region = region;
        self.mask = region.map_or_else(|| Mask::known(side), |region| Mask::region(side, region));
    }

    /// Where a pointer is, in pixels of the picture.
    fn point(&self, event: &PointerEvent) -> (f32, f32) {
        let area = self.canvas.get_bounding_client_rect();
        let scale = self.mask.side() as f64 / area.width().max(1.0);
        let (x, y) = (f64::from(event.client_x()) - area.left(), f64::from(event.client_y()) - area.top());
        ((x * scale) as f32, (y * scale) as f32)
    }

    fn stroke(&mut self, from: (f32, f32), to: (f32, f32)) {
        let checked = |id| by_id::<HtmlInputElement>(id).is_ok_and(|input| input.checked());
        let width = by_id::<HtmlInputElement>("brush").map_or(3.0, |input| input.value_as_number());
        self.region = None;
        self.mask.stroke(from, to, width as f32 / 2.0, !checked("erase"));
    }

    fn draw(&self) -> Result<()> {
        let mut rgba = self.pictures.rgba(self.chosen);
        let side = self.mask.side();
        if rgba.len() != side * side * 4 {
            return Ok(());
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
        tile::draw(&self.canvas, side, &rgba)
    }
}
