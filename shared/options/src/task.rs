//! What a picture is restored from.

use crate::words::option;

option! {
    /// What is known of a picture that is to be restored.
    pub enum Task {
        /// Some of its pixels: the others are filled in.
        Inpaint,
        /// A smaller picture: it is enlarged.
        SuperResolution,
        /// Its brightness: it is given colours.
        #[strum(to_string = "colour", serialize = "color")]
        #[serde(alias = "color")]
        #[cfg_attr(feature = "clap", value(alias = "color"))]
        Colour,
        /// A blurred picture: it is made sharp.
        Deblur,
    }
}
