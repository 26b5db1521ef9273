//! Plots as SVG.

use plotters::{
    coord::ranged1d::{AsRangedCoord, ValueFormatter},
    prelude::*,
};

use crate::error::{Error, Result};

/// Curves over one axis.
pub struct Plot {
    /// Above the plot.
    pub title: String,
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// What is drawn.
    pub curves: Vec<Curve>,
    /// Horizontal lines to compare with.
    pub levels: Vec<(f64, String)>,
}

/// What an axis shows.
pub struct Axis {
    /// With its unit.
    pub name: String,
    /// Needs positive values.
    pub logarithmic: bool,
}

/// Points that belong together.
pub struct Curve {
    /// In the legend.
    pub name: String,
    /// In the order in which they are joined.
    pub points: Vec<(f64, f64)>,
}

/// The palette of Okabe and Ito (2008), which colour-blind readers can tell apart.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
const SIZE: (u32, u32) = (720, 420);

impl Plot {
    /// The plot as an SVG document.
    ///
    /// # Errors
    /// The drawing fails.
    pub fn svg(&self) -> Result<String> {
        let (x, y) = (self.range(|p| p.0, self.x.logarithmic), self.range(|p| p.1, self.y.logarithmic));
        match (self.x.logarithmic, self.y.logarithmic) {
            (false, false) => self.draw(x, y),
            (true, false) => self.draw(x.log_scale(), y),
            (false, true) => self.draw(x, y.log_scale()),
            (true, true) => self.draw(x.log_scale(), y.log_scale()),
        }
    }

    fn draw<X, Y>(&self, x: X, y: Y) -> Result<String>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let failed = |error: &dyn std::fmt::Display| Error::failed(format!("{}: cannot be drawn: {error}", self.title));
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|error| failed(&error))?;
        let mut chart = ChartBuilder::on(&root)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y)
            .map_err(|error| failed(&error))?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(&self.x.name)
            .y_desc(&self.y.name)
            .x_label_formatter(&short)
            .y_label_formatter(&short)
            .label_style(("sans-serif", 13))
            .draw()
            .map_err(|error| failed(&error))?;
        for (curve, colour) in self.curves.iter().zip(COLOURS.iter().cycle()).filter(|(c, _)| !c.points.is_empty()) {
            let line = colour.stroke_width(2);
            chart
                .draw_series(LineSeries::new(curve.points.iter().copied(), line))
                .map_err(|error| failed(&error))?
                .label(&curve.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], line));
            if curve.points.len() <= 24 {
                let dots = curve.points.iter().map(|&point| Circle::new(point, 3, colour.filled()));
                chart.draw_series(dots).map_err(|error| failed(&error))?;
            }
        }
        let across = self.range(|p| p.0, self.x.logarithmic);
        for (level, name) in &self.levels {
            let line = BLACK.mix(0.6).stroke_width(1);
            chart
                .draw_series(DashedLineSeries::new([(across.start, *level), (across.end, *level)], 5, 4, line))
                .map_err(|error| failed(&error))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], line));
        }
        chart
            .configure_series_labels()
            .position(self.emptiest_corner())
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .label_font(("sans-serif", 13))
            .draw()
            .map_err(|error| failed(&error))?;
        root.present().map_err(|error| failed(&error))?;
        drop(chart);
        drop(root);
        Ok(svg)
    }

    /// The corner with the fewest points of curves, for the legend.
    fn emptiest_corner(&self) -> SeriesLabelPosition {
        /// The part of each side that a legend may take.
        const PART: f64 = 0.35;
        let place = |value: f64, range: &std::ops::Range<f64>, logarithmic: bool| {
            let scale = |value: f64| if logarithmic { value.ln() } else { value };
            (scale(value) - scale(range.start)) / (scale(range.end) - scale(range.start))
        };
        let (across, up) = (self.range(|p| p.0, self.x.logarithmic), self.range(|p| p.1, self.y.logarithmic));
        let points = self.curves.iter().flat_map(|curve| &curve.points);
        let places: Vec<(f64, f64)> =
            points.map(|p| (place(p.0, &across, self.x.logarithmic), place(p.1, &up, self.y.logarithmic))).collect();
        let corners = [
            (SeriesLabelPosition::UpperRight, true, true),
            (SeriesLabelPosition::UpperLeft, false, true),
            (SeriesLabelPosition::LowerLeft, false, false),
            (SeriesLabelPosition::LowerRight, true, false),
        ];
        let crowd = |right: bool, upper: bool| {
            let near = |place: f64, far: bool| if far { place > 1.0 - PART } else { place < PART };
            places.iter().filter(|(x, y)| near(*x, right) && near(*y, upper)).count()
        };
        let [first, ..] = &corners;
        let first = (first.0.clone(), crowd(first.1, first.2));
        let fewer = |best: (SeriesLabelPosition, usize), (corner, right, upper): &(SeriesLabelPosition, bool, bool)| {
            let found = crowd(*right, *upper);
            if found < best.1 { (corner.clone(), found) } else { best }
        };
        corners.iter().fold(first, fewer).0
    }

    /// From the least to the greatest value, with a margin.
    fn range(&self, coordinate: impl Fn((f64, f64)) -> f64, logarithmic: bool) -> std::ops::Range<f64> {
        let points = self.curves.iter().flat_map(|curve| curve.points.iter().copied());
        let levels = self.levels.iter().filter_map(|(level, _)| {
            let first = self.curves.iter().find_map(|curve| curve.points.first())?;
            Some((first.0, *level))
        });
        let values: Vec<f64> = points.chain(levels).map(coordinate).filter(|value| value.is_finite()).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match (values.is_empty(), logarithmic) {
            (true, _) => 1.0..2.0,
            (false, true) => low / 1.15..high * 1.15,
            (false, false) => {
                let margin = if high > low { 0.05 * (high - low) } else { 1.0 };
                low - margin..high + margin
            }
        }
    }
}

