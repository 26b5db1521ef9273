//! Where memory comes from.

/// Tensors of a few megabytes come and go all the time: the system's allocator gives such memory back at once, and the
/// time that the kernel takes to clear it again is a third of that of an energy gradient.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay`, of which the bindings have no name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Milliseconds that memory stays with the program after it was last used. By default it is a hundredth of this, less
/// than a step takes, and a sixth of all time goes into clearing the same pages again and again.
const KEPT: core::ffi::c_long = 1000;

/// Has the program keep memory that it will soon want again.
pub fn keep_memory() {
    // SAFETY: an option of the allocator, set before there is another thread.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, KEPT) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another version of the allocator may number its options in another way.
    #[test]
    fn the_option_is_the_delay() {
        // SAFETY: reading an option.
        let read = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(read(), 10, "mimalloc's default, in milliseconds");
        keep_memory();
        assert_eq!(read(), KEPT);
    }
}
