// What a handler in Rust is made of: its two buffers as slices. Panics stop nothing here: they must
// not be reached.
use core::slice;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
macro_rules! handler { ($name:ident, $a:ident, $o:ident, $body:block) => {
#[no_mangle]
pub extern "C" fn $name(input: *const u8, in_len: usize, out: *mut u8, out_cap: usize) -> i64 {
    let ($a, $o) = unsafe { (slice::from_raw_parts(input, in_len), slice::from_raw_parts_mut(out, out_cap)) };
    $body
} } }
