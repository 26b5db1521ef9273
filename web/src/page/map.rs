//! A map of the energy over the plane through three pictures.

use web::{Pictures, Plane, contour, texts};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::{
    dom::{Result, by_id, create, pen, rewrite},
    heat,
    numbers::{compressed, short},
    tile,
};

/// Points of the map across and down.
const WIDTH: usize = 41;
const HEIGHT: usize = 31;
/// Heights at which a line is drawn.
const CONTOURS: usize = 10;

/// The map, as far as it has come.
#[derive(Default)]
pub struct Map {
    /// Tells this map's rows from those of another.
    number: u32,
    plane: Option<Plane>,
    /// Middle of the map, and plane units between its points.
    middle: [f32; 2],
    step: f32,
    rows: Vec<Option<Vec<f32>>>,
    /// Where each chain has been.
    paths: Vec<Vec<[f32; 2]>>,
    side: usize,
    channels: usize,
    /// The point that is looked at.
    point: Option<(usize, usize)>,
}

impl Map {
    /// Begins a map; without a plane, where the pictures are on one line. What was seen of another map goes.
    pub fn begin(&mut self, corners: [&[f32]; 3], side: usize, channels: usize) -> Result<()> {
        self.set(corners, side, channels);
        self.draw()?;
        tile::clear(&by_id("map-picture")?)?;
        rewrite("map-reading", if self.has_plane() { texts::map_hint() } else { texts::no_plane() })
    }

    /// Whether the pictures make a plane.
    pub fn has_plane(&self) -> bool {
        self.plane.is_some()
    }

