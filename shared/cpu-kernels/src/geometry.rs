//! The sides of a convolution's tensors.

/// The sides of a convolution's tensors. Height and width stay as they are: outside the image there are zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub images: usize,
    /// Channels that are read.
    pub channels_in: usize,
    /// Channels that are written.
    pub channels_out: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Side of the kernel, 1 or 3.
    pub kernel: usize,
}

impl Geometry {
    /// Pixels of a plane.
    #[must_use]
    pub fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Numbers of a tensor with so many channels.
    pub(crate) fn numbers(&self, channels: usize) -> usize {
        self.images * channels * self.plane()
    }

    /// The plane of one channel of one image of a tensor with `channels` channels.
    pub(crate) fn pixels<'a>(&self, tensor: &'a [f32], channels: usize, image: usize, channel: usize) -> &'a [f32] {
        let start = (image * channels + channel) * self.plane();
        &tensor[start..start + self.plane()]
    }

    /// Whether the tensors are as long as the geometry says.
    ///
    /// # Panics
    /// One is not, or the kernel is neither 1x1 nor 3x3.
    pub(crate) fn check(&self, input: &[f32], weight: usize, others: &[(&str, Option<&[f32]>)]) {
        assert!(self.kernel == 1 || self.kernel == 3, "a kernel of side {}: only 1 and 3 are made", self.kernel);
        assert_eq!(input.len(), self.numbers(self.channels_in), "numbers of the input, {self:?}");
        let taps = self.kernel * self.kernel;
        assert_eq!(weight, self.channels_in * self.channels_out * taps, "numbers of the weight, {self:?}");
        for (name, other) in others {
            let Some(other) = other else { continue };
            assert_eq!(other.len(), self.numbers(self.channels_out), "numbers of the {name}, {self:?}");
        }
    }
}
