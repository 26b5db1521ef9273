//! What a person sees of a training: a dashboard on a terminal, plain lines elsewhere.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Stderr},
    mem::ManuallyDrop,
    time::{Duration, Instant},
};

use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    crossterm::{
        event::{self, Event, KeyCode, KeyModifiers},
        terminal::{disable_raw_mode, enable_raw_mode},
    },
    layout::{Constraint, Layout},
    style::{Color, Stylize},
    text::Line,
    widgets::{Block, Gauge, Sparkline},
};

use super::Optimization;
use crate::progress::in_words;

/// Shows steps on stderr.
pub struct Display {
    dashboard: Option<Dashboard>,
    state: State,
    last_shown: Option<Instant>,
}

/// What is shown.
struct State {
    data: String,
    plan: Optimization,
    step: u64,
    /// When the first step was done, which takes longer than others; then the first that trained the energy.
    begun: Option<Instant>,
    /// Steps since then.
    timed: u64,
    /// Steps since this program began.
    done: u64,
    /// A moving average: one batch is noisy, the eye wants the trend.
    loss: f64,
    /// The trend so far, thinned to what a terminal is wide.
    history: VecDeque<f64>,
    /// Steps between two entries of the history.
    stride: u64,
}

impl Display {
    /// Between plain lines.
    const LINES: Duration = Duration::from_secs(15);
    /// Between pictures of the dashboard.
    const PICTURES: Duration = Duration::from_millis(200);

    /// For a run on a data set, `done` steps of which are done.
    pub fn new(plan: &Optimization, done: u64, data: &str) -> Self {
        let state = State {
            data: data.to_owned(),
            plan: plan.clone(),
            step: done,
            begun: None,
            timed: 0,
            done: 0,
            loss: 0.0,
            history: VecDeque::new(),
            stride: 1,
        };
        // Where the terminal cannot be drawn on, lines do.
        let dashboard = if in_foreground() { Dashboard::open().ok() } else { None };
        Self { dashboard, state, last_shown: None }
    }

    /// After step `step` (counted from 1), whose loss was `loss`.
    pub fn step(&mut self, step: u64, loss: f64) {
        self.state.add(step, loss);
        let pause = if self.dashboard.is_some() { Self::PICTURES } else { Self::LINES };
        if step == self.state.plan.steps || self.last_shown.is_none_or(|last| last.elapsed() >= pause) {
            self.last_shown = Some(Instant::now());
            match &mut self.dashboard {
                // A terminal that has gone takes nothing of the training with it.
                Some(dashboard) => drop(dashboard.terminal.draw(|frame| draw(frame, &self.state))),
                None => eprintln!("step {step}/{}  {}", self.state.plan.steps, self.state.numbers()),
            }
        }
    }

    /// Whether the user has asked to stop. Where the terminal has gone, the dashboard goes too.
    pub fn asked_to_stop(&mut self) -> bool {
        if self.dashboard.is_some() && has_gone() {
            self.finish();
        }
        self.dashboard.as_ref().is_some_and(|_| asked_to_stop())
    }

    /// Gives the terminal back.
    pub fn finish(&mut self) {
        let dashboard = self.dashboard.take();
        if has_gone() {
            // Whoever asks such a terminal for anything waits for ever.
            let _ = ManuallyDrop::new(dashboard);
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.finish();
    }
}

impl State {
    const WIDEST: usize = 256;
    /// How long a step of the energy takes, where one of its U-Net as a denoiser takes 1: until the first has been seen.
    const ENERGY_STEP: f64 = 2.0;

    fn add(&mut self, step: u64, loss: f64) {
        self.step = step;
        self.done += 1;
        // Steps of the energy take longer than those of the denoiser: they are timed by themselves.
        if self.begun.is_none() || step == self.plan.denoiser_steps + 1 {
            (self.begun, self.timed) = (Some(Instant::now()), 0);
        } else {
            self.timed += 1;
        }
        let weight = 0.02_f64.max(1.0 / self.done as f64);
        self.loss += (loss - self.loss) * weight;
        if self.done.is_multiple_of(self.stride) {
            self.history.push_back(self.loss);
        }
        if self.history.len() > Self::WIDEST {
            self.stride *= 2;
            self.history = self.history.iter().skip(1).step_by(2).copied().collect();
        }
    }

    fn numbers(&self) -> String {
        self.numbers_after(self.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64()))
    }

    /// Where the steps that are timed took so many seconds.
    fn numbers_after(&self, seconds: f64) -> String {
        let loss = format!("loss {:.1}", self.loss);
        // Not from a step or two.
        if self.timed < 2 || seconds <= 0.0 {
            return loss;
        }
        let rate = self.timed as f64 / seconds;
        let left = match self.plan.steps_left(self.step) {
            [0, energy] => energy as f64,
            [denoiser, energy] => denoiser as f64 + energy as f64 * Self::ENERGY_STEP,
        };
        let left = in_words(left / rate);
        format!("{loss}  {:.0} images/s  {left} left", rate * self.plan.batch as f64)
    }
}