    fn set(&mut self, corners: [&[f32]; 3], side: usize, channels: usize) {
        self.number += 1;
        self.rows = vec![None; HEIGHT];
        self.paths.clear();
        self.point = None;
        (self.side, self.channels) = (side, channels);
        self.plane = Plane::through(corners[0], corners[1], corners[2]);
        let Some(plane) = &self.plane else { return };
        // All corners with some room around them.
        let range = |axis: usize| {
            let values = plane.corners.map(|corner| corner[axis]);
            values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)))
        };
        let ((left, right), (bottom, top)) = (range(0), range(1));
        self.middle = [(left + right) / 2.0, (bottom + top) / 2.0];
        let room = 1.6;
        self.step = ((right - left) / (WIDTH - 1) as f32).max((top - bottom) / (HEIGHT - 1) as f32) * room;
    }

    /// The number of the map and the row that is to come next, with its pictures: coarse first, then between.
    pub fn next_row(&self) -> Option<(u32, usize, Vec<f32>)> {
        let plane = self.plane.as_ref()?;
        let order = [8, 4, 2, 1].into_iter().flat_map(|stride| (0..HEIGHT).step_by(stride));
        let row = order.into_iter().find(|&row| self.rows[row].is_none())?;
        let pictures = (0..WIDTH).flat_map(|column| plane.picture(self.place(column as f32, row as f32)));
        Some((self.number, row, pictures.collect()))
    }

    /// How many rows have come, and of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.rows.iter().flatten().count(), HEIGHT)
    }

    /// Takes a row in, if it belongs here.
    pub fn take(&mut self, number: u32, row: usize, energies: Vec<f32>) -> Result<()> {
        if number == self.number && energies.len() == WIDTH && row < HEIGHT {
            self.rows[row] = Some(energies);
            self.draw()?;
            if self.point.is_some_and(|(_, y)| y == row) {
                self.show_point()?;
            }
        }
        Ok(())
    }

    /// Six places spread over the map, for chains to start from.
    pub fn starts(&self) -> Vec<f32> {
        let Some(plane) = &self.plane else { return Vec::new() };
        let places = [0.25, 0.75].into_iter().flat_map(|y| [0.2, 0.5, 0.8].map(|x| (x, y)));
        places.flat_map(|(x, y)| plane.picture(self.place(x * (WIDTH - 1) as f32, y * (HEIGHT - 1) as f32))).collect()
    }

    /// Forgets where chains were.
    pub fn clear_paths(&mut self) {
        self.paths.clear();
    }

    /// Notes where chains are.
    pub fn walk(&mut self, pictures: &Pictures) -> Result<()> {
        let Some(plane) = &self.plane else { return Ok(()) };
        self.paths.resize(pictures.count(), Vec::new());
        for (index, path) in self.paths.iter_mut().enumerate() {
            path.push(plane.project(pictures.picture(index)));
        }
        self.draw()
    }

    /// Looks at a place of the canvas, in parts of its width and height.
    pub fn point_at(&mut self, across: f64, down: f64) -> Result<()> {
        let index = |part: f64, count: usize| ((part * count as f64) as usize).min(count - 1);
        self.point = Some((index(across, WIDTH), index(down, HEIGHT)));
        self.draw()?;
        self.show_point()
    }

    /// Looks at a neighbour of the point.
    pub fn move_point(&mut self, across: isize, down: isize) -> Result<()> {
        let (x, y) = self.point.unwrap_or((WIDTH / 2, HEIGHT / 2));
        let moved = (x.saturating_add_signed(across).min(WIDTH - 1), y.saturating_add_signed(down).min(HEIGHT - 1));
        self.point = Some(moved);
        self.draw()?;
        self.show_point()
    }

    fn show_point(&self) -> Result<()> {
        let (Some((x, y)), Some(plane)) = (self.point, &self.plane) else { return Ok(()) };
        let values = plane.picture(self.place(x as f32, y as f32));
        let picture = Pictures { side: self.side, channels: self.channels, values };
        tile::draw_picture(&by_id::<HtmlCanvasElement>("map-picture")?, &picture, 0)?;
        match &self.rows[y] {
            Some(row) => rewrite("map-reading", &texts::energy_at(short(row[x]))),
            None => rewrite("map-reading", texts::not_computed()),
        }
    }

    /// The point of the plane at a column and a row of the map.
    fn place(&self, column: f32, row: f32) -> [f32; 2] {
        let (x, y) = (column - (WIDTH - 1) as f32 / 2.0, (HEIGHT - 1) as f32 / 2.0 - row);
        [self.middle[0] + x * self.step, self.middle[1] + y * self.step]
    }

    /// Draws the map as far as it has come.
    pub fn draw(&self) -> Result<()> {
        let canvas: HtmlCanvasElement = by_id("map")?;
        let pen = pen(&canvas)?;
        let (width, height) = (f64::from(canvas.width()), f64::from(canvas.height()));
        pen.clear_rect(0.0, 0.0, width, height);
        // A row that is missing looks like the nearest above it.
        let mut values: Vec<f32> = Vec::with_capacity(WIDTH * HEIGHT);
        let mut last: Option<&Vec<f32>> = None;
        for row in &self.rows {
            last = row.as_ref().or(last);
            let Some(row) = last else { return Ok(()) };
            values.extend(row.iter().map(|&energy| compressed(energy)));
        }
        if values.is_empty() {
            return Ok(());
        }
        self.draw_heat(&pen, &values, width, height)?;
        let cell = (width / WIDTH as f64, height / HEIGHT as f64);
        let at = |x: f32, y: f32| ((f64::from(x) + 0.5) * cell.0, (f64::from(y) + 0.5) * cell.1);
        if self.rows.iter().all(Option::is_some) {
            let (low, high) = heat::range(&values);
            pen.set_stroke_style_str("rgba(255, 255, 255, 0.45)");
            pen.set_line_width(1.0);
            pen.begin_path();
            for line in 1..=CONTOURS {
                let level = low + (high - low) * line as f32 / (CONTOURS + 1) as f32;
                for [(x0, y0), (x1, y1)] in contour(&values, WIDTH, level) {
                    let ((x0, y0), (x1, y1)) = (at(x0, y0), at(x1, y1));
                    pen.move_to(x0, y0);
                    pen.line_to(x1, y1);
                }
            }
            pen.stroke();
            let lowest = values
                .iter()
                .enumerate()
                .fold((0, f32::MAX), |best, (index, &value)| if value < best.1 { (index, value) } else { best });
            let (x, y) = at((lowest.0 % WIDTH) as f32, (lowest.0 / WIDTH) as f32);
            pen.set_stroke_style_str("#ffffff");
            pen.set_line_width(2.5);
            pen.begin_path();
            // Round the disc of a corner that is there, too.
            pen.arc(x, y, 17.0, 0.0, std::f64::consts::TAU)?;
            pen.stroke();
        }
        self.draw_marks(&pen, cell)
    }

    fn draw_heat(&self, pen: &CanvasRenderingContext2d, values: &[f32], width: f64, height: f64) -> Result<()> {
        let small: HtmlCanvasElement = create("canvas", "")?;
        small.set_width(WIDTH as u32);
        small.set_height(HEIGHT as u32);
        let rgba = heat::colours(values);
        let image =
            ImageData::new_with_u8_clamped_array_and_sh(wasm_bindgen::Clamped(&rgba), WIDTH as u32, HEIGHT as u32)?;
        crate::dom::pen(&small)?.put_image_data(&image, 0.0, 0.0)?;
        pen.set_image_smoothing_enabled(true);
        pen.draw_image_with_html_canvas_element_and_dw_and_dh(&small, 0.0, 0.0, width, height)
    }

    /// Corners, paths and the point that is looked at.
    fn draw_marks(&self, pen: &CanvasRenderingContext2d, cell: (f64, f64)) -> Result<()> {
        let Some(plane) = &self.plane else { return Ok(()) };
        let at = |[x, y]: [f32; 2]| {
            let column = (x - self.middle[0]) / self.step + (WIDTH - 1) as f32 / 2.0;
            let row = (HEIGHT - 1) as f32 / 2.0 - (y - self.middle[1]) / self.step;
            ((f64::from(column) + 0.5) * cell.0, (f64::from(row) + 0.5) * cell.1)
        };
        let dot = |(x, y): (f64, f64), radius: f64, colour: &str| {
            pen.set_fill_style_str(colour);
            pen.begin_path();
            pen.arc(x, y, radius, 0.0, std::f64::consts::TAU)?;
            pen.fill();
            Ok::<(), wasm_bindgen::JsValue>(())
        };
        pen.set_line_width(2.0);
        for path in &self.paths {
            pen.set_stroke_style_str("rgba(255, 255, 255, 0.85)");
            pen.begin_path();
            for &place in path {
                let (x, y) = at(place);
                pen.line_to(x, y);
            }
            pen.stroke();
            if let Some(&end) = path.last() {
                dot(at(end), 5.0, "#ffffff")?;
            }
        }
        pen.set_font("600 13px system-ui, sans-serif");
        pen.set_text_align("center");
        pen.set_text_baseline("middle");
        for (corner, name) in plane.corners.into_iter().zip(["A", "B", "C"]) {
            let (x, y) = at(corner);
            dot((x, y), 11.0, "#fffdf8")?;
            pen.set_fill_style_str("#1d1c1a");
            pen.fill_text(name, x, y + 0.5)?;
        }
        if let Some((x, y)) = self.point {
            pen.set_stroke_style_str("#ffdc00");
            pen.stroke_rect(x as f64 * cell.0, y as f64 * cell.1, cell.0, cell.1);
        }
        Ok(())
    }
}
