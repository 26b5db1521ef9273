//! What can happen on the page.

use web::{
    Backend, Envelope, Pictures, RecordedRun, Task,
    messages::{FromEngine, ModelFiles},
};
use web_sys::File;

use crate::drops::Item;

/// What can happen.
pub enum Event {
    /// An exception ended something, perhaps a part of the page: that is known when it does not hear this.
    Uncaught,
    /// The page has come into sight.
    Seen,
    Engine(Envelope<FromEngine>),
    /// The engine of this number has had its time to start.
    EngineDue(u32),
    /// Start the engine again, on this backend.
    Restart(Option<Backend>),
    /// Load the model once more.
    LoadAgain,
    /// The visitor is at the settings.
    Touched,
    Start,
    /// Start with another seed.
    New,
    /// The recorded run of this model has come.
    Recorded(String, Option<Box<RecordedRun>>),
    /// The visitor went back or forward.
    Moved,
    /// The lesson of this number is wanted.
    Lesson(usize),
    /// The lesson so many further on is wanted.
    LessonBy(isize),
    EndLessons,
    Pause,
    StepOnce,
    Cancel,
    Continue,
    NewSeed,
    /// Of the form, what a link says of a run.
    RunChanged,
    RoomChosen,
    SamplerChosen,
    ModelChosen,
    BackendChosen,
    KnownChosen,
    /// Any other setting.
    Changed,
    PictureChosen(usize),
    /// The visitor drew a picture.
    Drawn(Pictures),
    /// The visitor brought pictures, perhaps none that can be used: then there are sentences.
    Brought(Vec<(File, Pictures)>, Vec<String>),
    /// A picture that the visitor brought, once more for a model of another size; none where it cannot be read any more.
    ReadAgain(u32, Option<Pictures>),
    /// No picture can be read at present.
    NoReader,
    /// Files were dropped or chosen.
    Files(Vec<Item>),
    /// Files were chosen that are to be a model.
    OwnModel(Vec<Item>),
    /// They are one.
    OwnModelFiles(ModelFiles),
    /// A saved file has these settings.
    Restore(String),
    /// Held-out pictures of other models, for the load of this number.
    Others(u32, Vec<(String, Pictures)>),
    OtherCorners,
    /// Which model the chosen picture belongs to is asked.
    CompareModels,
    /// Another corner is to be chosen.
    CornerChosen,
    /// The pointer is at this part of the map's width and height.
    MapPointed(f64, f64),
    /// The keyboard moves by so many points of the map.
    MapMoved(isize, isize),
    Walk,
    TrainToy,
    /// A chain of the room is clicked.
    ChainChosen(usize),
    /// The chain's picture is wanted in another room.
    ChainTo(Task),
    CloseChain,
    SaveChain,
    /// A moment of the run is chosen.
    Scrubbed(usize),
    Play,
    /// Go on with the playing of this number.
    PlayOn(u32),
    SavePng,
    SaveAnimation,
    SaveJson,
    /// A file of this name is ready, at this address of the page's.
    Written(String, String),
    CopyLink,
    CopyEmbed,
    /// The window has another size, or other colours.
    Redraw,
}

impl Event {
    /// Whether the visitor is behind it.
    pub fn is_the_visitors(&self) -> bool {
        !matches!(
            self,
            Self::Uncaught
                | Self::Seen
                | Self::Engine(_)
                | Self::EngineDue(_)
                | Self::Restart(_)
                | Self::LoadAgain
                | Self::Recorded(..)
                | Self::ReadAgain(..)
                | Self::NoReader
                | Self::Others(..)
                | Self::PlayOn(_)
                | Self::Written(..)
                | Self::Redraw
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visitor_is_behind_what_only_a_visitor_does() {
        for event in
            [Event::Start, Event::Moved, Event::Files(Vec::new()), Event::Restore(String::new()), Event::Changed]
        {
            assert!(event.is_the_visitors());
        }
        for event in [Event::Seen, Event::PlayOn(1), Event::Redraw, Event::Recorded(String::new(), None)] {
            assert!(!event.is_the_visitors());
        }
    }
}
