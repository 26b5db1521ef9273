//! Framing small pictures with zeros, and taking the frame off again.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use burn::tensor::{Device, Tensor};
use shared::network::Frame;

#[test]
fn a_frame_is_zeros_around_the_picture_and_comes_off_without_a_trace() {
    let device = Device::flex();
    for (inner, outer, before) in [(28, 32, 2), (8, 8, 0), (5, 8, 1), (16, 24, 4)] {
        let frame = Frame::new(inner, outer).unwrap();
        let picture = Tensor::<4>::ones([2, 3, inner, inner], &device);
        let framed = frame.add(picture.clone());
        assert_eq!(framed.dims(), [2, 3, outer, outer]);
        let sum: f32 = framed.clone().sum().into_data().iter::<f32>().sum();
        assert_eq!(sum, (2 * 3 * inner * inner) as f32, "the frame adds nothing");
        let corner = framed.clone().narrow(2, before, 1).narrow(3, before, 1).into_data();
        assert!(corner.iter::<f32>().all(|value| value == 1.0), "the picture begins at {before}");
        assert_eq!(frame.remove(framed).into_data(), picture.into_data());
    }
}

#[test]
fn pictures_that_do_not_fit_have_no_frame() {
    assert!(Frame::new(33, 32).is_none());
}
