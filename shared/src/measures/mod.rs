//! What a trained energy says of pictures: densities by [`hmc`] and [`importance`], and how unusual a picture is
//! ([`OutlierScore`]).

pub mod hmc;
pub mod importance;
mod outliers;

pub use outliers::OutlierScore;
