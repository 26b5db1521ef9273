//! A canvas to paint on, with the pointer or with the keyboard.

use std::{cell::RefCell, rc::Rc};

use web_sys::{Event, HtmlCanvasElement, KeyboardEvent, PointerEvent};

use crate::dom::{Result, on};

/// What somebody does on a pad. Points are in pixels of the picture.
pub enum Touch {
    /// A new stroke begins here.
    Begin((f32, f32)),
    /// The stroke goes on, from here to there.
    Move((f32, f32), (f32, f32)),
    /// The keyboard points at a pixel, or no longer.
    Point(Option<(usize, usize)>),
}

struct State {
    side: usize,
    /// The pointer that draws, and where it was last, while it is down. Others, such as a second finger, do not draw.
    pen: Option<(i32, (f32, f32))>,
    /// The pixel that the keyboard points at, while the canvas has the focus.
    cursor: Option<(usize, usize)>,
}

/// A pad of so many pixels; clones are the same pad.
#[derive(Clone)]
pub struct Pad(Rc<RefCell<State>>);

impl Pad {
    /// Has `touched` hear what is done on the canvas.
    pub fn new(canvas: &HtmlCanvasElement, touched: impl Fn(Touch) + Clone + 'static) -> Result<Self> {
        let pad = Self(Rc::new(RefCell::new(State { side: 1, pen: None, cursor: None })));
        pad.listen_to_pen(canvas, touched.clone())?;
        pad.listen_to_keys(canvas, touched)?;
        Ok(pad)
    }

    /// The picture's side.
    pub fn set_side(&self, side: usize) {
        self.0.borrow_mut().side = side;
    }

    fn listen_to_pen(&self, canvas: &HtmlCanvasElement, touched: impl Fn(Touch) + Clone + 'static) -> Result<()> {
        let (state, on_canvas, hear) = (Rc::clone(&self.0), canvas.clone(), touched.clone());
        on(canvas, "pointerdown", move |event: PointerEvent| {
            if event.button() == 0 && state.borrow().pen.is_none() {
                // Fails only if the pointer has gone by now.
                let _ = on_canvas.set_pointer_capture(event.pointer_id());
                let at = point(&on_canvas, state.borrow().side, &event);
                let mut state = state.borrow_mut();
                (state.pen, state.cursor) = (Some((event.pointer_id(), at)), None);
                drop(state);
                hear(Touch::Point(None));
                hear(Touch::Begin(at));
            }
        })?;
        let (state, on_canvas) = (Rc::clone(&self.0), canvas.clone());
        on(canvas, "pointermove", move |event: PointerEvent| {
            let to = point(&on_canvas, state.borrow().side, &event);
            let pen = state.borrow().pen;
            if let Some((pointer, from)) = pen.filter(|(pointer, _)| *pointer == event.pointer_id()) {
                state.borrow_mut().pen = Some((pointer, to));
                touched(Touch::Move(from, to));
            }
        })?;
        for end in ["pointerup", "pointercancel"] {
            let state = Rc::clone(&self.0);
            on(canvas, end, move |event: PointerEvent| {
                let mut state = state.borrow_mut();
                state.pen = state.pen.filter(|(pointer, _)| *pointer != event.pointer_id());
            })?;
        }
        Ok(())
    }

    fn listen_to_keys(&self, canvas: &HtmlCanvasElement, touched: impl Fn(Touch) + Clone + 'static) -> Result<()> {
        let (state, hear, on_canvas) = (Rc::clone(&self.0), touched.clone(), canvas.clone());
        on(canvas, "keydown", move |event: KeyboardEvent| {
            // The style sheet keeps the pointer away.
            if on_canvas.matches(":disabled *").unwrap_or(false) {
                return;
            }
            let last = state.borrow().side.saturating_sub(1);
            let (x, y) = state.borrow().cursor.unwrap_or((last / 2, last / 2));
            let to = match event.key().as_str() {
                "ArrowLeft" => (x.saturating_sub(1), y),
                "ArrowRight" => ((x + 1).min(last), y),
                "ArrowUp" => (x, y.saturating_sub(1)),
                "ArrowDown" => (x, (y + 1).min(last)),
                " " => (x, y),
                _ => return,
            };
            event.prevent_default();
            state.borrow_mut().cursor = Some(to);
            hear(Touch::Point(Some(to)));
            if event.key() == " " || event.shift_key() {
                hear(Touch::Begin((to.0 as f32 + 0.5, to.1 as f32 + 0.5)));
            }
        })?;
        let state = Rc::clone(&self.0);
        on(canvas, "blur", move |_: Event| {
            state.borrow_mut().cursor = None;
            touched(Touch::Point(None));
        })
    }
}

/// Where a pointer is, in pixels of a picture that fills the canvas.
fn point(canvas: &HtmlCanvasElement, side: usize, event: &PointerEvent) -> (f32, f32) {
    let area = canvas.get_bounding_client_rect();
    let scale = side as f64 / area.width().max(1.0);
    let (x, y) = (f64::from(event.client_x()) - area.left(), f64::from(event.client_y()) - area.top());
    ((x * scale) as f32, (y * scale) as f32)
}