/// As few digits as the eye needs.
fn short(value: &f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        magnitude if magnitude >= 100.0 => format!("{value:.0}"),
        magnitude if magnitude >= 0.1 => format!("{}", (value * 100.0).round() / 100.0),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_shows_every_curve_in_its_legend_on_any_axes() {
        for logarithmic in [false, true] {
            let plot = Plot {
                title: "title".to_owned(),
                x: Axis { name: "across".to_owned(), logarithmic },
                y: Axis { name: "up".to_owned(), logarithmic },
                curves: vec![
                    Curve { name: "first".to_owned(), points: vec![(1.0, 2.0), (10.0, 0.5)] },
                    Curve { name: "nothing".to_owned(), points: Vec::new() },
                ],
                levels: vec![(0.2, "level".to_owned())],
            };
            let svg = plot.svg().unwrap();
            for text in ["title", "across", "up", "first", "level", "polyline"] {
                assert!(svg.contains(text), "{text} in {svg}");
            }
            assert!(!svg.contains("nothing"));
        }
    }

    #[test]
    fn the_legend_covers_no_curve_where_a_corner_is_empty() {
        let plot = |points: Vec<(f64, f64)>| Plot {
            title: String::new(),
            x: Axis { name: String::new(), logarithmic: false },
            y: Axis { name: String::new(), logarithmic: false },
            curves: vec![Curve { name: "curve".to_owned(), points }],
            levels: Vec::new(),
        };
        let rising = plot(vec![(0.0, 0.0), (1.0, 1.0)]);
        assert!(matches!(rising.emptiest_corner(), SeriesLabelPosition::UpperLeft));
        let falling = plot(vec![(0.0, 1.0), (1.0, 0.0)]);
        assert!(matches!(falling.emptiest_corner(), SeriesLabelPosition::UpperRight));
    }
}