/// The lower lines of the terminal.
struct Dashboard {
    terminal: Terminal<CrosstermBackend<Stderr>>,
}

impl Dashboard {
    const HEIGHT: u16 = 10;

    fn open() -> io::Result<Self> {
        enable_raw_mode()?;
        let options = TerminalOptions { viewport: Viewport::Inline(Self::HEIGHT) };
        let terminal = Terminal::with_options(CrosstermBackend::new(io::stderr()), options);
        match terminal {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                disable_raw_mode()?;
                Err(error)
            }
        }
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that has gone.
        let _ = self.terminal.clear();
        let _ = disable_raw_mode();
    }
}

fn draw(frame: &mut Frame<'_>, state: &State) {
    let [curve, progress, numbers] =
        Layout::vertical([Constraint::Min(3), Constraint::Length(1), Constraint::Length(1)]).areas(frame.area());
    let inner = usize::from(curve.width.saturating_sub(2)).max(1);
    let shown = state.history.iter().skip(state.history.len().saturating_sub(inner));
    // On a logarithmic scale, from the least: the last percents matter as much as the first.
    let least = shown.clone().copied().fold(f64::INFINITY, f64::min);
    let bars: Vec<u64> = shown.map(|loss| 1 + (100.0 * (loss / least).ln()) as u64).collect();
    let block = Block::bordered().title(format!(" {}: loss ", state.data)).title_bottom(" q saves and stops ");
    frame.render_widget(Sparkline::default().block(block).data(bars).fg(Color::Cyan), curve);
    let share = state.step as f64 / state.plan.steps.max(1) as f64;
    let label = format!("{} of {} steps", state.step, state.plan.steps);
    frame.render_widget(Gauge::default().ratio(share.clamp(0.0, 1.0)).label(label).gauge_style(Color::Cyan), progress);
    frame.render_widget(Line::from(state.numbers()), numbers);
}

/// Whether there is a terminal that this program may draw on. One in the background (`trainer train … &`) is stopped by the
/// system when it changes the terminal's mode.
fn in_foreground() -> bool {
    #[cfg(unix)]
    let ours = rustix::termios::tcgetpgrp(io::stderr()).is_ok_and(|group| group == rustix::process::getpgrp());
    #[cfg(not(unix))]
    let ours = true;
    ours && io::stderr().is_terminal()
}

/// Whether the terminal was closed, or its connection broke. Reading keys from it would never end.
#[cfg(unix)]
fn has_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stderr = io::stderr();
    // Whatever is asked for, `poll` tells what has gone.
    let mut terminal = [PollFd::new(&stderr, PollFlags::empty())];
    poll(&mut terminal, Some(&Timespec::default())).is_ok()
        && terminal[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

#[cfg(not(unix))]
fn has_gone() -> bool {
    false
}

/// Whether q or Ctrl-C was pressed: on a terminal in raw mode the latter is a key like any other.
fn asked_to_stop() -> bool {
    let mut stop = false;
    while event::poll(Duration::ZERO).unwrap_or(false) {
        if let Ok(Event::Key(key)) = event::read() {
            let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            stop |= interrupt || matches!(key.code, KeyCode::Char('q' | 'Q'));
        }
    }
    stop
}

#[cfg(test)]
mod tests {
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::train::TrainingPreset;

    fn plan(steps: u64, denoiser_steps: u64) -> Optimization {
        Optimization { steps, denoiser_steps, ..TrainingPreset::Unet4.settings().optimization }
    }

    #[test]
    fn the_time_left_knows_that_the_energy_takes_longer() {
        let mut display = Display::new(&plan(1500, 500), 0, "digits");
        (1..=400).for_each(|step| display.state.add(step, 1.0));
        // 100 of the denoiser and 1,000 of the energy are left.
        let told = display.state.numbers_after(399.0);
        assert!(told.ends_with("  64 images/s  35 minutes left"), "{told}");
        // The first step of the energy is not timed.
        (401..=601).for_each(|step| display.state.add(step, 1.0));
        let told = display.state.numbers_after(300.0);
        assert!(told.ends_with("  21 images/s  45 minutes left"), "{told}");
    }

    #[test]
    fn the_dashboard_shows_where_the_run_is() {
        let mut display = Display::new(&plan(1000, 0), 0, "digits");
        for step in 1..=700 {
            display.state.add(step, 1000.0 / step as f64);
        }
        assert!(display.state.history.len() <= State::WIDEST && display.state.history.len() > State::WIDEST / 4);
        let mut terminal = Terminal::new(TestBackend::new(60, Dashboard::HEIGHT)).unwrap();
        terminal.draw(|frame| draw(frame, &display.state)).unwrap();
        let text = terminal.backend().to_string();
        for words in ["digits: loss", "700 of 1000 steps", "images/s", "q saves and stops"] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
