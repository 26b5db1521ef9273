//! The vectors that a processor computes with.

use std::fmt::{self, Display, Formatter};

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use pulp::Scalar;
#[cfg(target_arch = "aarch64")]
use pulp::aarch64::Neon;
#[cfg(target_arch = "wasm32")]
use pulp::wasm::Simd128;
#[cfg(target_arch = "x86_64")]
use pulp::x86::{V2, V3, V4};
use pulp::{Simd, WithSimd};

/// Vectors that this machine can compute with: only such a value can be had. Every kernel takes one, so that tests run
/// each of them wherever they are.
#[derive(Clone, Copy, Debug)]
pub struct Vectors(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Not beside WebAssembly's 128 bits: a browser that lacks them does not even load the program, which would carry
    /// every kernel twice.
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    Scalar(Scalar),
    /// Processors of the last fifteen years that have no AVX2, as some cheap ones.
    #[cfg(target_arch = "x86_64")]
    Sse4(V2),
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(V4),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    #[cfg(target_arch = "wasm32")]
    Simd128(Simd128),
}

impl Vectors {
    /// All that this machine has, the narrowest first. One number at a time goes everywhere.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let all: [Option<Kind>; _] = [
            #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
            Some(Kind::Scalar(Scalar)),
            #[cfg(target_arch = "x86_64")]
            V2::try_new().map(Kind::Sse4),
            #[cfg(target_arch = "x86_64")]
            V3::try_new().map(Kind::Avx2),
            #[cfg(target_arch = "x86_64")]
            V4::try_new().map(Kind::Avx512),
            #[cfg(target_arch = "aarch64")]
            Neon::try_new().map(Kind::Neon),
            #[cfg(target_arch = "wasm32")]
            Simd128::try_new().map(Kind::Simd128),
        ];
        all.into_iter().flatten().map(Self).collect()
    }

    /// The widest that this machine has.
    ///
    /// # Panics
    /// It has none: that is not possible.
    #[must_use]
    pub fn widest() -> Self {
        let Some(widest) = Self::all().pop() else { unreachable!("the list has one that goes everywhere") };
        widest
    }

    /// What they are called: the instruction set.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
            Kind::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Sse4(_) => "sse4",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "neon",
            #[cfg(target_arch = "wasm32")]
            Kind::Simd128(_) => "simd128",
        }
    }

    /// Those of this name, if this machine has them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|vectors| vectors.name() == name)
    }

    /// Runs `work` compiled for these vectors.
    #[inline]
    pub fn run<W: WithSimd>(self, work: W) -> W::Output {
        match self.0 {
            #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
            Kind::Scalar(simd) => Simd::vectorize(simd, work),
            #[cfg(target_arch = "x86_64")]
            Kind::Sse4(simd) => Simd::vectorize(simd, work),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(simd) => Simd::vectorize(simd, work),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(simd) => Simd::vectorize(simd, work),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(simd) => Simd::vectorize(simd, work),
            #[cfg(target_arch = "wasm32")]
            Kind::Simd128(simd) => Simd::vectorize(simd, work),
        }
    }

    /// Numbers in a vector.
    #[must_use]
    pub fn lanes(self) -> usize {
        self.run(Lanes)
    }

    /// Whether there are 32 registers for them, and not 16.
    #[must_use]
    pub(crate) fn has_many_registers(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => true,
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => true,
            #[allow(unreachable_patterns, reason = "where there are no others")]
            _ => false,
        }
    }
}

impl Display for Vectors {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        crate::lanes::lanes::<S>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_vectors_are_found_by_their_names() {
        let all = Vectors::all();
        for vectors in &all {
            assert_eq!(Vectors::named(vectors.name()).map(Vectors::lanes), Some(vectors.lanes()));
        }
        assert!(all.is_sorted_by_key(|vectors| vectors.lanes()), "{all:?}");
        assert_eq!(Vectors::widest().name(), all[all.len() - 1].name());
        assert!(Vectors::named("mmx").is_none());
    }

    /// A fault that a missing feature of a dependency caused: every machine computed one number at a time.
    #[test]
    fn vectors_of_this_processor_are_used() {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            assert_eq!(Vectors::named("avx2").is_some(), avx2);
            assert!(Vectors::widest().lanes() >= if avx2 { 8 } else { 4 });
        }
        #[cfg(target_arch = "aarch64")]
        assert_eq!(Vectors::widest().name(), "neon");
    }
}
