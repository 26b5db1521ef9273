//! How bright colours are.

/// How much red, green and blue add to the brightness of a pixel (ITU-R BT.709). Their sum is 1, so that grey has the
/// brightness of its value.
pub const BRIGHTNESS: [f32; 3] = [0.2126, 0.7152, 0.0722];
